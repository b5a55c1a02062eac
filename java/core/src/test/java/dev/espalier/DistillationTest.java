// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What another network says, as a loss. */
class DistillationTest {
  private final Dots dots = new Dots(80, 1);

  private Network teacher() {
    Network network = Dots.labeller(1);
    Trainer.of(network).optimizer(AdamW.withLearningRate(0.02)).epochs(40).fit(dots.labels());
    return network;
  }

  /** By central differences, at labels and classes, with what is not labelled left out. */
  @Test
  void gradientsAreThoseOfTheSum() {
    try (Network labeller = teacher();
        Network classifier = Dots.classifier(2);
        Predictor labels = labeller.predictor();
        Predictor classes = classifier.predictor(PredictorOptions.defaults().logits())) {
      check(Distillation.of(labels, dots.labels()).share(0.3).temperature(2));
      check(Distillation.of(classes, dots.classes()).share(0.7).temperature(3));
    }
  }

  private static void check(Distillation loss) {
    boolean isOfLabels = loss.toString().contains("labels");
    Task task =
        isOfLabels
            ? Task.of("side", Task.Kind.LABELS, List.of("low", "right"))
            : Task.of("quarter", Task.Kind.CLASSES, List.of("0", "1", "2", "3"));
    Random random = new Random(3);
    float[] logits = new float[3 * task.width()];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    LossBatch batch = batch(task, logits);
    loss.compute(batch);
    float[] gradients = batch.gradients().clone();
    float step = 1e-2f;
    for (int i = 0; i < logits.length; i++) {
      float[] up = logits.clone();
      float[] down = logits.clone();
      up[i] += step;
      down[i] -= step;
      double slope =
          (loss.compute(batch(task, up)) - loss.compute(batch(task, down))) / (2.0 * step);
      boolean isLabelled = isOfLabels ? i != 1 : i / task.width() != 1;
      assertEquals(isLabelled ? slope : 0, gradients[i], 2e-4, loss + ": " + i);
      assertTrue(isLabelled || gradients[i] == 0);
    }
  }

  /** Three examples in training; the second label, or the second example, is not known. */
  private static LossBatch batch(Task task, float[] logits) {
    LossBatch batch = new LossBatch(task, 3, true);
    System.arraycopy(logits, 0, batch.logits(), 0, logits.length);
    if (task.kind() == Task.Kind.LABELS) {
      System.arraycopy(new float[] {1, Float.NaN, 0, 1, 1, 0}, 0, batch.targets(), 0, 6);
    } else {
      System.arraycopy(new int[] {2, -1, 0}, 0, batch.classes(), 0, 3);
    }
    batch.begin();
    return batch;
  }

  @Test
  void theStudentSaysWhatTheTeacherSays() {
    float[][] wrong = new float[80][];
    for (int i = 0; i < 80; i++) {
      wrong[i] = new float[] {1 - dots.sides[i][0], Float.NaN};
    }
    Dataset flipped = Datasets.of(dots.pictures, Dots.PICTURE, wrong);
    try (Network teacher = teacher();
        Predictor teaching = teacher.predictor();
        Network student = Dots.labeller(7)) {
      Loss loss = Distillation.of(teaching, flipped).share(1);
      float[] unknown = row(student, 1);
      Trainer trainer =
          Trainer.of(student)
              .loss("side", loss)
              .optimizer(AdamW.withLearningRate(0.02))
              .epochs(60)
              .seed(5);
      trainer.fit(flipped);
      double accuracy = student.evaluate(dots.labels()).task("side").metric("auc", "low").value();
      assertTrue(accuracy > 0.9, "AUC " + accuracy);
      assertArrayEquals(unknown, row(student, 1)); // that no answer is known of
      // Evaluation has the known answers alone: here, those that are wrong.
      assertTrue(trainer.evaluate(flipped).loss() > trainer.evaluate(dots.labels()).loss() / 2);
    }
  }

  /** The weights of one label. */
  private static float[] row(Network network, int label) {
    float[] weights = network.parameter("heads.side.dense.weight");
    int width = weights.length / 2;
    return Arrays.copyOfRange(weights, label * width, (label + 1) * width);
  }

  @Test
  void withoutAShareItIsTheHeadsOwnLoss() {
    try (Network teacher = teacher();
        Predictor teaching = teacher.predictor();
        Network own = Dots.labeller(7);
        Network same = own.copy()) {
      Trainer.of(own).steps(5).fit(dots.labels());
      Trainer.of(same)
          .loss("side", Distillation.of(teaching, dots.labels()).share(0))
          .steps(5)
          .fit(dots.labels());
      assertArrayEquals(row(own, 0), row(same, 0), 1e-5f);
      assertArrayEquals(own.parameter("conv1.weight"), same.parameter("conv1.weight"), 1e-5f);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Network both = Dots.rich(1);
        Predictor two = both.predictor();
        Network labeller = Dots.labeller(1);
        Predictor one = labeller.predictor();
        Network student = Dots.classifier(1)) {
      assertThrows(IllegalArgumentException.class, () -> Distillation.of(two, dots.labels()));
      Distillation loss = Distillation.of(one, Datasets.range(dots.labels(), 0, 10));
      assertThrows(IllegalArgumentException.class, () -> loss.share(1.5));
      assertThrows(IllegalArgumentException.class, () -> loss.temperature(0));
      Trainer wrongTask = Trainer.of(student).loss("quarter", loss);
      assertThrows(IllegalArgumentException.class, () -> wrongTask.fit(dots.classes()));
      Trainer wrongData = Trainer.of(labeller).loss("side", loss);
      String message =
          assertThrows(IllegalArgumentException.class, () -> wrongData.fit(dots.labels()))
              .getMessage();
      assertTrue(message.contains("of 10 examples"), message);
    }
  }
}
