// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/** Halves of UTF-16 pairs: what to do where one stands alone. */
final class Surrogates {
  /** What stands for a lone half, as decoders of UTF-8 put it. */
  static final char REPLACEMENT = '\uFFFD';

  private Surrogates() {}

  /** Returns true if there is no lone half. */
  static boolean isWellFormed(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean isPair =
            i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
        if (!isPair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** Puts {@link #REPLACEMENT} where a lone half is. */
  static void replaceLone(char[] chars, int start, int end) {
    for (int i = start; i < end; i++) {
      if (Character.isSurrogate(chars[i])) {
        if (i + 1 < end && Character.isSurrogatePair(chars[i], chars[i + 1])) {
          i++;
        } else {
          chars[i] = REPLACEMENT;
        }
      }
    }
  }
}
