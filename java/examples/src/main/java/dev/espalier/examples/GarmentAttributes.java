// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Six yes/no questions about a garment, answered from its class: several hold at once. */
final class GarmentAttributes {
  /** The question, and the classes for which the answer is yes. */
  static final Map<String, List<Integer>> CLASSES = new LinkedHashMap<>();

  static {
    CLASSES.put("covers upper body with sleeves", List.of(0, 2, 4, 6));
    CLASSES.put("has buttons or opening front", List.of(4, 6));
    CLASSES.put("footwear", List.of(5, 7, 9));
    CLASSES.put("worn on legs or full length", List.of(1, 3));
    CLASSES.put("carried, not worn", List.of(8));
    CLASSES.put("covers the toes", List.of(7, 9));
  }

  static final String TASK = "attributes";

  private GarmentAttributes() {}

  static String[] names() {
    return CLASSES.keySet().toArray(String[]::new);
  }

  /** The answers for a class: 1 or 0 each. */
  static float[] of(int garment) {
    float[] answers = new float[CLASSES.size()];
    int j = 0;
    for (List<Integer> yes : CLASSES.values()) {
      answers[j++] = yes.contains(garment) ? 1 : 0;
    }
    return answers;
  }

  /** The data set with the answers as its targets, all of them known. */
  static Dataset label(Dataset garments) {
    int[] classes = FashionMnist.classes(garments);
    float[][] targets = new float[classes.length][];
    for (int i = 0; i < classes.length; i++) {
      targets[i] = of(classes[i]);
    }
    return Datasets.withTargets(
        Datasets.withoutTargets(garments), TASK, List.copyOf(CLASSES.keySet()), targets);
  }

  /**
   * Replaces a share of the answers of each example, chosen by chance.
   *
   * @param hidden share of entries to replace
   * @param replacement NaN: nobody labelled them; 0: missing counted as no
   */
  static Dataset hide(Dataset labelled, String task, double hidden, float replacement, long seed) {
    Random random = new Random(seed);
    float[][] targets = new float[labelled.size()][];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = Datasets.target(labelled, task, i);
      for (int j = 0; j < targets[i].length; j++) {
        if (random.nextDouble() < hidden) {
          targets[i][j] = replacement;
        }
      }
    }
    List<String> names = labelled.targets().get(0).names();
    return Datasets.withTargets(Datasets.withoutTargets(labelled), task, names, targets);
  }
}
