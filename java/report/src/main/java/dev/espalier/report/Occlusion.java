// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What parts of an example say for its logits: those of the whole less those of it without the
 * part. {@code [parts][logits]}, positive where the part speaks for the answer.
 */
final class Occlusion {
  private static final int MOST_WORDS = 200;
  private static final Pattern WORD = Pattern.compile("\\S+");

  private Occlusion() {}

  /** Words of a text, with the places where they stand. */
  static List<MatchResult> words(String text) {
    return WORD.matcher(text).results().limit(MOST_WORDS).toList();
  }

  static double[][] ofWords(Predictor logits, String text, Function<String, float[]> encoder) {
    float[] whole = logits.predict(encoder.apply(text));
    List<float[]> parts = new ArrayList<>();
    for (MatchResult word : words(text)) {
      String without = text.substring(0, word.start()) + text.substring(word.end());
      parts.add(logits.predict(encoder.apply(without)));
    }
    return effects(whole, parts);
  }

  /** Covers each of grid x grid parts of an image, row by row, by the means of its channels. */
  static double[][] ofParts(Predictor logits, float[] input, Shape shape, int grid) {
    int[] size = shape.dims();
    int plane = size[1] * size[2];
    float[] means = new float[size[0]];
    for (int channel = 0; channel < size[0]; channel++) {
      double sum = 0;
      for (int i = 0; i < plane; i++) {
        sum += input[channel * plane + i];
      }
      means[channel] = (float) (sum / plane);
    }
    float[] whole = logits.predict(input);
    List<float[]> parts = new ArrayList<>();
    for (int row = 0; row < grid; row++) {
      for (int column = 0; column < grid; column++) {
        float[] covered = input.clone();
        for (int y = row * size[1] / grid; y < (row + 1) * size[1] / grid; y++) {
          int from = y * size[2] + column * size[2] / grid;
          int to = y * size[2] + (column + 1) * size[2] / grid;
          for (int channel = 0; channel < size[0]; channel++) {
            Arrays.fill(covered, channel * plane + from, channel * plane + to, means[channel]);
          }
        }
        parts.add(logits.predict(covered));
      }
    }
    return effects(whole, parts);
  }

  private static double[][] effects(float[] whole, List<float[]> parts) {
    double[][] effects = new double[parts.size()][whole.length];
    for (int part = 0; part < effects.length; part++) {
      for (int j = 0; j < whole.length; j++) {
        effects[part][j] = (double) whole[j] - parts.get(part)[j];
      }
    }
    return effects;
  }
}
