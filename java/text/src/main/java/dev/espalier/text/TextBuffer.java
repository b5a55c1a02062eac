// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;

/**
 * A text on its way from what was given to what a model reads: UTF-16 units, each with the place in
 * the given text that it comes from. It is changed by rewriting it from front to end: {@link
 * #begin}, then {@code keep}, {@code put} or {@code insert} in order, then {@link #commit}.
 */
final class TextBuffer {
  /** Units that a buffer keeps room for between texts. */
  private static final int KEPT = 1 << 14;

  char[] chars = new char[256];
  int length;

  private int[] from = new int[256];
  private int[] to = new int[256];
  private int origin;

  private char[] nextChars = new char[256];
  private int[] nextFrom = new int[256];
  private int[] nextTo = new int[256];
  private int nextLength;

  /** Takes a part of a text; lone surrogates become U+FFFD. */
  void set(String text, int start, int end) {
    length = end - start;
    origin = start;
    if (chars.length < length) {
      int room = room(length);
      chars = new char[room];
      from = new int[room];
      to = new int[room];
    }
    text.getChars(start, end, chars, 0);
    for (int i = 0; i < length; i++) {
      from[i] = start + i;
      to[i] = start + i + 1;
    }
    Surrogates.replaceLone(chars, 0, length);
  }

  /** Returns where in the given text a unit begins. */
  int from(int index) {
    return from[index];
  }

  /** Returns where in the given text a unit ends. */
  int to(int index) {
    return to[index];
  }

  int codePointAt(int index) {
    char c = chars[index];
    return Character.isHighSurrogate(c) ? Character.codePointAt(chars, index, length) : c;
  }

  boolean startsWith(String prefix, int start, int end) {
    return end - start >= prefix.length() && contains(prefix, start);
  }

  boolean contains(String text, int start) {
    if (length - start < text.length()) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (chars[start + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  String substring(int start, int end) {
    return new String(chars, start, end - start);
  }

  /** Begins to rewrite the text. */
  void begin() {
    nextLength = 0;
    reserve(length + 8);
  }

  /** Returns the length of what is rewritten already. */
  int written() {
    return nextLength;
  }

  /** Takes units over as they are. */
  void keep(int start, int end) {
    int count = end - start;
    reserve(count);
    System.arraycopy(chars, start, nextChars, nextLength, count);
    System.arraycopy(from, start, nextFrom, nextLength, count);
    System.arraycopy(to, start, nextTo, nextLength, count);
    nextLength += count;
  }

  /** Takes one unit over as it is. */
  void keep(int index) {
    put(chars[index], index, index + 1);
  }

  /** Puts a unit in the place of those from {@code start} to {@code end}. */
  void put(char c, int start, int end) {
    if (nextLength == nextChars.length) {
      reserve(1);
    }
    nextChars[nextLength] = c;
    nextFrom[nextLength] = from[start];
    nextTo[nextLength++] = to[end - 1];
  }

  /** Puts a text in the place of the units from {@code start} to {@code end}. */
  void put(String text, int start, int end) {
    for (int i = 0; i < text.length(); i++) {
      put(text.charAt(i), start, end);
    }
  }

  /** Inserts a text, which has no place of its own, before the unit {@code index}. */
  void insert(String text, int index) {
    reserve(text.length());
    int place = index == 0 ? origin : from[index];
    for (int i = 0; i < text.length(); i++) {
      nextChars[nextLength] = text.charAt(i);
      nextFrom[nextLength] = place;
      nextTo[nextLength++] = place;
    }
  }

  /** Makes what was written the text. */
  void commit() {
    char[] formerChars = chars;
    int[] formerFrom = from;
    int[] formerTo = to;
    chars = nextChars;
    from = nextFrom;
    to = nextTo;
    length = nextLength;
    nextChars = formerChars;
    nextFrom = formerFrom;
    nextTo = formerTo;
  }

  /** Gives the room of long texts back. */
  void shrink() {
    if (chars.length > KEPT || nextChars.length > KEPT) {
      chars = new char[256];
      from = new int[256];
      to = new int[256];
      nextChars = new char[256];
      nextFrom = new int[256];
      nextTo = new int[256];
    }
  }

  private void reserve(int count) {
    if (nextChars.length - nextLength < count) {
      int room = room(nextLength + count);
      nextChars = Arrays.copyOf(nextChars, room);
      nextFrom = Arrays.copyOf(nextFrom, room);
      nextTo = Arrays.copyOf(nextTo, room);
    }
  }

  private static int room(int length) {
    return Math.addExact(length, length / 2) + 16;
  }
}
