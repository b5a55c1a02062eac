// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.data.IdxDataset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Section 3: the same input, but features that do not serve the new task. */
final class WhenTransferHurts {
  static final int LABELS = 100;
  static final int SEEDS = 5;
  static final int FIRST_OF_LAST_FIVE = 5;
  private static final String TASK = "kind";

  private WhenTransferHurts() {}

  /** Accuracy by arm, from {@code LABELS} examples of {@code pool}. */
  static Map<String, Spread> run(
      String title,
      Network pretrained,
      String[] classes,
      Dataset pool,
      Dataset validation,
      Dataset test) {
    Head head = Head.layers(h -> h.layerNorm()).classes(classes);
    List<Arm> arms =
        List.of(
            Arm.scratch(TASK, head),
            Arm.frozen(pretrained, TASK, head),
            Arm.fineTuned(pretrained, TASK, head),
            Arm.fineTunedAtOnce(pretrained, TASK, head));
    List<Comparison.Case> cases = new ArrayList<>();
    for (Arm arm : arms) {
      cases.add(new Comparison.Case(arm, seed -> Datasets.fewShot(pool, LABELS, seed), validation));
    }
    List<List<Double>> accuracies;
    try (Progress progress =
        new Progress(title, Comparison.steps(cases, TuningRule.FEW_PICTURES, SEEDS))) {
      accuracies =
          Comparison.run(
              cases,
              TuningRule.FEW_PICTURES,
              SEEDS,
              progress,
              trained -> {
                try (Network network = trained.network()) {
                  return network.evaluate(test).task(TASK).metric("accuracy").value();
                }
              });
    }
    Map<String, Spread> scores = new LinkedHashMap<>();
    for (int a = 0; a < arms.size(); a++) {
      scores.put(arms.get(a).key(), Spread.of(accuracies.get(a)));
    }
    return scores;
  }

  /** Garments of the last five classes, numbered from 0. */
  static Dataset lastFive(Dataset garments) {
    Dataset chosen = Pretraining.only(garments, c -> c >= FIRST_OF_LAST_FIVE);
    int[] classes = FashionMnist.classes(chosen);
    for (int i = 0; i < classes.length; i++) {
      classes[i] -= FIRST_OF_LAST_FIVE;
    }
    return Datasets.withClasses(Datasets.withoutTargets(chosen), TASK, classes);
  }

  /** Handwritten digits: the 10,000 of MNIST's test files, split into pool, validation and test. */
  static Map<String, Spread> digits(Network pretrained, Path folder) {
    Dataset files = IdxDataset.readPart(folder, "t10k");
    Dataset all =
        Datasets.withClasses(Datasets.withoutTargets(files), TASK, FashionMnist.classes(files));
    String[] names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    return run(
        "3 digits",
        pretrained,
        names,
        Datasets.range(all, 0, 4000),
        Datasets.range(all, 4000, 5000),
        Datasets.range(all, 5000, all.size()));
  }
}
