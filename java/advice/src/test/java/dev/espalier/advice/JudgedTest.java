// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Datasets;
import dev.espalier.Metric;
import dev.espalier.Metrics;
import dev.espalier.Task;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against the core's metrics, and repeated examples against weights. */
class JudgedTest {
  private static final int EXAMPLES = 60;

  private final Random random = new Random(3);

  private float[][] outputs(int width, boolean hasEqual) {
    float[][] outputs = new float[EXAMPLES][width];
    for (float[] row : outputs) {
      for (int c = 0; c < width; c++) {
        row[c] = hasEqual ? random.nextInt(5) : (float) random.nextGaussian();
      }
    }
    return outputs;
  }

  private static int[] ones(int count) {
    int[] weights = new int[count];
    Arrays.fill(weights, 1);
    return weights;
  }

  private float[][] answers(int width, boolean isOfLabels) {
    float[][] answers = new float[EXAMPLES][width];
    for (float[] row : answers) {
      for (int c = 0; c < width; c++) {
        float answer = isOfLabels ? random.nextInt(2) : (float) random.nextGaussian();
        row[c] = random.nextInt(3) == 0 ? Float.NaN : answer;
      }
    }
    return answers;
  }

  @Test
  void labelsHaveTheAreasOfTheCore() {
    Task task = Task.of("t", Task.Kind.LABELS, List.of("a", "b", "c"));
    float[][] outputs = outputs(3, true);
    float[][] answers = answers(3, true);
    Judged judged = new Judged(Question.of(List.of(task)), outputs, answers);
    Metrics metrics = Metrics.ofLogits(task, outputs, answers);
    double mean = 0;
    for (int j = 0; j < 3; j++) {
      double value = judged.value(j, ones(EXAMPLES));
      assertEquals(metrics.metric(Metric.AUC, task.outputNames().get(j)).value(), value, 1e-6);
      mean += value / 3;
    }
    assertEquals(metrics.metric(Metric.MACRO_AUC).value(), mean, 1e-6);
  }

  @Test
  void classesHaveTheAccuracyOfTheCore() {
    Task task = Task.of("t", Task.Kind.CLASSES, List.of("a", "b", "c", "d"));
    float[][] outputs = outputs(4, true);
    int[] classes = random.ints(EXAMPLES, -1, 4).toArray();
    float[][] answers = new float[EXAMPLES][1];
    for (int i = 0; i < EXAMPLES; i++) {
      answers[i][0] = classes[i] < 0 ? Float.NaN : classes[i];
    }
    double value =
        new Judged(Question.of(List.of(task)), outputs, answers).value(0, ones(EXAMPLES));
    assertEquals(
        Metrics.ofLogits(task, outputs, classes).metric(Metric.ACCURACY).value(), value, 1e-6);
  }

  @Test
  void valuesHaveTheDeterminationOfTheCore() {
    Task task = Task.of("t", Task.Kind.VALUES, List.of("a"));
    float[][] outputs = outputs(1, false);
    float[][] answers = answers(1, false);
    double value =
        new Judged(Question.of(List.of(task)), outputs, answers).value(0, ones(EXAMPLES));
    assertEquals(Metrics.ofLogits(task, outputs, answers).metric(Metric.R2).value(), value, 1e-5);
  }

  @Test
  void aWeightIsThatManyExamples() {
    for (Task.Kind kind : Task.Kind.values()) {
      Task task = Task.of("t", kind, kind == Task.Kind.CLASSES ? List.of("a", "b") : List.of("a"));
      List<Question> questions = Question.of(List.of(task));
      float[][] outputs = outputs(task.width(), true);
      float[][] answers = answers(1, kind != Task.Kind.VALUES);
      int[] weights = random.ints(EXAMPLES, 0, 4).toArray();
      int total = Arrays.stream(weights).sum();
      float[][] repeated = new float[total][];
      float[][] repeatedAnswers = new float[total][];
      int next = 0;
      for (int i = 0; i < EXAMPLES; i++) {
        for (int k = 0; k < weights[i]; k++) {
          repeated[next] = outputs[i];
          repeatedAnswers[next++] = answers[i];
        }
      }
      assertEquals(
          new Judged(questions, repeated, repeatedAnswers).value(0, ones(total)),
          new Judged(questions, outputs, answers).value(0, weights),
          1e-9,
          kind.toString());
    }
  }

  @Test
  void whatIsNotDefinedIsNotANumberAndIsLeftOut() {
    Task task = Task.of("t", Task.Kind.LABELS, List.of("a"));
    List<Question> questions = Question.of(List.of(task));
    Judged yesOnly = new Judged(questions, new float[][] {{1}, {2}}, new float[][] {{1}, {1}});
    Judged both = new Judged(questions, new float[][] {{1}, {2}}, new float[][] {{0}, {1}});
    assertTrue(Double.isNaN(yesOnly.value(0, ones(2))));
    PairedBootstrap.Draw draw =
        new PairedBootstrap.Draw(new int[] {0, 1}, new int[][] {{1, 1}, {1, 1}});
    assertEquals(1, Judged.values(List.of(yesOnly, both), draw)[0]);
    assertTrue(Double.isNaN(Judged.values(List.of(yesOnly, yesOnly), draw)[0]));
  }

  /** Data may list labels and classes in another order than the head. */
  @Test
  void answersAreMatchedByName() {
    Task labels = Task.of("t", Task.Kind.LABELS, List.of("a", "b"));
    float[][] answers =
        Question.answers(
            Question.of(List.of(labels)),
            Datasets.withTargets(
                Datasets.of(new float[2], dev.espalier.Shape.vector(1)),
                "t",
                List.of("b", "a"),
                new float[][] {{1, Float.NaN}, {0, 1}}));
    assertTrue(Float.isNaN(answers[0][0]));
    assertEquals(1, answers[0][1]);
    assertEquals(1, answers[1][0]);
    Task classes = Task.of("t", Task.Kind.CLASSES, List.of("x", "y"));
    float[][] kinds =
        Question.answers(
            Question.of(List.of(classes)),
            Datasets.withClasses(
                Datasets.of(new float[3], dev.espalier.Shape.vector(1)),
                "t",
                List.of("y", "x"),
                new int[] {0, 1, -1}));
    assertEquals(1, kinds[0][0]);
    assertEquals(0, kinds[1][0]);
    assertTrue(Float.isNaN(kinds[2][0]));
  }
}
