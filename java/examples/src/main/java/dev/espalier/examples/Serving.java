// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Predictor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Section 5: save, load in a fresh process, predict; the same bits, how fast, how much garbage. */
final class Serving {
  private static final int CHECKED = 500;
  private static final int WARM_UP_CALLS = 20_000;
  private static final int TIMED_CALLS = 50_000;

  private Serving() {}

  /** Saves the network and its answers, and lets a fresh process answer the same pictures. */
  static Map<String, Object> run(Network network, Dataset test, Path folder)
      throws IOException, InterruptedException {
    Path model = folder.resolve("attributes.safetensors");
    Path pictures = folder.resolve("pictures.bin");
    Path answer = folder.resolve("serve.json");
    network.save(model);
    float[] inputs = new float[CHECKED * network.inputShape().size()];
    for (int i = 0; i < CHECKED; i++) {
      test.readInput(i, inputs, i * network.inputShape().size());
    }
    write(pictures, inputs);
    float[] expected;
    try (Predictor predictor = network.predictor()) {
      expected = predictor.predict(inputs);
    }
    Process fresh =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Serving.class.getName(),
                model.toString(),
                pictures.toString(),
                answer.toString())
            .inheritIO()
            .start();
    if (fresh.waitFor() != 0) {
      throw new IllegalStateException("the serving process ended with code " + fresh.exitValue());
    }
    JsonNode measured = new ObjectMapper().readTree(answer.toFile());
    float[] got = read(Path.of(answer + ".bin"));
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("p50_us", measured.get("p50_us").doubleValue());
    result.put("p99_us", measured.get("p99_us").doubleValue());
    result.put("bytes_per_call", measured.get("bytes_per_call").longValue());
    result.put("reload_bit_identical", Arrays.equals(bits(expected), bits(got)));
    return result;
  }

  /** The fresh process: model file, pictures, and where the answer goes. */
  public static void main(String[] arguments) throws IOException {
    float[] inputs = read(Path.of(arguments[1]));
    Path answer = Path.of(arguments[2]);
    try (Network network = Network.load(Path.of(arguments[0]));
        Predictor predictor = network.predictor()) {
      int inputSize = predictor.inputSize();
      FloatBuffer input = direct(inputSize);
      FloatBuffer output = direct(predictor.outputSize());
      float[] answers = new float[CHECKED * predictor.outputSize()];
      for (int i = 0; i < CHECKED; i++) {
        input.clear().put(inputs, i * inputSize, inputSize).flip();
        output.clear();
        predictor.predict(input, output);
        output.clear().get(answers, i * predictor.outputSize(), predictor.outputSize());
      }
      write(Path.of(answer + ".bin"), answers);
      new ObjectMapper().writeValue(answer.toFile(), measure(predictor, input, output));
    }
  }

  private static Map<String, Object> measure(
      Predictor predictor, FloatBuffer input, FloatBuffer output) {
    long[] nanos = new long[TIMED_CALLS];
    for (int i = 0; i < WARM_UP_CALLS; i++) {
      predict(predictor, input, output);
    }
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < TIMED_CALLS; i++) {
      long start = System.nanoTime();
      predict(predictor, input, output);
      nanos[i] = System.nanoTime() - start;
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    Arrays.sort(nanos);
    return Map.of(
        "p50_us", nanos[TIMED_CALLS / 2] / 1e3,
        "p99_us", nanos[(int) (TIMED_CALLS * 0.99)] / 1e3,
        "bytes_per_call", allocated / TIMED_CALLS);
  }

  private static void predict(Predictor predictor, FloatBuffer input, FloatBuffer output) {
    input.clear();
    output.clear();
    predictor.predict(input, output);
  }

  private static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  private static void write(Path file, float[] values) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }

  private static float[] read(Path file) {
    try {
      FloatBuffer values = ByteBuffer.wrap(Files.readAllBytes(file)).asFloatBuffer();
      float[] result = new float[values.remaining()];
      values.get(result);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
