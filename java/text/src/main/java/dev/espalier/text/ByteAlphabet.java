// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's letters for the bytes of UTF-8: those of Latin-1 that can be seen stand for themselves,
 * the others get the code points from 256 on, in order.
 */
final class ByteAlphabet {
  private static final char[] LETTERS = new char[256];
  private static final int[] BYTES = new int[0x144];

  static {
    Arrays.fill(BYTES, -1);
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean isSeen = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      LETTERS[b] = (char) (isSeen ? b : next++);
      BYTES[LETTERS[b]] = b;
    }
  }

  private ByteAlphabet() {}

  /** Writes the letters of the bytes of a stretch of text in its place. */
  static void write(TextBuffer text, int start, int end) {
    for (int i = start, next; i < end; i = next) {
      int c = text.codePointAt(i);
      next = i + Character.charCount(c);
      if (c < 0x80) {
        text.put(LETTERS[c], i, next);
        continue;
      } else if (c < 0x800) {
        text.put(LETTERS[0xC0 | c >> 6], i, next);
      } else {
        if (c < 0x10000) {
          text.put(LETTERS[0xE0 | c >> 12], i, next);
        } else {
          text.put(LETTERS[0xF0 | c >> 18], i, next);
          text.put(LETTERS[0x80 | (c >> 12 & 63)], i, next);
        }
        text.put(LETTERS[0x80 | (c >> 6 & 63)], i, next);
      }
      text.put(LETTERS[0x80 | (c & 63)], i, next);
    }
  }

  /** Returns the bytes of a token; those of its UTF-8 form if it is not of these letters. */
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) BYTES[c];
    }
    return bytes;
  }

  /** The normalizer that puts the letters for the whole text. */
  static void normalize(TextBuffer text) {
    text.begin();
    write(text, 0, text.length);
    text.commit();
  }
}
