// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;

/**
 * The parts that a text is cut into, in order: each is tokenized by itself, or is a token already.
 * They are replaced by writing them anew: {@link #begin}, then {@code add} and {@code keep}, then
 * {@link #commit}.
 */
final class Pieces {
  private static final int FIELDS = 3;
  private static final int KEPT = 1 << 13;

  /** Stands for the id of a piece that is text. */
  static final int TEXT = -1;

  private int[] now = new int[64 * FIELDS];
  private int count;
  private int[] next = new int[64 * FIELDS];
  private int nextCount;

  /** Returns the number of pieces. */
  int count() {
    return count;
  }

  int start(int piece) {
    return now[piece * FIELDS];
  }

  int end(int piece) {
    return now[piece * FIELDS + 1];
  }

  /** Returns the token that a piece is, or {@link #TEXT}. */
  int id(int piece) {
    return now[piece * FIELDS + 2];
  }

  void begin() {
    nextCount = 0;
  }

  /** Adds a piece of text, unless it is empty. */
  void add(int start, int end) {
    if (start < end) {
      add(start, end, TEXT);
    }
  }

  void add(int start, int end, int id) {
    int at = nextCount * FIELDS;
    if (at == next.length) {
      next = Arrays.copyOf(next, Math.addExact(at, at));
    }
    next[at] = start;
    next[at + 1] = end;
    next[at + 2] = id;
    nextCount++;
  }

  void commit() {
    int[] former = now;
    now = next;
    count = nextCount;
    next = former;
  }

  /** Gives the room of long texts back. */
  void shrink() {
    if (now.length > KEPT || next.length > KEPT) {
      now = new int[64 * FIELDS];
      next = new int[64 * FIELDS];
    }
  }
}
