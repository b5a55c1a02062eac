// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Unicode's canonical order of marks, in time proportional to their number. Java's normalizer moves
 * each mark back past those that belong behind it: of a letter with 80,000 marks it takes seconds.
 */
final class CanonicalOrder {
  /** Units up to which Java's normalizer is as good. */
  static final int SHORT = 64;

  /** The mark that belongs behind all others. */
  private static final String LAST = "\u0345";

  private CanonicalOrder() {}

  /** Returns a decomposed text with its marks in order. */
  static String of(String decomposed) {
    int[] codePoints = decomposed.codePoints().toArray();
    for (int i = 0; i < codePoints.length; ) {
      int end = i;
      while (end < codePoints.length && moves(codePoints[end])) {
        end++;
      }
      if (end - i > 1) {
        sort(codePoints, i, end);
      }
      i = Math.max(end, i + 1);
    }
    return new String(codePoints, 0, codePoints.length);
  }

  /** Returns true for marks that have a place in the order. */
  private static boolean moves(int codePoint) {
    String mark = Character.toString(codePoint);
    return CharacterClass.isMark(codePoint) && (mark.equals(LAST) || belongsBehind(LAST, mark));
  }

  /** Returns true if the first of two marks belongs behind the second. */
  private static boolean belongsBehind(String first, String second) {
    return !Normalizer.normalize(first + second, Form.NFD).equals(first + second);
  }

  private static int compare(int one, int other) {
    String first = Character.toString(one);
    String second = Character.toString(other);
    if (one == other) {
      return 0;
    }
    return belongsBehind(first, second) ? 1 : belongsBehind(second, first) ? -1 : 0;
  }

  /** Sorts marks; those of one rank stay in their order. */
  private static void sort(int[] codePoints, int start, int end) {
    int[] marks = Arrays.copyOfRange(codePoints, start, end);
    List<Integer> kinds =
        Arrays.stream(marks).distinct().boxed().sorted(CanonicalOrder::compare).toList();
    Map<Integer, Integer> ranks = new HashMap<>();
    int rank = 0;
    for (int i = 0; i < kinds.size(); i++) {
      rank += i > 0 && compare(kinds.get(i - 1), kinds.get(i)) != 0 ? 1 : 0;
      ranks.put(kinds.get(i), rank);
    }
    int[] places = new int[rank + 2];
    for (int mark : marks) {
      places[ranks.get(mark) + 1]++;
    }
    for (int i = 1; i < places.length; i++) {
      places[i] += places[i - 1];
    }
    for (int mark : marks) {
      codePoints[start + places[ranks.get(mark)]++] = mark;
    }
  }
}
