// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
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

/** Time of one prediction of one example, from Java to Java. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PredictBenchmark {
  /** Small and dense, labels, and convolutional; "call" is nothing but the overhead. */
  @Param({"call", "dense", "labels", "convolutional"})
  public String network;

  private Predictor predictor;
  private float[] inputs;
  private float[] outputs;
  private FloatBuffer inputBuffer;
  private FloatBuffer outputBuffer;

  /** Builds the network and its predictor. */
  @Setup
  public void build() {
    NetworkBuilder builder =
        switch (network) {
          case "call" -> Network.builder(Shape.vector(1)).head("one", Head.values("value"));
          case "dense" ->
              Network.builder(Shape.vector(784))
                  .dense(256)
                  .relu()
                  .dense(128)
                  .relu()
                  .head("digit", Head.classes(10));
          case "labels" ->
              Network.builder(Shape.vector(103)).dense(256).relu().head("gene", labels(14));
          case "convolutional" ->
              Network.builder(Shape.image(1, 28, 28))
                  .conv2d("conv1", 32, 3)
                  .relu()
                  .maxPool2d(2)
                  .conv2d("conv2", 64, 3)
                  .relu()
                  .maxPool2d(2)
                  .dense(128)
                  .relu()
                  .head("digit", Head.classes(10));
          default -> throw new IllegalArgumentException(network);
        };
    try (Network built = builder.build(1)) {
      predictor = built.predictor();
    }
    inputs = new float[predictor.inputSize()];
    outputs = new float[predictor.outputSize()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (i % 17) / 17f;
    }
    inputBuffer = direct(inputs.length).put(inputs).flip();
    outputBuffer = direct(outputs.length);
  }

  /** Frees the predictor. */
  @TearDown
  public void close() {
    predictor.close();
  }

  /** From array to array, nothing allocated. */
  @Benchmark
  public float[] array() {
    predictor.predict(inputs, outputs);
    return outputs;
  }

  /** From direct buffer to direct buffer, nothing copied. */
  @Benchmark
  public FloatBuffer buffer() {
    predictor.predict(inputBuffer.rewind(), outputBuffer.rewind());
    return outputBuffer;
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private static Head labels(int count) {
    String[] names = new String[count];
    for (int i = 0; i < count; i++) {
      names[i] = "label" + i;
    }
    return Head.labels(names);
  }
}
