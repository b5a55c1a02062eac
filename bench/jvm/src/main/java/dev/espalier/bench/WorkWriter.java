// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Network;
import dev.espalier.OnnxExportOptions;
import dev.espalier.ParameterSummary;
import dev.espalier.Task;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Writes the files of workloads. */
final class WorkWriter {
  /** The share of label entries that nobody labelled; where whole backbones are trained, half. */
  private static final double HIDDEN = 0.3;

  private static final int SEED = 5;

  private WorkWriter() {}

  /** Writes model, as an ONNX model too, inputs and targets of a network of {@link Networks}. */
  static Work write(Path folder, String network, int examples) throws IOException {
    Work work = write(folder, network, examples, 1, HIDDEN);
    OnnxExportOptions options = OnnxExportOptions.defaults();
    try (Network written = Network.load(work.model())) {
      written.exportOnnx(work.onnx(), work.isLogits() ? options.logits() : options);
    }
    return work;
  }

  /** Writes them with another share of hidden label entries. */
  static Work write(Path folder, String network, int examples, double hidden) throws IOException {
    return write(folder, network, examples, 1, hidden);
  }

  /**
   * Writes them for training, {@link Work#BATCHES} batches. The first {@link
   * ContenderProcess#CHECKED_STEPS} hold the same examples, so that losses tell what the updates
   * between them did; on other examples of noise they would hardly change.
   */
  static Work writeTraining(Path folder, String network, int batch) throws IOException {
    int alike = ContenderProcess.CHECKED_STEPS;
    double hidden = new Work(folder, network).decaysWeights() ? 0.5 : HIDDEN;
    return write(folder, network, Work.BATCHES * batch, alike, hidden);
  }

  private static Work write(Path folder, String network, int examples, int alike, double hidden)
      throws IOException {
    Files.createDirectories(folder);
    Work work = new Work(folder, network);
    try (Network built =
        work.isText() ? PublishedModels.textClassifier(work) : Networks.build(network)) {
      built.save(work.model());
      Random random = new Random(SEED);
      float[] inputs;
      if (work.isText()) {
        inputs = PublishedModels.inputs(work, examples);
      } else {
        inputs = new float[examples * built.inputShape().size()];
        for (int i = 0; i < inputs.length; i++) {
          inputs[i] = random.nextFloat() - 0.5f;
        }
      }
      repeatFirstBatch(inputs, alike);
      Work.writeFloats(work.inputsFile(), inputs);
      Task task = built.tasks().get(0);
      boolean isClasses = task.kind() == Task.Kind.CLASSES;
      float[] targets = new float[examples * (isClasses ? 1 : task.width())];
      for (int i = 0; i < targets.length; i++) {
        if (isClasses) {
          targets[i] = random.nextInt(task.width());
        } else {
          targets[i] = random.nextFloat() < hidden ? Float.NaN : random.nextInt(2);
        }
      }
      repeatFirstBatch(targets, alike);
      Work.writeFloats(work.targetsFile(), targets);
    }
    return work;
  }

  private static void repeatFirstBatch(float[] values, int alike) {
    int size = values.length / Work.BATCHES;
    for (int batch = 1; batch < alike; batch++) {
      System.arraycopy(values, 0, values, batch * size, size);
    }
  }

  /** Writes the parameters' values alone, in order, for programs that read nothing else. */
  static void writeRaw(Work work) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Network network = Network.load(work.model())) {
      for (ParameterSummary parameter : network.parameters()) {
        float[] values = network.parameter(parameter.path());
        ByteBuffer buffer =
            ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asFloatBuffer().put(values);
        bytes.write(buffer.array());
      }
    }
    Files.write(work.folder().resolve(work.network() + ".raw"), bytes.toByteArray());
  }
}
