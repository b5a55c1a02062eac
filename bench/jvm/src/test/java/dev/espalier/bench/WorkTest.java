// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.espalier.Network;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkTest {
  @TempDir private Path folder;

  @Test
  void modelFilesSayWhatOtherLibrariesNeed() throws IOException {
    Work work = WorkWriter.write(folder, "I3", 2);
    ModelFile model = ModelFile.read(work.model());
    assertArrayEquals(new int[] {1, 28, 28}, model.inputShape());
    assertEquals(10, model.outputSize());
    assertTrue(model.isClasses());
    ModelFile.Layer first = model.layers().get(0);
    assertEquals("conv2d", first.kind());
    assertArrayEquals(new long[] {1, 1, 1, 1}, first.pads("kernel"));
    assertArrayEquals(new int[] {32, 28, 28}, first.output());
    try (Network network = Network.load(work.model())) {
      String path = first.name() + ".weight";
      assertArrayEquals(network.parameter(path), model.tensor(path).values());
    }
  }

  @Test
  void backbonesHaveTheKnownNumbersOfParameters() throws IOException {
    Map<String, Long> parameters =
        Map.of("I5r", 11_689_512L, "I5m", 3_504_872L, "I8", 5_288_548L, "T-I5r-64", 11_183_694L);
    for (Map.Entry<String, Long> entry : parameters.entrySet()) {
      ModelFile model = ModelFile.read(WorkWriter.write(folder, entry.getKey(), 1).model());
      ModelFile.Layer last = model.layers().get(model.layers().size() - 1);
      assertArrayEquals(new int[] {entry.getKey().contains("r") ? 512 : 1280}, last.input());
      assertEquals(entry.getKey().startsWith("T-") ? 14 : 1000, model.outputSize());
      try (Network network = Network.load(folder.resolve(entry.getKey() + ".safetensors"))) {
        assertEquals(
            entry.getValue(),
            network.parameters().stream()
                .filter(parameter -> !parameter.isBuffer())
                .mapToLong(parameter -> parameter.shape().size())
                .sum());
      }
    }
  }

  @Test
  void halfOfTheLabelsOfBackbonesAreHidden() throws IOException {
    Work work = WorkWriter.writeTraining(folder, "T-I5m-64", 8);
    float[] targets = work.targets(Work.BATCHES * 8 * 14);
    int hidden = 0;
    for (float target : targets) {
      hidden += Float.isNaN(target) ? 1 : 0;
    }
    assertEquals(0.5, (double) hidden / targets.length, 0.1);
  }

  @Test
  void memoryThatGrowsIsSeen() {
    PeakMemory.start();
    double before = PeakMemory.growthMegabytes();
    // Some of it may be resident already, freed by another test, and the system may take back other
    // pages meanwhile.
    ByteBuffer buffer = ByteBuffer.allocateDirect(320_000_000);
    for (int i = 0; i < buffer.capacity(); i += 1024) {
      buffer.put(i, (byte) 1);
    }
    double growth = PeakMemory.growthMegabytes();
    assumeFalse(Double.isNaN(growth), "the system does not tell");
    assertTrue(growth - before > 60, before + " to " + growth + " MB");
  }

  @Test
  void contenderPredictsAndTrains() throws IOException {
    Contender contender = new EspalierContender("espalier");
    contender.threads(1);
    Work work = WorkWriter.write(folder, "I2", Work.BATCHES * 4);
    try (Contender.Prediction prediction = contender.prediction(work, 3)) {
      prediction.run();
      float[] outputs = prediction.outputs();
      assertEquals(3 * 14, outputs.length);
      try (Contender.Prediction sharing = prediction.sharing()) {
        sharing.run();
        assertArrayEquals(outputs, sharing.outputs());
      }
    }
    double[] losses = new double[20];
    try (Contender.Training training = contender.training(work, 4)) {
      training.steps(20, new long[20], losses);
      training.steps(1, new long[1], new double[1]);
    }
    assertTrue(losses[16] < losses[0], "a batch's loss falls from one turn to the third");
  }

  @Test
  void whatComputesAnotherThingIsRefused() throws IOException {
    float[] reference = {1, -2, 0};
    Agreement.require("same", reference, new float[] {1.001f, -2, 0.001f}, 1e-3);
    assertThrows(
        IOException.class,
        () -> Agreement.require("other", reference, new float[] {1.01f, -2, 0}, 1e-3));
    assertThrows(
        IOException.class,
        () -> Agreement.require("NaN", reference, new float[] {Float.NaN, -2, 0}, 1e-3));
    assertThrows(
        IOException.class, () -> Agreement.require("short", reference, new float[] {1}, 1e-3));
  }
}
