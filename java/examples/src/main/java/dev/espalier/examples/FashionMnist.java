// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.data.IdxDataset;
import java.nio.file.Path;
import java.util.List;

/**
 * Fashion-MNIST: 60,000 training and 10,000 test pictures of garments, 28 × 28 grey levels, ten
 * classes.
 *
 * <p>Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
 * Learning Algorithms", 2017, arXiv:1708.07747; MIT licence.
 *
 * @param training pictures with their class, task without a name
 * @param test pictures that select nothing: every reported figure is measured on them
 */
record FashionMnist(Dataset training, Dataset test) {
  /** Names by class number. */
  static final List<String> CLASSES =
      List.of(
          "T-shirt",
          "trouser",
          "pullover",
          "dress",
          "coat",
          "sandal",
          "shirt",
          "sneaker",
          "bag",
          "ankle boot");

  /** Mean and standard deviation of the training pixels, scaled to [0, 1]. */
  static final double MEAN = 0.2860;

  static final double STANDARD_DEVIATION = 0.3530;

  /** Where pre-training ends and the pool of few-shot examples begins. */
  static final int PRETRAINING_END = 54_000;

  static final int PRETRAINING_VALIDATION_END = 55_000;
  static final int POOL_END = 59_000;
  static final int VALIDATION_END = 59_500;

  /** Reads the four IDX files of a folder. */
  static FashionMnist load(Path folder) {
    return new FashionMnist(read(folder, "train"), read(folder, "t10k"));
  }

  /** The class of each example. */
  static int[] classes(Dataset data) {
    int[] classes = new int[data.size()];
    float[] target = new float[1];
    for (int i = 0; i < classes.length; i++) {
      data.readTarget("", i, target, 0);
      classes[i] = (int) target[0];
    }
    return classes;
  }

  private static Dataset read(Path folder, String part) {
    return Datasets.withNames(IdxDataset.readPart(folder, part), "", CLASSES);
  }
}
