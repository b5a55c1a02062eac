// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import java.util.List;
import java.util.Random;

/**
 * Pictures like street scenes: 32 × 32, with one to three garments of 14 × 14 at random places, and
 * four questions about each that may all be answered yes.
 */
final class Scenes {
  static final String TASK = "scene";
  static final String[] QUESTIONS = {"trouser", "bag", "sneaker", "dress"};
  static final int SIDE = 32;

  private static final int[] QUESTION_CLASSES = {1, 8, 7, 3};
  private static final int GARMENT = 14;
  private static final int MOST_GARMENTS = 3;

  private Scenes() {}

  /** Scenes of pictures taken from {@code garments}, fully labelled. */
  static Dataset of(Dataset garments, int count, long seed) {
    return of(garments, count, seed, List.of(QUESTIONS), QUESTION_CLASSES);
  }

  /** The same scenes, with other questions: whether a garment of a class is in it. */
  static Dataset of(
      Dataset garments, int count, long seed, List<String> questions, int... questionClasses) {
    Random random = new Random(seed);
    int[] classes = FashionMnist.classes(garments);
    float[] pixels = new float[count * SIDE * SIDE];
    float[][] answers = new float[count][questionClasses.length];
    for (int scene = 0; scene < count; scene++) {
      int shown = 1 + random.nextInt(MOST_GARMENTS);
      for (int k = 0; k < shown; k++) {
        int picture = random.nextInt(classes.length);
        paste(
            Datasets.input(garments, picture),
            pixels,
            scene * SIDE * SIDE,
            random.nextInt(SIDE - GARMENT + 1),
            random.nextInt(SIDE - GARMENT + 1));
        for (int j = 0; j < questionClasses.length; j++) {
          if (classes[picture] == questionClasses[j]) {
            answers[scene][j] = 1;
          }
        }
      }
    }
    Dataset pictures = Datasets.of(pixels, Shape.image(1, SIDE, SIDE));
    return Datasets.withTargets(pictures, TASK, questions, answers);
  }

  /** Each scene as it is, or mirrored left to right, as chance has it in each epoch. */
  static Dataset mirrored(Dataset scenes, long seed) {
    return Datasets.augment(
        scenes,
        seed,
        (scene, random) -> {
          boolean isMirrored = random.nextBoolean();
          for (int row = 0; row < SIDE && isMirrored; row++) {
            for (int left = row * SIDE, right = left + SIDE - 1; left < right; left++, right--) {
              float pixel = scene[left];
              scene[left] = scene[right];
              scene[right] = pixel;
            }
          }
          return scene;
        });
  }

  /** Halves a garment by averaging 2 × 2 pixels and lays it over the scene, brightest wins. */
  private static void paste(float[] garment, float[] pixels, int scene, int top, int left) {
    int side = 2 * GARMENT;
    for (int y = 0; y < GARMENT; y++) {
      for (int x = 0; x < GARMENT; x++) {
        int corner = 2 * y * side + 2 * x;
        float mean =
            (garment[corner]
                    + garment[corner + 1]
                    + garment[corner + side]
                    + garment[corner + side + 1])
                / 4;
        int at = scene + (top + y) * SIDE + left + x;
        pixels[at] = Math.max(pixels[at], mean);
      }
    }
  }
}
