// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;

/**
 * Orders of examples in which those of a batch are about as long. A part of the examples, drawn at
 * random, is sorted and cut into batches, whose order is random again: so neighbours differ from
 * epoch to epoch.
 */
final class LengthGroups {
  /** Batches that are sorted together: more would pad less, and mix less. */
  private static final int BATCHES = 50;

  private final int[] lengths;
  private final int batchSize;

  private LengthGroups(int[] lengths, int batchSize) {
    this.lengths = lengths;
    this.batchSize = batchSize;
  }

  /**
   * Reads how long each example is.
   *
   * @throws IllegalArgumentException unless {@code input} is one of the network's, of one number
   */
  static LengthGroups of(Dataset data, NetworkInputs inputs, String input, int batchSize) {
    int place = place(inputs, input);
    float[] row = new float[inputs.size()];
    int[] lengths = new int[data.size()];
    for (int i = 0; i < lengths.length; i++) {
      data.readInput(i, row, 0);
      lengths[i] = (int) row[place];
    }
    return new LengthGroups(lengths, batchSize);
  }

  private static int place(NetworkInputs inputs, String name) {
    int place = 0;
    for (Input input : inputs.list()) {
      if (input.name().equals(name)) {
        if (input.shape().size() != 1) {
          throw new IllegalArgumentException(
              "groupByLength: expected an input of one number, got " + input);
        }
        return place;
      }
      place += input.shape().size();
    }
    throw new IllegalArgumentException(
        NearNames.instead(
            "groupByLength: expected one of the inputs",
            inputs.list().stream().map(Input::name).toList(),
            name));
  }

  /** Returns all examples in the order of an epoch. */
  int[] order(long seed, int epoch) {
    int[] order = Shuffle.permutation(lengths.length, seed, epoch);
    int window = (int) Math.min(order.length, (long) BATCHES * batchSize);
    for (int from = 0; from < order.length; from += window) {
      sort(order, from, Math.min(order.length, from + window));
    }
    // What is left over stays last, the one smaller batch.
    int whole = order.length / batchSize;
    int[] batches = Shuffle.permutation(whole, Shuffle.mix(seed, epoch, 1), epoch);
    int[] mixed = order.clone();
    for (int i = 0; i < whole; i++) {
      System.arraycopy(order, batches[i] * batchSize, mixed, i * batchSize, batchSize);
    }
    return mixed;
  }

  /** Longest first; examples of one length stay in their order. */
  private void sort(int[] order, int from, int to) {
    long[] keys = new long[to - from];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = ((long) -lengths[order[from + i]] << 32) + i;
    }
    Arrays.sort(keys);
    int[] before = Arrays.copyOfRange(order, from, to);
    for (int i = 0; i < keys.length; i++) {
      order[from + i] = before[(int) keys[i]];
    }
  }
}
