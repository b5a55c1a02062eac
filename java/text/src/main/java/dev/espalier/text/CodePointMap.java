// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A normalizer that changes each code point by itself. What becomes of a code point is worked out
 * for a block of 256 when the first of them is met, by any thread; two that do so at once come to
 * the same.
 */
final class CodePointMap implements Normalizer {
  /** Stands for "not one unit" in {@link #ascii}. */
  private static final char SEVERAL = '\uFFFF';

  private final IntFunction<String> map;
  private final char[] ascii = new char[128];
  private final boolean keepsAscii;
  private final AtomicReferenceArray<@Nullable String[]> blocks =
      new AtomicReferenceArray<>((Character.MAX_CODE_POINT + 1) >> 8);

  /**
   * Makes a map.
   *
   * @param map a pure function that returns what stands for a code point; "" drops it
   */
  CodePointMap(IntFunction<String> map) {
    this.map = map;
    boolean keeps = true;
    for (int c = 0; c < 128; c++) {
      String text = map.apply(c);
      ascii[c] = text.length() == 1 ? text.charAt(0) : SEVERAL;
      keeps &= ascii[c] == c;
    }
    keepsAscii = keeps;
  }

  /** Returns what stands for a code point, or null if it stays as it is. */
  @Nullable String replacement(int codePoint) {
    @Nullable String[] block = blocks.get(codePoint >> 8);
    if (block == null) {
      block = new @Nullable String[256];
      int first = codePoint & ~255;
      for (int i = 0; i < 256; i++) {
        String text = map.apply(first + i);
        block[i] = text.equals(Character.toString(first + i)) ? null : text;
      }
      blocks.set(codePoint >> 8, block);
    }
    return block[codePoint & 255];
  }

  @Override
  public void normalize(TextBuffer text) {
    int i = 0;
    if (keepsAscii) {
      while (i < text.length && text.chars[i] < 128) {
        i++;
      }
      if (i == text.length) {
        return;
      }
    }
    text.begin();
    text.keep(0, i);
    while (i < text.length) {
      char c = text.chars[i];
      if (c < 128 && ascii[c] != SEVERAL) {
        text.put(ascii[c], i, i + 1);
        i++;
        continue;
      }
      int codePoint = text.codePointAt(i);
      int next = i + Character.charCount(codePoint);
      String replacement = replacement(codePoint);
      if (replacement == null) {
        text.keep(i, next);
      } else {
        text.put(replacement, i, next);
      }
      i = next;
    }
    text.commit();
  }
}
