// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One workload as files, the same for every contender: the model, its inputs and its targets.
 *
 * @param folder where the files are
 * @param network name of the network, for example "I1"
 */
public record Work(Path folder, String network) {
  /** Batches that training goes through in turn. */
  public static final int BATCHES = 8;

  /** The learning rate where weights decay: as whole backbones are adapted. */
  public static final double SMALL_RATE = 1e-4;

  /** The decay of weights, but not of biases and norms, by the rate times this. */
  public static final double WEIGHT_DECAY = 0.01;

  /** The parameters and the graph, see docs/model_file.md. */
  public Path model() {
    return folder.resolve(network + ".safetensors");
  }

  /** The same as an ONNX model, for predictions. */
  public Path onnx() {
    return folder.resolve(network + ".onnx");
  }

  /** The ONNX model in 8 bits, where one was published. */
  public Path int8Onnx() {
    return folder.resolve(network + ".int8.onnx");
  }

  /** A TensorFlow Lite model, where one was published. */
  public Path tflite() {
    return folder.resolve(network + ".tflite");
  }

  /** The tokenizer.json of a workload that begins with strings. */
  public Path tokenizer() {
    return folder.resolve(network + ".tokenizer.json");
  }

  /** Its strings, a line each. */
  public Path texts() {
    return folder.resolve(network + ".texts");
  }

  /** Whether it is one of {@link PublishedModels}. */
  public boolean isPublished() {
    return network.startsWith("M-");
  }

  /** Whether its inputs are ids, types and a length. */
  public boolean isText() {
    return network.contains("-minilm");
  }

  /** Whether its inputs are strings. */
  public boolean readsStrings() {
    return network.equals("M-minilm-texts");
  }

  /** Places for tokens. */
  public int positions() {
    if (readsStrings()) {
      return PublishedModels.MOST_TOKENS;
    }
    if (isPublished()) {
      return Integer.parseInt(network.substring(network.lastIndexOf('-') + 1));
    }
    return network.equals("T-minilm") ? 64 : 32;
  }

  /** Whether predictions are logits; else probabilities. */
  public boolean isLogits() {
    return !network.equals("I1") && !network.equals("I2");
  }

  /** Whether training is with AdamW, at {@link #SMALL_RATE}; else with Adam. */
  public boolean decaysWeights() {
    return network.startsWith("T-");
  }

  /** The inputs from the first example on, {@code count} values. */
  public float[] inputs(int count) throws IOException {
    return readFloats(inputsFile(), count);
  }

  /** The inputs in a direct buffer in native byte order. */
  public FloatBuffer inputBuffer(int count) throws IOException {
    return directBuffer(count).put(inputs(count)).flip();
  }

  /** Classes as whole numbers, or labels with NaN where nobody labelled. */
  public float[] targets(int count) throws IOException {
    return readFloats(targetsFile(), count);
  }

  /** A direct buffer in native byte order. */
  public static FloatBuffer directBuffer(int count) {
    return ByteBuffer.allocateDirect(count * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  static void writeFloats(Path file, float[] values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }

  static float[] readFloats(Path file, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[count];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  Path inputsFile() {
    return folder.resolve(network + ".inputs");
  }

  Path targetsFile() {
    return folder.resolve(network + ".targets");
  }
}
