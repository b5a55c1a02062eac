// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;
import java.util.List;

/** Which pairs of tokens become one, and which first: an open-addressed table of pairs. */
final class Merges {
  /** Stands for a pair that stays two. */
  static final long NONE = Long.MAX_VALUE;

  private static final long MIX = 0x9E3779B97F4A7C15L;
  private static final long EMPTY = -1;

  private final long[] pairs;
  private final long[] merges;
  private final int shift;

  private Merges(int count) {
    int bits = 33 - Integer.numberOfLeadingZeros(Math.max(count, 8));
    pairs = new long[1 << bits];
    merges = new long[1 << bits];
    shift = 64 - bits;
    Arrays.fill(pairs, EMPTY);
  }

  /**
   * Reads the merges, first those that come first: pairs, or texts with a space between the two.
   */
  static Merges of(Fields fields, Vocabulary vocabulary, String prefix) {
    List<?> list = fields.list("merges");
    Merges merges = new Merges(list.size());
    for (int i = 0; i < list.size(); i++) {
      String field = "merges[" + i + "]";
      String left;
      String right;
      if (list.get(i) instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String first
          && pair.get(1) instanceof String second) {
        left = first;
        right = second;
      } else if (list.get(i) instanceof String text
          && text.indexOf(' ') > 0
          && text.indexOf(' ') == text.lastIndexOf(' ')) {
        left = text.substring(0, text.indexOf(' '));
        right = text.substring(text.indexOf(' ') + 1);
      } else if (i == 0 && list.get(0) instanceof String text && text.startsWith("#version")) {
        continue;
      } else {
        throw fields.error(field, "two tokens", list.get(i));
      }
      int leftId = vocabulary.required(fields, field, left);
      int rightId = vocabulary.required(fields, field, right);
      if (!right.startsWith(prefix)) {
        throw fields.error(field, "a second token that begins with \"" + prefix + '"', right);
      }
      int merged = vocabulary.required(fields, field, left + right.substring(prefix.length()));
      merges.put(leftId, rightId, i, merged);
    }
    return merges;
  }

  private void put(int left, int right, int rank, int merged) {
    long pair = (long) left << 32 | right;
    int i = (int) (pair * MIX >>> shift);
    while (pairs[i] != EMPTY && pairs[i] != pair) {
      i = i + 1 & pairs.length - 1;
    }
    pairs[i] = pair;
    merges[i] = (long) rank << 32 | merged;
  }

  /** Returns the rank of a pair in the upper half and what it becomes in the lower, or NONE. */
  long get(int left, int right) {
    long pair = (long) left << 32 | right;
    for (int i = (int) (pair * MIX >>> shift); ; i = i + 1 & pairs.length - 1) {
      if (pairs[i] == pair) {
        return merges[i];
      } else if (pairs[i] == EMPTY) {
        return NONE;
      }
    }
  }
}
