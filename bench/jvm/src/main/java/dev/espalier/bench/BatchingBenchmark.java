// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.BatchingOptions;
import dev.espalier.BatchingPredictor;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
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
 * What joining requests gains or costs: JMH's threads are callers with one example each, who call
 * the predictor themselves, on one thread each, or a BatchingPredictor, whose predictor has all.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class BatchingBenchmark {
  /** A small network, a large one, and one with more weights than a cache holds. */
  @Param({"I1", "I4", "W"})
  public String workload;

  /** Nothing is joined; or what is there, the default; or what comes within 0.2 ms. */
  @Param({"none", "waiting", "company"})
  public String joining;

  private Predictor predictor;
  private BatchingPredictor batching;
  private UnaryOperator<float[]> call;

  /** Builds the network, its predictor, and what joins. */
  @Setup
  public void prepare() {
    boolean isDirect = joining.equals("none");
    PredictorOptions options = PredictorOptions.defaults().maxBatchSize(64);
    try (Network network = Networks.build(workload)) {
      predictor = network.predictor(isDirect ? options.threads(1) : options);
    }
    if (isDirect) {
      call = predictor::predict;
      return;
    }
    BatchingOptions usual = BatchingOptions.defaults();
    batching =
        BatchingPredictor.of(
            predictor,
            joining.equals("company") ? usual.maxWait(Duration.ofNanos(200_000)) : usual);
    call = batching::predict;
  }

  /** Frees all. */
  @TearDown
  public void close() {
    if (batching != null) {
      batching.close();
    }
    predictor.close();
  }

  /** One thread's input. */
  @State(Scope.Thread)
  public static class Caller {
    private float[] input;

    /** Makes it. */
    @Setup
    public void prepare(BatchingBenchmark shared) {
      input = new float[shared.predictor.inputSize()];
      for (int i = 0; i < input.length; i++) {
        input[i] = i % 17 / 17f;
      }
    }
  }

  /** Predicts one example. */
  @Benchmark
  public float[] example(Caller caller) {
    return call.apply(caller.input);
  }
}
