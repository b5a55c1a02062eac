// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;

/**
 * Texts with a number each, found unit by unit: a table of the edges between nodes, open addressed.
 * Built by one thread, then read by any.
 */
final class Trie {
  /** The node of the empty text. */
  static final int ROOT = 1;

  /** Stands for no node. */
  static final int NONE = 0;

  /** Stands for no number. */
  static final int ABSENT = -1;

  private static final long MIX = 0x9E3779B97F4A7C15L;

  private long[] edges = new long[256];
  private int[] targets = new int[256];
  private int shift = 64 - 8;
  private int[] values = new int[128];
  private int nodes = ROOT + 1;

  Trie() {
    Arrays.fill(values, ABSENT);
  }

  /** Adds a text; its former number, if any, is replaced. */
  void put(String text, int value) {
    int node = ROOT;
    for (int i = 0; i < text.length(); i++) {
      int next = step(node, text.charAt(i));
      node = next == NONE ? grow(node, text.charAt(i)) : next;
    }
    values[node] = value;
  }

  /** Returns the node that a unit leads to, or {@link #NONE}. */
  int step(int node, char unit) {
    long edge = (long) node << 16 | unit;
    int mask = edges.length - 1;
    for (int i = (int) (edge * MIX >>> shift); ; i = i + 1 & mask) {
      if (edges[i] == edge) {
        return targets[i];
      } else if (edges[i] == 0) {
        return NONE;
      }
    }
  }

  /** Returns the node that a text leads to, or {@link #NONE}. */
  int walk(int node, CharSequence text) {
    int at = node;
    for (int i = 0; i < text.length() && at != NONE; i++) {
      at = step(at, text.charAt(i));
    }
    return at;
  }

  /** Returns the node that units lead to, or {@link #NONE}. */
  int walk(int node, char[] units, int start, int end) {
    int at = node;
    for (int i = start; i < end && at != NONE; i++) {
      at = step(at, units[i]);
    }
    return at;
  }

  /** Returns the number of the text that ends at a node, or {@link #ABSENT}. */
  int value(int node) {
    return values[node];
  }

  /** Returns the number of a text, or {@link #ABSENT}. */
  int value(CharSequence text) {
    int node = walk(ROOT, text);
    return node == NONE ? ABSENT : values[node];
  }

  private int grow(int node, char unit) {
    if (nodes == values.length) {
      values = Arrays.copyOf(values, 2 * nodes);
      Arrays.fill(values, nodes, values.length, ABSENT);
    }
    if (2 * nodes >= edges.length) {
      long[] formerEdges = edges;
      int[] formerTargets = targets;
      edges = new long[2 * formerEdges.length];
      targets = new int[edges.length];
      shift--;
      for (int i = 0; i < formerEdges.length; i++) {
        if (formerEdges[i] != 0) {
          add(formerEdges[i], formerTargets[i]);
        }
      }
    }
    add((long) node << 16 | unit, nodes);
    return nodes++;
  }

  private void add(long edge, int target) {
    int i = (int) (edge * MIX >>> shift);
    while (edges[i] != 0) {
      i = i + 1 & edges.length - 1;
    }
    edges[i] = edge;
    targets[i] = target;
  }
}
