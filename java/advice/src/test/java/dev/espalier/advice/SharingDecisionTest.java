// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The rules, on outputs that are as good as wanted. */
class SharingDecisionTest {
  private static final List<Question> QUESTIONS =
      Question.of(List.of(Task.of("t", Task.Kind.LABELS, List.of("a", "b", "c"))));
  private static final List<List<Integer>> ALL = List.of(List.of(0, 1, 2));
  private static final List<List<Integer>> SEPARATE = List.of(List.of(0), List.of(1), List.of(2));
  private static final double GOOD = 0.5;
  private static final double BAD = 2;

  /** An outcome whose outputs are the answers and noise, of so much for each question. */
  private static SharingRun.Outcome outcome(
      int width, List<List<Integer>> groups, int examples, double... noise) {
    List<Judged> folds = new ArrayList<>();
    for (int fold = 0; fold < 4; fold++) {
      Random answering = new Random(fold); // the same for all ways
      Random random = new Random(31 * fold + groups.size() + 7L * width);
      float[][] answers = new float[examples][3];
      float[][] outputs = new float[examples][3];
      for (int i = 0; i < examples; i++) {
        for (int q = 0; q < 3; q++) {
          answers[i][q] = answering.nextInt(2);
          outputs[i][q] = (float) (answers[i][q] + noise[q] * random.nextGaussian());
        }
      }
      folds.add(new Judged(QUESTIONS, outputs, answers));
    }
    return new SharingRun.Outcome(new SharingRun.Way(width, groups), folds, 10, 20, 1);
  }

  private static SharingDecision decision(SharingRun.Outcome... outcomes) {
    return new SharingDecision(QUESTIONS, List.of(outcomes), 3, 0.02);
  }

  private static SharingRun.Outcome separate() {
    return outcome(1, SEPARATE, 150, GOOD, GOOD, GOOD);
  }

  @Test
  void sharesWhatIsBetterTogether() {
    SharingDecision decision =
        decision(outcome(1, ALL, 150, GOOD, GOOD, GOOD), outcome(1, SEPARATE, 150, BAD, BAD, BAD));
    assertEquals(SharingVerdict.SHARE, decision.verdict());
    assertTrue(decision.toSeparate().get(1).isAbove(0));
  }

  @Test
  void sharesWhatIsTheSameForSure() {
    SharingRun.Outcome one = outcome(1, ALL, 2000, 0.3, 0.3, 0.3);
    SharingRun.Outcome several = outcome(1, SEPARATE, 2000, 0.3, 0.3, 0.3);
    assertEquals(SharingVerdict.SHARE, decision(one, several).verdict());
  }

  @Test
  void separatesWhatIsWorseTogether() {
    SharingDecision decision = decision(outcome(1, ALL, 150, BAD, BAD, BAD), separate());
    assertEquals(SharingVerdict.SEPARATE, decision.verdict());
    assertEquals(Optional.empty(), decision.groups());
  }

  @Test
  void wantsAWiderNetworkThatIsAsGood() {
    SharingRun.Outcome narrow = outcome(1, ALL, 150, BAD, BAD, BAD);
    SharingRun.Outcome wide = outcome(2, ALL, 150, GOOD, GOOD, GOOD);
    assertEquals(SharingVerdict.LARGER_NETWORK_FIRST, decision(narrow, separate(), wide).verdict());
    SharingRun.Outcome asBad = outcome(2, ALL, 150, BAD, BAD, BAD);
    assertEquals(SharingVerdict.SEPARATE, decision(narrow, separate(), asBad).verdict());
  }

  @Test
  void takesOutTheOnesThatLose() {
    SharingDecision decision = decision(outcome(1, ALL, 150, GOOD, BAD, GOOD), separate());
    assertEquals(SharingVerdict.SHARE_GROUPS, decision.verdict());
    assertEquals(List.of(List.of(0, 2), List.of(1)), decision.groups().orElseThrow());
    assertEquals(List.of("a", "c"), decision.names(decision.groups().orElseThrow().get(0)));
  }

  /** What is sure need not matter: a loss of a thousandth is none. */
  @Test
  void smallLossesAreTolerated() {
    SharingDecision decision =
        decision(outcome(1, ALL, 3000, 0.3, 0.33, 0.3), outcome(1, SEPARATE, 3000, 0.3, 0.3, 0.3));
    assertTrue(decision.gainsOf(decision.shared().orElseThrow()).get(1).isBelow(0));
    assertEquals(SharingVerdict.SHARE, decision.verdict());
  }

  @Test
  void cannotTellFromFewExamples() {
    SharingDecision decision =
        decision(outcome(1, ALL, 12, 1, 1, 1), outcome(1, SEPARATE, 12, 0.9, 0.9, 0.9));
    assertEquals(SharingVerdict.CANNOT_TELL, decision.verdict());
  }

  @Test
  void nothingToCompareIsNoVerdict() {
    assertEquals(SharingVerdict.CANNOT_TELL, decision(separate()).verdict());
    assertEquals(SharingVerdict.CANNOT_TELL, decision().verdict());
  }

  /** What has fewer folds is compared on those. */
  @Test
  void onlyFoldsThatBothHaveCount() {
    SharingRun.Outcome all = outcome(1, ALL, 150, BAD, BAD, BAD);
    SharingRun.Outcome cut =
        new SharingRun.Outcome(all.way(), all.folds().subList(0, 2), 10, 20, 1);
    SharingDecision decision = decision(cut, separate());
    assertEquals(SharingVerdict.SEPARATE, decision.verdict());
  }
}
