// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Network;
import java.io.IOException;
import java.nio.file.Path;
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
  void shapesOfResNet18AndMobileNetV2AreTheKnownOnes() throws IOException {
    for (String name : new String[] {"I5r", "I5m"}) {
      ModelFile model = ModelFile.read(WorkWriter.write(folder, name, 1).model());
      ModelFile.Layer last = model.layers().get(model.layers().size() - 1);
      assertArrayEquals(new int[] {name.equals("I5r") ? 512 : 1280}, last.input());
      assertArrayEquals(new int[] {1000}, last.output());
    }
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
