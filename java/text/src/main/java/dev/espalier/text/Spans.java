// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;

/** A stretch of text cut into what matches something and what lies between. */
final class Spans {
  private int[] bounds = new int[32];
  private boolean[] isMatch = new boolean[16];
  private int count;
  private int end;

  /** Begins a stretch. */
  void begin(int start) {
    count = 0;
    end = start;
  }

  /** Adds the next match, and what lies before it. */
  void match(int start, int end) {
    if (start > this.end) {
      add(this.end, start, false);
    }
    add(start, end, true);
    this.end = end;
  }

  /** Ends the stretch. */
  void finish(int end) {
    if (end > this.end) {
      add(this.end, end, false);
    }
  }

  private void add(int start, int end, boolean matches) {
    if (count == isMatch.length) {
      bounds = Arrays.copyOf(bounds, 4 * count);
      isMatch = Arrays.copyOf(isMatch, 2 * count);
    }
    bounds[2 * count] = start;
    bounds[2 * count + 1] = end;
    isMatch[count++] = matches;
  }

  int count() {
    return count;
  }

  int start(int span) {
    return bounds[2 * span];
  }

  int end(int span) {
    return bounds[2 * span + 1];
  }

  boolean isMatch(int span) {
    return isMatch[span];
  }

  boolean hasMatch() {
    for (int i = 0; i < count; i++) {
      if (isMatch[i]) {
        return true;
      }
    }
    return false;
  }
}
