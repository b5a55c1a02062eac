// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Texts as the words in them, whatever their order. */
final class BagOfWords {
  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}+#]+");

  private final Map<String, Integer> places = new TreeMap<>();
  private final float[] weights; // the rarer a word, the more it says

  /** The words that so many of the texts have at least. */
  BagOfWords(List<String> texts, int least) {
    Map<String, Integer> counts = new TreeMap<>();
    for (String text : texts) {
      words(text).forEach(word -> counts.merge(word, 1, Integer::sum));
    }
    counts.values().removeIf(count -> count < least);
    weights = new float[counts.size()];
    counts.forEach(
        (word, count) -> {
          weights[places.size()] = (float) Math.log((double) texts.size() / count);
          places.put(word, places.size());
        });
  }

  private static TreeSet<String> words(String text) {
    TreeSet<String> words =
        new TreeSet<>(List.of(BETWEEN_WORDS.split(text.toLowerCase(Locale.ROOT))));
    words.remove("");
    return words;
  }

  /** The number of words. */
  int size() {
    return weights.length;
  }

  /** A row of weights for each text, of length 1 where it has any of the words. */
  Dataset dataset(List<String> texts) {
    List<int[]> found =
        texts.stream()
            .map(
                text ->
                    words(text).stream()
                        .map(places::get)
                        .filter(Objects::nonNull)
                        .mapToInt(place -> place)
                        .toArray())
            .toList();
    return Datasets.from(found, Shape.vector(size()), this::row);
  }

  private float[] row(int[] found) {
    double squares = 0;
    for (int place : found) {
      squares += weights[place] * weights[place];
    }
    float[] row = new float[size()];
    for (int place : found) {
      row[place] = (float) (weights[place] / Math.sqrt(squares));
    }
    return row;
  }
}
