// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time of one prediction from direct buffer to direct buffer, Java to Java; JMH's threads are
 * callers that share one predictor, each with buffers of its own, and compute on their own threads.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class PredictBenchmark {
  /** Who predicts: "espalier", "espalier-bf16", or "ort" where peers are on the class path. */
  @Param("espalier")
  public String contender;

  /** A network of {@link Networks}; O is nothing but the call. */
  @Param({"O", "I1", "I2", "I3", "I4", "I5r", "I5m"})
  public String workload;

  /** Examples a call. */
  @Param({"1", "8", "64"})
  public int batch;

  private Path folder;
  private Contender.Prediction prediction;

  /** Writes the workload's files and prepares the predictor. */
  @Setup
  public void prepare() throws IOException, ReflectiveOperationException {
    folder = Files.createTempDirectory("espalier-jmh");
    Contender library =
        contender.equals("ort")
            ? (Contender)
                Class.forName("dev.espalier.bench.peers.OnnxRuntimeContender")
                    .getConstructor(String.class)
                    .newInstance(contender)
            : new EspalierContender(contender);
    library.threads(1);
    prediction = library.prediction(WorkWriter.write(folder, workload, batch), batch);
  }

  /** Frees the predictor and removes the files. */
  @TearDown
  public void close() throws IOException {
    prediction.close();
    TemporaryFolder.remove(folder);
  }

  /** One thread's inputs and outputs. */
  @State(Scope.Thread)
  public static class Caller {
    private Contender.Prediction own;

    /** Makes them. */
    @Setup
    public void prepare(PredictBenchmark shared) {
      own = shared.prediction.sharing();
    }

    /** Frees what the caller has of its own. */
    @TearDown
    public void close() {
      own.close();
    }
  }

  /** Predicts one batch. */
  @Benchmark
  public void buffers(Caller caller) {
    caller.own.run();
  }
}
