// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import java.util.Arrays;
import java.util.List;

/** Pairs to judge the advisor by: of questions about scenes, and other questions about scenes. */
final class ScenePairs {
  private static final int SOURCE_SCENES = 6000;
  private static final int POOL_SCENES = 3000;
  private static final int TEST_SCENES = 2000;
  private static final int EPOCHS = 4;
  private static final double HIDDEN = 0.5;
  private static final int[] FOUR = {1, 8, 7, 3};
  private static final int[] SIX = {0, 2, 4, 5, 6, 9};

  private ScenePairs() {}

  static List<AdvisorPair> of(FashionMnist data) {
    return List.of(
        pair("scenes: six questions → four others", data, SIX, FOUR),
        pair("scenes: four questions → six others", data, FOUR, SIX));
  }

  private static AdvisorPair pair(String name, FashionMnist data, int[] before, int[] after) {
    Dataset known = Datasets.range(data.training(), 0, FashionMnist.PRETRAINING_END);
    Dataset unknown =
        Datasets.range(
            data.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    Network backbone =
        OneOrSeveral.backbone(OneOrSeveral.CHANNELS).head("old", head(before)).build(1);
    Dataset source = Scenes.of(known, SOURCE_SCENES, 7, names(before), before);
    AdvisorPairs.train(backbone, Datasets.forTask(source, "old"), EPOCHS);
    Dataset pool = scenes(unknown, POOL_SCENES, 11, after);
    return new AdvisorPair(
        name,
        false,
        backbone,
        head(after),
        GarmentAttributes.hide(pool, AdvisorPair.TASK, HIDDEN, Float.NaN, 7),
        scenes(data.test(), TEST_SCENES, 12, after),
        AdvisorPairs.SIZE);
  }

  private static Dataset scenes(Dataset garments, int count, long seed, int[] classes) {
    Dataset scenes = Scenes.of(garments, count, seed, names(classes), classes);
    return Datasets.forTask(scenes, AdvisorPair.TASK);
  }

  private static List<String> names(int[] classes) {
    return Arrays.stream(classes).mapToObj(FashionMnist.CLASSES::get).toList();
  }

  private static Head head(int[] classes) {
    return Head.labels(names(classes).toArray(String[]::new));
  }
}
