// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.util.ArrayList;
import java.util.List;

/**
 * Adds up one array of each shard in an order that follows from the number of shards alone: halves
 * of the shards' numbers, halves of these, and so on. So the sum has the same bits, whoever adds
 * which part of it.
 */
final class ShardTree {
  private final int shards;
  private final List<Part> parts = new ArrayList<>();

  /** The sum of the shards from {@code first} to before {@code end}, a node of the tree. */
  record Part(int first, int end, float[] sum) {}

  ShardTree(int shards) {
    this.shards = shards;
  }

  /** Takes a part, and adds what is a whole node then; the array is not the caller's any more. */
  void add(Part part) {
    Part whole = part;
    for (Part sibling = takeSibling(whole); sibling != null; sibling = takeSibling(whole)) {
      Part left = sibling.first < whole.first ? sibling : whole;
      Part right = left == whole ? sibling : whole;
      float[] sum = left.sum;
      for (int i = 0; i < sum.length; i++) {
        sum[i] += right.sum[i];
      }
      whole = new Part(left.first, right.end, sum);
    }
    parts.add(whole);
  }

  /** Returns the nodes that could not be added up further. */
  List<Part> parts() {
    return parts;
  }

  /** Returns the sum of all shards. */
  float[] sum() {
    if (parts.size() != 1 || parts.get(0).end - parts.get(0).first != shards) {
      throw new IllegalStateException(
          "expected the sums of all of " + shards + " shards, got " + parts.size() + " parts");
    }
    return parts.get(0).sum;
  }

  private Part takeSibling(Part part) {
    int first = 0;
    int end = shards;
    while (end - first > 1 && !(first == part.first && end == part.end)) {
      int middle = (first + end) >>> 1;
      boolean isLeft = part.end <= middle;
      if (isLeft && part.first == first && part.end == middle) {
        return take(middle, end);
      }
      if (!isLeft && part.first == middle && part.end == end) {
        return take(first, middle);
      }
      if (isLeft) {
        end = middle;
      } else {
        first = middle;
      }
    }
    return null;
  }

  private Part take(int first, int end) {
    for (Part part : parts) {
      if (part.first == first && part.end == end) {
        parts.remove(part);
        return part;
      }
    }
    return null;
  }
}
