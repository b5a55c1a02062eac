// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.InputDatasets;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LabelAdviceTest {
  private static final int GROUPS = 6;
  private static final List<String> NAMES = List.of("left", "top");

  /** Groups of examples far from each other; example i belongs to group i % 6. */
  static float[][] groups(int count) {
    SplittableRandom random = new SplittableRandom(7);
    float[][] features = new float[count][GROUPS];
    for (int i = 0; i < count; i++) {
      for (int q = 0; q < GROUPS; q++) {
        features[i][q] = (float) random.nextGaussian(q == i % GROUPS ? 5 : 0, 0.3);
      }
    }
    return features;
  }

  /** "left" is yes for groups 0 to 2, "top" for even ones. */
  static float[] truth(int example) {
    int group = example % GROUPS;
    return new float[] {group < 3 ? 1 : 0, group % 2 == 0 ? 1 : 0};
  }

  private static float[][] blank(int count) {
    float[][] answers = new float[count][];
    for (int i = 0; i < count; i++) {
      answers[i] = new float[] {Float.NaN, Float.NaN};
    }
    return answers;
  }

  static Dataset labels(float[][] features, float[][] answers) {
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.of(features, answers)), "side", NAMES, answers);
  }

  private static Set<Integer> groupsOf(List<OpenAnswer> questions) {
    Set<Integer> groups = new HashSet<>();
    questions.forEach(question -> groups.add(question.example() % GROUPS));
    return groups;
  }

  @Test
  void spreadsOverWhatIsNotLabelled() {
    float[][] answers = blank(120);
    for (int i = 0; i < 60; i++) {
      if (i % GROUPS < 2) {
        answers[i] = truth(i);
      }
    }
    LabelAdvice advice = LabelAdvice.of(labels(groups(120), answers));
    List<OpenAnswer> next = advice.nextExamples(4);
    assertEquals(8, next.size());
    assertEquals(Set.of(2, 3, 4, 5), groupsOf(next));
    List<OpenAnswer> single = advice.nextAnswers(8);
    assertEquals(8, single.size());
    assertEquals(Set.of(2, 3, 4, 5), groupsOf(single));
    assertEquals(8, single.stream().map(q -> q.example() + q.label()).distinct().count());
  }

  @Test
  void spreadsOverAllWhereNothingIsLabelled() {
    LabelAdvice advice = LabelAdvice.of(labels(groups(120), blank(120)));
    assertEquals(GROUPS, groupsOf(advice.nextExamples(GROUPS)).size());
    assertEquals(List.of(), advice.suspects());
  }

  @Test
  void asksForBlanksAlone() {
    float[][] answers = blank(30);
    for (int i = 0; i < 30; i++) {
      answers[i] = truth(i);
    }
    answers[4][1] = Float.NaN;
    answers[9][0] = Float.NaN;
    answers[9][1] = Float.NaN;
    LabelAdvice advice = LabelAdvice.of(labels(groups(30), answers));
    assertEquals(3, advice.nextAnswers(1000).size());
    List<OpenAnswer> byExample = advice.nextExamples(1000);
    assertEquals(3, byExample.size());
    OpenAnswer four =
        byExample.stream().filter(question -> question.example() == 4).findFirst().orElseThrow();
    assertEquals("top", four.label());
    assertEquals("yes", four.guess());
    assertTrue(four.probability() >= 0.5 && four.gain() >= 0, four.toString());
    answers[4][1] = 1;
    answers[9] = truth(9);
    assertEquals(List.of(), LabelAdvice.of(labels(groups(30), answers)).nextExamples(3));
  }

  @Test
  void findsWrongAnswers() {
    float[][] answers = blank(240);
    Set<String> wrong = new HashSet<>();
    for (int i = 0; i < 240; i++) {
      answers[i] = truth(i);
      if (i % 24 == 5) {
        int label = i % 48 == 5 ? 0 : 1;
        answers[i][label] = 1 - answers[i][label];
        wrong.add(i + NAMES.get(label));
      } else if (i % 7 == 0) {
        answers[i][i % 2] = Float.NaN;
      }
    }
    List<SuspectAnswer> suspects = LabelAdvice.of(labels(groups(240), answers)).suspects();
    Set<String> found = new HashSet<>();
    suspects.stream().limit(wrong.size()).forEach(s -> found.add(s.example() + s.label()));
    assertEquals(wrong, found);
    SuspectAnswer first = suspects.get(0);
    assertTrue(first.isContradicted() && first.probability() < 0.5, first.toString());
    assertFalse(first.given().equals(first.instead()));
    assertFalse(suspects.get(suspects.size() - 1).isContradicted());
  }

  @Test
  void knowsClasses() {
    int[] classes = new int[120];
    for (int i = 0; i < 120; i++) {
      classes[i] = i % GROUPS == 5 || i % 2 == 0 && i > 60 ? -1 : i % GROUPS / 2;
    }
    classes[7] = 2; // group 1, of class 0
    Dataset data =
        Datasets.withClasses(
            Datasets.withoutTargets(Datasets.of(groups(120), blank(120))),
            "kind",
            List.of("a", "b", "c"),
            classes);
    LabelAdvice advice = LabelAdvice.of(data);
    SuspectAnswer first = advice.suspects().get(0);
    assertEquals(7, first.example());
    assertEquals("kind", first.label());
    assertEquals("c", first.given());
    assertEquals("a", first.instead());
    assertTrue(first.probability() < 0.5, first.toString());
    OpenAnswer next = advice.nextAnswers(1).get(0);
    assertEquals("kind", next.label());
    assertTrue(List.of("a", "b", "c").contains(next.guess()));
    assertEquals(advice.nextAnswers(5), advice.nextExamples(5));
  }

  @Test
  void isTheSameAgain() {
    float[][] answers = blank(90);
    for (int i = 0; i < 40; i++) {
      answers[i] = truth(i);
    }
    Dataset data = labels(groups(90), answers);
    AdviceOptions options = AdviceOptions.defaults().folds(3).seed(4);
    LabelAdvice one = LabelAdvice.of(data, options);
    LabelAdvice other = LabelAdvice.of(data, options);
    assertEquals(one.nextAnswers(20), other.nextAnswers(20));
    assertEquals(one.suspects(), other.suspects());
    assertEquals(one.nextAnswers(20), one.nextAnswers(30).subList(0, 20));
    assertTrue(one.toString().startsWith("LabelAdvice[90 examples, 100 blanks, "), one.toString());
  }

  @Test
  void manyFeaturesAreMixedIntoFewer() {
    SplittableRandom random = new SplittableRandom(3);
    float[][] features = new float[60][700];
    float[][] answers = blank(60);
    for (int i = 0; i < 60; i++) {
      for (int q = 0; q < 700; q++) {
        features[i][q] = (float) random.nextGaussian(q % GROUPS == i % GROUPS ? 2 : 0, 0.1);
      }
      if (i < 20 && i % GROUPS < 2) {
        answers[i] = truth(i);
      }
    }
    List<OpenAnswer> next = LabelAdvice.of(labels(features, answers)).nextExamples(4);
    assertEquals(Set.of(2, 3, 4, 5), groupsOf(next));
  }

  @Test
  void bearsDataThatSayLittle() {
    float[][] constant = new float[10][3];
    float[][] answers = blank(10);
    answers[3][0] = 1;
    LabelAdvice advice = LabelAdvice.of(labels(constant, answers));
    assertEquals(5, advice.nextAnswers(5).size());
    answers[4][0] = 0;
    answers[5][1] = 0.7f;
    assertEquals(3, LabelAdvice.of(labels(constant, answers)).suspects().size());
    assertEquals(2, LabelAdvice.of(labels(new float[1][3], blank(1))).nextExamples(4).size());
  }

  @Test
  void refusesWhatItCannotRead() {
    float[][] answers = blank(4);
    Dataset data = labels(groups(4), answers);
    refused("expected at least one example", Datasets.range(data, 0, 0));
    refused("expected targets of one task", Datasets.withoutTargets(data));
    refused("expected targets of one task", Datasets.withTargets(data, "other", new float[4][1]));
    answers[2][1] = 3.5f;
    refused("example 2: expected answers from 0 to 1, or NaN where nobody said, got 3.5", data);
    answers[2][1] = 1;
    float[][] features = groups(4);
    features[3][2] = Float.POSITIVE_INFINITY;
    refused("example 3: expected finite features, got Infinity", labels(features, answers));
    Dataset ids = InputDatasets.integers("ids", new int[4 * GROUPS], Shape.vector(GROUPS));
    refused("expected one input of floats", Datasets.withTargets(ids, "side", answers));
    AdviceOptions unknown = AdviceOptions.defaults().task("none");
    String message =
        assertThrows(IllegalArgumentException.class, () -> LabelAdvice.of(data, unknown))
            .getMessage();
    assertEquals("task: expected one of [side], got none", message);
    LabelAdvice advice = LabelAdvice.of(data);
    assertThrows(IllegalArgumentException.class, () -> advice.nextAnswers(0));
    assertThrows(IllegalArgumentException.class, () -> advice.nextExamples(-1));
    assertThrows(IllegalArgumentException.class, () -> AdviceOptions.defaults().folds(1));
    assertThrows(NullPointerException.class, () -> LabelAdvice.of(null));
  }

  private static void refused(String expected, Dataset data) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> LabelAdvice.of(data)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  /** Names that a data set does not give are numbers. */
  @Test
  void labelsWithoutNamesHaveNumbers() {
    List<String> labels = new ArrayList<>();
    LabelAdvice.of(Datasets.of(groups(6), blank(6)))
        .nextExamples(1)
        .forEach(question -> labels.add(question.label()));
    assertEquals(List.of("0", "1"), labels);
  }
}
