// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.espalier.Adam;
import dev.espalier.EpochResult;
import dev.espalier.Network;
import dev.espalier.StepResult;
import dev.espalier.Trainer;
import dev.espalier.TrainingListener;
import dev.espalier.bench.ReferenceTraining.Rules;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That the losses which contenders are compared by tell right training from wrong. */
class TrainingAgreementTest {
  private static final int BATCH = 32;
  private static final int STEPS = ContenderProcess.CHECKED_STEPS;

  @TempDir private Path folder;

  @Test
  void lossesAreThoseOfTheFormulas() throws IOException {
    for (String network : List.of("I1", "I2")) {
      Work work = WorkWriter.writeTraining(folder, network, BATCH);
      float[] reference = ReferenceTraining.losses(work, BATCH, STEPS, Rules.right());
      float[] ours = ours(work, BATCH);
      assertDoesNotThrow(() -> Agreement.require(network, reference, ours, 1e-5));
    }
  }

  @Test
  void wrongUpdatesAreRefused() throws IOException {
    for (String network : List.of("I1", "I2")) {
      Work work = WorkWriter.writeTraining(folder, network, BATCH);
      float[] ours = ours(work, BATCH);
      refuse(work, ours, "no bias correction", new Rules(1e-3, 0.9, 0.999, false));
      refuse(work, ours, "twice the rate", new Rules(2e-3, 0.9, 0.999, true));
      refuse(work, ours, "2 % off the rate", new Rules(1.02e-3, 0.9, 0.999, true));
    }
  }

  @Test
  void anotherRateOfConvolutionsIsRefused() throws IOException {
    for (String network : List.of("I3", "I4")) {
      Work work = WorkWriter.writeTraining(folder, network, BATCH);
      float[] losses = ours(work, BATCH);
      assertRefused(network, losses, atRate(work, 1.02e-3), network);
      Agreement.require(network, losses, atRate(work, 1e-3), 0);
    }
  }

  @Test
  void theFirstBatchesAreAlikeAndTheOthersNot() throws IOException {
    Work work = WorkWriter.writeTraining(folder, "I2", BATCH);
    int size = BATCH * 103;
    float[] inputs = work.inputs(Work.BATCHES * size);
    float[] first = Arrays.copyOf(inputs, size);
    for (int batch = 1; batch < Work.BATCHES; batch++) {
      float[] other = Arrays.copyOfRange(inputs, batch * size, (batch + 1) * size);
      if (batch < STEPS) {
        assertArrayEquals(first, other);
      } else {
        assertThrows(AssertionError.class, () -> assertArrayEquals(first, other));
      }
    }
  }

  private static void refuse(Work work, float[] ours, String what, Rules rules) throws IOException {
    float[] losses = ReferenceTraining.losses(work, BATCH, STEPS, rules);
    assertRefused(work.network(), ours, losses, what);
  }

  private static void assertRefused(
      String network, float[] reference, float[] losses, String what) {
    assertThrows(
        IOException.class,
        () -> Agreement.require(what, reference, losses, Agreement.lossTolerance(network)),
        () -> what + ": " + Arrays.toString(losses) + " for " + Arrays.toString(reference));
  }

  private static float[] atRate(Work work, double rate) throws IOException {
    float[] losses = new float[STEPS];
    try (Network network = Network.load(work.model())) {
      Trainer.of(network)
          .optimizer(Adam.withLearningRate(rate))
          .batchSize(BATCH)
          .shuffle(false)
          .steps(STEPS)
          .listener(
              new TrainingListener() {
                @Override
                public void onStep(StepResult step) {
                  losses[(int) step.step()] = (float) step.loss();
                }

                @Override
                public void onEpoch(EpochResult epoch) {}
              })
          .fit(EspalierContender.examples(network, work, Work.BATCHES * BATCH));
    }
    return losses;
  }

  private static float[] ours(Work work, int batch) throws IOException {
    EspalierContender contender = new EspalierContender("espalier");
    contender.threads(1);
    double[] losses = new double[STEPS];
    try (Contender.Training training = contender.training(work, batch)) {
      training.steps(STEPS, new long[STEPS], losses);
    }
    float[] values = new float[STEPS];
    for (int i = 0; i < STEPS; i++) {
      values[i] = (float) losses[i];
    }
    return values;
  }
}
