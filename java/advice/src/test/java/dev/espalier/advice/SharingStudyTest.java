// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharingStudyTest {
  @TempDir Path temporary;

  private static NetworkBuilder form(int width) {
    return Network.builder(Shape.vector(4)).dense("features", width).tanh();
  }

  /** Four labels, each about another input: a network with one feature cannot answer them all. */
  private static Dataset independent(int count) {
    Random random = new Random(2);
    float[][] inputs = new float[count][4];
    float[][] answers = new float[count][4];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < 4; c++) {
        inputs[i][c] = (float) random.nextGaussian();
        answers[i][c] = random.nextInt(5) == 0 ? Float.NaN : inputs[i][c] > 0 ? 1 : 0;
      }
    }
    return named(inputs, answers, "a", "b", "c", "d");
  }

  private static Dataset named(float[][] inputs, float[][] answers, String... names) {
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.of(inputs, answers)), "t", List.of(names), answers);
  }

  private static SharingStudy study() {
    return SharingStudy.of(SharingStudyTest::form)
        .head("t", Head::labels)
        .folds(3)
        .steps(250)
        .learningRate(2e-2)
        .seed(1);
  }

  /** All but times. */
  private static String text(SharingResult result) {
    return result.toString().replaceAll("[0-9.]+ s\n", "");
  }

  @Test
  void explainsWhatItThenDoes() {
    SharingStudy study = study().widths(1, 3).steps(2);
    Dataset data = independent(60);
    String plan = study.explain(data);
    assertTrue(plan.startsWith("[a, b, c, d]: 60 examples in 3 folds"), plan);
    assertTrue(plan.contains("one network a question, width 1\n  one network, width 3"), plan);
    List<Integer> totals = new ArrayList<>();
    study.listener(progress -> totals.add(progress.total())).run(data);
    assertTrue(plan.contains("\n" + totals.get(0) + " trainings of 2 steps"), plan + totals);
  }

  @Test
  void wantsALargerNetworkWhereOneIsTooSmall() {
    SharingResult result = study().widths(1, 2, 12).separateWidths(1, 2).run(independent(150));
    assertEquals(SharingVerdict.LARGER_NETWORK_FIRST, result.verdict(), result::toString);
    assertTrue(result.isComplete());
    assertEquals("macro AUC", result.metric());
    assertEquals(List.of("a", "b", "c", "d"), result.questions());
    assertEquals(
        List.of(
            "one, width × 1",
            "4 separate, width × 1",
            "one, width × 2",
            "one, width × 12",
            "4 separate, width × 2"),
        result.arms().stream().map(SharingArm::name).toList());
    SharingArm separate = result.arms().get(1);
    assertEquals(4 * (5 + 2), separate.parameters());
    assertEquals(1000, separate.steps());
    assertEquals(250, result.arms().get(0).steps());
    assertTrue(separate.microseconds() > 0);
    assertTrue(result.gain(1).isBelow(0) && result.gainOfWidth(12).isAbove(0));
    assertEquals(4, result.gains(2).size());
    assertTrue(result.betterWidth().isPresent());
    assertTrue(result.sentence().startsWith("A larger network first: one has macro AUC -"));
    double[][] cosines = result.gradientCosines();
    for (int a = 0; a < 4; a++) {
      assertEquals(1, cosines[a][a], 1e-9);
      for (int b = 0; b < 4; b++) {
        assertEquals(cosines[a][b], cosines[b][a], 1e-12);
        assertTrue(Math.abs(cosines[a][b]) < 1 + 1e-9);
      }
    }
  }

  /** Four names of one label, each answered here and there: together they know more. */
  @Test
  void sharesWhatIsTheSame() {
    Random random = new Random(2);
    float[][] inputs = new float[120][4];
    float[][] answers = new float[120][3];
    for (int i = 0; i < inputs.length; i++) {
      for (int c = 0; c < 4; c++) {
        inputs[i][c] = (float) random.nextGaussian();
      }
      Arrays.fill(answers[i], Float.NaN);
      answers[i][i % 3] = inputs[i][0] > 0 ? 1 : 0;
    }
    SharingResult result =
        study().widths(1).tolerance(0.03).run(named(inputs, answers, "a", "b", "c"));
    assertEquals(SharingVerdict.SHARE, result.verdict(), result::toString);
    assertTrue(result.sentence().startsWith("Share one network: "));
    assertTrue(result.grouped().isEmpty());
  }

  /** A task of classes is one question, beside labels. */
  @Test
  void tasksOfAllKindsAreQuestions() {
    Dots dots = new Dots(60, 3);
    Dataset both = new BothTasks(dots.quarters(), dots.sides());
    SharingResult result =
        SharingStudy.of(width -> Dots.form().relu())
            .head("quarter", Head::classes)
            .head("side", Head::labels)
            .widths(1)
            .folds(2)
            .steps(5)
            .run(both);
    assertEquals(List.of("quarter", "side/low", "side/right"), result.questions());
    assertEquals("mean of accuracy, auc", result.metric());
    assertEquals(3, result.gradientCosines().length);
  }

  @Test
  void aStudyThatWasCutShortGoesOnToTheSameBits() {
    Dataset data = independent(60);
    Path folder = temporary.resolve("cells");
    SharingStudy cut = study().steps(20).widths(1, 2).folder(folder);
    cut.listener(
        progress -> {
          if (progress.done() == 4) {
            cut.cancel();
          }
        });
    SharingResult early = cut.run(data);
    assertFalse(early.isComplete());
    assertEquals(SharingVerdict.CANNOT_TELL, early.verdict());
    SharingResult late = study().steps(20).widths(1, 2).folder(folder).run(data);
    assertTrue(late.isComplete());
    assertEquals(text(late), text(study().steps(20).widths(1, 2).folder(folder).run(data)));
    SharingResult fresh = study().steps(20).widths(1, 2).run(data);
    for (int arm = 0; arm < 3; arm++) {
      assertEquals(fresh.arms().get(arm).score(), late.arms().get(arm).score());
    }
    assertEquals(fresh.gains(2), late.gains(2));
  }

  @Test
  void aTimeLimitEndsWithWhatThereIs() {
    SharingResult result = study().timeLimit(Duration.ofNanos(1)).run(independent(60));
    assertEquals(SharingVerdict.CANNOT_TELL, result.verdict());
    assertFalse(result.isComplete());
    assertTrue(result.toString().contains("the study ended before anything was compared"));
  }

  @Test
  void refusesWhatDoesNotFit() {
    Dataset data = independent(60);
    assertRefused("a call of head", () -> SharingStudy.of(SharingStudyTest::form).run(data));
    assertRefused("got \"u\"", () -> study().head("u", Head::labels).run(data));
    assertRefused("expected at least 12 examples", () -> study().run(independent(11)));
    assertRefused("rising", () -> study().widths(2, 1));
    assertRefused("rising", () -> study().widths(new int[0]));
    assertRefused("steps", () -> study().steps(0));
    assertRefused("rate", () -> study().learningRate(Double.NaN));
    assertRefused("loss", () -> study().tolerance(-1));
    float[][] one = new float[60][1];
    assertRefused(
        "questions: expected at least 2", () -> study().run(named(new float[60][4], one, "a")));
    SharingResult result = study().steps(2).widths(1).run(data);
    assertRefused("width: expected one of [1]", () -> result.gain(3));
    SharingStudy none = SharingStudy.of(width -> null).head("t", Head::labels);
    String message = assertThrows(NullPointerException.class, () -> none.run(data)).getMessage();
    assertTrue(message.contains("form: expected"), message);
  }

  @Test
  void nothingIsComparedByAnswersThatNobodyKnows() {
    float[][] blank = new float[24][2];
    for (float[] row : blank) {
      Arrays.fill(row, Float.NaN);
    }
    SharingResult result = study().steps(2).widths(1).run(named(new float[24][4], blank, "a", "b"));
    assertEquals(SharingVerdict.CANNOT_TELL, result.verdict());
    assertTrue(result.sentence().contains("no question has known answers"), result::sentence);
  }

  private static void assertRefused(
      String message, org.junit.jupiter.api.function.Executable call) {
    String got = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(got.contains(message), got);
  }

  /** The inputs and targets of one data set, and the targets of another. */
  private record BothTasks(Dataset first, Dataset second) implements Dataset {
    @Override
    public int size() {
      return first.size();
    }

    @Override
    public Shape inputShape() {
      return first.inputShape();
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      first.readInput(index, destination, offset);
    }

    @Override
    public List<dev.espalier.Target> targets() {
      return List.of(first.targets().get(0), second.targets().get(0));
    }

    @Override
    public boolean readTarget(String task, int index, float[] destination, int offset) {
      Dataset owner = first.targets().get(0).task().equals(task) ? first : second;
      return owner.readTarget(task, index, destination, offset);
    }
  }
}
