// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/** What models need room for while they work; whatever is in it means nothing to the next call. */
final class Scratch {
  /** Entries that are kept between texts. */
  private static final int KEPT = 1 << 13;

  int[] ids = new int[64];
  int[] before = new int[64];
  int[] after = new int[64];
  int[] starts = new int[64];
  int[] ends = new int[64];
  double[] scores = new double[64];
  long[] heap = new long[128];
  int heapSize;

  /** Makes room for so many symbols, or places in a text. */
  void reserve(int count) {
    if (ids.length < count) {
      int room = Math.addExact(count, count / 2);
      ids = new int[room];
      before = new int[room];
      after = new int[room];
      starts = new int[room];
      ends = new int[room];
      scores = new double[room];
      // A symbol enters the heap once at first, and each merge brings two new pairs.
      heap = new long[Math.multiplyExact(3, room)];
    }
  }

  /** Writes a token that a model begins with. */
  void symbol(int index, int id, int start, int end) {
    ids[index] = id;
    starts[index] = start;
    ends[index] = end;
  }

  /** Gives the room of long texts back. */
  void shrink() {
    if (ids.length > KEPT) {
      ids = new int[64];
      before = new int[64];
      after = new int[64];
      starts = new int[64];
      ends = new int[64];
      scores = new double[64];
      heap = new long[128];
    }
  }

  void push(long entry) {
    int i = heapSize++;
    for (int parent; i > 0 && heap[parent = i - 1 >> 1] > entry; i = parent) {
      heap[i] = heap[parent];
    }
    heap[i] = entry;
  }

  /** Takes the smallest entry. */
  long pop() {
    long smallest = heap[0];
    long last = heap[--heapSize];
    int i = 0;
    for (int child; (child = 2 * i + 1) < heapSize; i = child) {
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[i] = heap[child];
    }
    heap[i] = last;
    return smallest;
  }
}
