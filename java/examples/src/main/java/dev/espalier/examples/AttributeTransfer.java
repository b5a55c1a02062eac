// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Network;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Section 2: six questions from few pictures, half of whose answers are hidden. */
final class AttributeTransfer {
  static final int[] SIZES = {20, 100, 500};
  static final int SEEDS = 5;
  static final double HIDDEN = 0.5;

  private static final float NOBODY_LABELLED = Float.NaN;
  private static final float NO = 0;

  /** Hamming loss and macro AUC over the seeds. */
  record Score(Spread hamming, Spread macroAuc) {}

  private final Dataset pool;
  private final Dataset validation;
  private final Dataset test;
  private final int[] testClasses;

  /** One training: the evaluation on test pictures, and what is kept of the first seed. */
  private record Run(Evaluation evaluation, History history, Network network) {}

  private final Map<String, Run> firstRuns = new LinkedHashMap<>();

  AttributeTransfer(FashionMnist data) {
    pool =
        Datasets.range(
            data.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    validation =
        GarmentAttributes.label(
            Datasets.range(data.training(), FashionMnist.POOL_END, FashionMnist.VALIDATION_END));
    test = GarmentAttributes.label(data.test());
    testClasses = FashionMnist.classes(data.test());
  }

  /** The head: features brought to one scale, then a yes/no each. */
  static Head head() {
    return Head.layers(h -> h.layerNorm()).labels(GarmentAttributes.names());
  }

  static List<Arm> arms(Network pretrained) {
    String task = GarmentAttributes.TASK;
    return List.of(
        Arm.scratch(task, head()),
        Arm.frozen(pretrained, task, head()),
        Arm.fineTuned(pretrained, task, head()),
        Arm.fineTunedAtOnce(pretrained, task, head()),
        Arm.missingAsNo(pretrained, task, head()));
  }

  /** All sizes and arms: scores by size, then by arm. */
  Map<String, Map<String, Score>> run(Network pretrained) {
    return score("2 attributes", arms(pretrained), SIZES, test);
  }

  /** A backbone that never saw some classes, judged on exactly those. */
  Map<String, Score> unseen(Network pretrained, int size, int... classes) {
    Dataset unseenTest =
        Datasets.subset(
            test,
            IntStream.range(0, testClasses.length)
                .filter(i -> IntStream.of(classes).anyMatch(c -> c == testClasses[i]))
                .toArray());
    List<Arm> arms = arms(pretrained).subList(0, 4);
    return score("2 unseen", arms, new int[] {size}, unseenTest).get(Integer.toString(size));
  }

  private Map<String, Map<String, Score>> score(
      String title, List<Arm> arms, int[] sizes, Dataset judged) {
    List<Comparison.Case> cases = new ArrayList<>();
    for (int size : sizes) {
      for (Arm arm : arms) {
        cases.add(
            new Comparison.Case(arm, seed -> few(size, arm, seed), hidden(validation, arm, 99)));
      }
    }
    List<List<Run>> runs;
    try (Progress progress =
        new Progress(title, Comparison.steps(cases, TuningRule.FEW_PICTURES, SEEDS))) {
      runs =
          Comparison.run(
              cases,
              TuningRule.FEW_PICTURES,
              SEEDS,
              progress,
              trained ->
                  new Run(
                      trained.network().evaluate(judged), trained.history(), trained.network()));
    }
    Map<String, Map<String, Score>> scores = new LinkedHashMap<>();
    int next = 0;
    for (int size : sizes) {
      Map<String, Score> ofSize = new LinkedHashMap<>();
      for (Arm arm : arms) {
        List<Run> ofArm = runs.get(next++);
        for (Run run : ofArm) {
          if (firstRuns.putIfAbsent(arm.key() + size, run) != null) {
            run.network().close();
          }
        }
        ofSize.put(arm.key(), new Score(over(ofArm, "hamming_loss"), over(ofArm, "macro_auc")));
      }
      scores.put(Integer.toString(size), ofSize);
    }
    return scores;
  }

  private static Spread over(List<Run> runs, String metric) {
    return Spread.of(
        runs.stream()
            .map(r -> r.evaluation().task(GarmentAttributes.TASK).metric(metric).value())
            .toList());
  }

  /** As many pictures of each class, half of the answers hidden; the same for every arm. */
  private Dataset few(int size, Arm arm, long seed) {
    return hidden(GarmentAttributes.label(Datasets.fewShot(pool, size, seed)), arm, seed);
  }

  private static Dataset hidden(Dataset labelled, Arm arm, long seed) {
    return GarmentAttributes.hide(
        labelled,
        GarmentAttributes.TASK,
        HIDDEN,
        arm.countsMissingAsNo() ? NO : NOBODY_LABELLED,
        seed);
  }

  /** The network of an arm's first seed. */
  Network firstNetwork(String arm, int size) {
    return firstRuns.get(arm + size).network();
  }

  /** How an arm's first seed went. */
  History firstHistory(String arm, int size) {
    return firstRuns.get(arm + size).history();
  }

  Dataset test() {
    return test;
  }

  /** The class of a test picture. */
  int testClass(int example) {
    return testClasses[example];
  }
}
