// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Espalier;
import dev.espalier.Network;
import dev.espalier.Predictor;
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

/** What {@link PredictBenchmark} measures, by the forms that take and give arrays. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class ArrayBenchmark {
  /** A network of {@link Networks}; O is nothing but the call. */
  @Param({"O", "I1", "I2", "I3", "I4", "I5r", "I5m"})
  public String workload;

  /** Examples a call. */
  @Param({"1", "8", "64"})
  public int batch;

  private Predictor predictor;
  private float[] inputs;
  private float[] outputs;

  /** Builds the network and its predictor. */
  @Setup
  public void prepare() {
    Espalier.setThreads(1);
    try (Network network = Networks.build(workload)) {
      predictor = network.predictor();
    }
    inputs = new float[batch * predictor.inputSize()];
    outputs = new float[batch * predictor.outputSize()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = i % 17 / 17f;
    }
  }

  /** Frees the predictor. */
  @TearDown
  public void close() {
    predictor.close();
  }

  /** Into the caller's array: nothing is allocated. */
  @Benchmark
  public float[] into() {
    predictor.predict(inputs, outputs);
    return outputs;
  }

  /** Into a new array. */
  @Benchmark
  public float[] fresh() {
    return predictor.predict(inputs);
  }
}
