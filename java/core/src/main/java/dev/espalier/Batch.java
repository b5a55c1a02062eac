// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Inputs and targets of up to a number of examples, in direct memory that native code reads. Used
 * again and again by one thread at a time.
 */
final class Batch {
  private final TargetBinding binding;
  private final ByteBuffer inputBytes;
  private final FloatBuffer inputs; // the same
  private final long inputAddress;
  private final FloatBuffer[] numbers;
  private final IntBuffer[] classes;
  private final long[] targetAddresses;
  private final long[] maskAddresses;
  private final float[] input;
  private final float[][] target;
  private int size;
  private int[] order;
  private int from;

  /**
   * Makes room for {@code capacity} examples; the targets alone where {@code hasInputs} is false.
   */
  Batch(TargetBinding binding, int capacity, boolean hasInputs) {
    this.binding = binding;
    int tasks = binding.tasks().size();
    long inputCount = hasInputs ? (long) capacity * binding.inputSize() : 0;
    inputBytes = DirectMemory.allocate(inputCount, "batch of " + capacity);
    inputs = inputBytes.asFloatBuffer();
    inputAddress = DirectMemory.address(inputs);
    input = new float[hasInputs ? binding.inputSize() : 0];
    numbers = new FloatBuffer[tasks];
    classes = new IntBuffer[tasks];
    target = new float[tasks][];
    targetAddresses = new long[tasks];
    maskAddresses = new long[tasks];
    for (int t = 0; t < tasks; t++) {
      if (binding.isPresent(t)) {
        long count = (long) capacity * binding.targetWidth(t);
        ByteBuffer bytes = DirectMemory.allocate(count, "targets of " + capacity + " examples");
        numbers[t] = bytes.asFloatBuffer();
        classes[t] = bytes.asIntBuffer();
        target[t] = new float[binding.targetWidth(t)];
        targetAddresses[t] = DirectMemory.address(bytes);
      }
    }
  }

  /**
   * Reads the examples {@code order[from]} to {@code order[from + count - 1]}. Classes are checked,
   * the rest only by {@link #requireFiniteInputs} and {@link #requireTargetsInRange}: a training
   * step does it again, and faster.
   */
  void read(Dataset data, int[] order, int from, int count) {
    this.order = order;
    this.from = from;
    size = count;
    if (input.length > 0) {
      // The present batch and the next one: whoever prepares inputs has a batch's time for it.
      int end = (int) Math.min(order.length, from + 2L * count);
      data.expect(Arrays.copyOfRange(order, from, end));
    }
    for (int k = 0; k < count; k++) {
      int index = order[from + k];
      if (input.length > 0) {
        readInput(data, index, k);
      }
      for (int t = 0; t < target.length; t++) {
        if (target[t] != null) {
          readTarget(data, t, index, k);
        }
      }
    }
  }

  private void readInput(Dataset data, int index, int k) {
    // What readInput leaves out must not be the example before.
    Arrays.fill(input, Float.NaN);
    data.readInput(index, input, 0);
    inputs.put(k * input.length, input, 0, input.length);
  }

  /** Names the first example read that has an input which is not finite; nothing without one. */
  void requireFiniteInputs() {
    for (int k = 0; k < size; k++) {
      inputs.get(k * input.length, input, 0, input.length);
      if (!isFinite(input)) {
        throw new NonFiniteException(
            binding.example(order[from + k])
                + ": expected finite inputs, got NaN or an infinity, or readInput wrote nothing",
            null);
      }
    }
  }

  /** Returns what tells the input of the {@code k}-th example read from others. */
  ContentIndex.Content content(int k) {
    int bytes = input.length * Float.BYTES;
    return ContentIndex.Content.of(inputBytes.slice(k * bytes, bytes));
  }

  /** Subtracting a finite number from itself gives 0, anything else NaN; four sums, none waits. */
  private static boolean isFinite(float[] values) {
    float sum0 = 0;
    float sum1 = 0;
    float sum2 = 0;
    float sum3 = 0;
    int i = 0;
    for (; i + 4 <= values.length; i += 4) {
      sum0 += values[i] - values[i];
      sum1 += values[i + 1] - values[i + 1];
      sum2 += values[i + 2] - values[i + 2];
      sum3 += values[i + 3] - values[i + 3];
    }
    for (; i < values.length; i++) {
      sum0 += values[i] - values[i];
    }
    return !Float.isNaN(sum0 + sum1 + sum2 + sum3);
  }

  /** Names the first example read that has a target out of range; nothing without one. */
  void requireTargetsInRange() {
    for (int k = 0; k < size; k++) {
      for (int t = 0; t < target.length; t++) {
        if (target[t] != null) {
          numbers[t].get(k * target[t].length, target[t], 0, target[t].length);
          binding.requireInRange(t, order[from + k], target[t]);
        }
      }
    }
  }

  /** Shows the targets read to {@code seen}. */
  void addTo(SeenAnswers seen) {
    for (int t = 0; t < target.length; t++) {
      if (target[t] == null) {
        continue;
      }
      boolean isClasses = binding.tasks().get(t).kind() == Task.Kind.CLASSES;
      int width = target[t].length;
      for (int i = 0; i < size * width; i++) {
        if (isClasses) {
          seen.addClass(t, classes[t].get(i));
        } else {
          seen.addNumber(t, i % width, numbers[t].get(i));
        }
      }
    }
  }

  /** Returns whether any entry of any target read is labelled. */
  boolean hasLabels() {
    for (int t = 0; t < target.length; t++) {
      int count = target[t] == null ? 0 : size * target[t].length;
      boolean isClasses = binding.tasks().get(t).kind() == Task.Kind.CLASSES;
      for (int i = 0; i < count; i++) {
        if (isClasses ? classes[t].get(i) >= 0 : !Float.isNaN(numbers[t].get(i))) {
          return true;
        }
      }
    }
    return false;
  }

  /** Copies the targets of as many examples as {@code to} has, from the {@code first} on. */
  void copyTargets(int task, int first, LossBatch to) {
    if (target[task] == null) {
      Arrays.fill(to.targets(), Float.NaN);
      Arrays.fill(to.classes(), -1);
    } else if (to.task().kind() == Task.Kind.CLASSES) {
      classes[task].get(first, to.classes());
    } else {
      numbers[task].get(first * target[task].length, to.targets());
    }
  }

  private void readTarget(Dataset data, int task, int index, int k) {
    float[] row = target[task];
    binding.readUnchecked(data, task, index, row);
    if (binding.tasks().get(task).kind() == Task.Kind.CLASSES) {
      classes[task].put(k, (int) row[0]);
    } else {
      numbers[task].put(k * row.length, row, 0, row.length);
    }
  }

  /** Returns the number of examples read. */
  int size() {
    return size;
  }

  /** Writes the data set's indices of the examples read. */
  void indices(long[] destination) {
    for (int k = 0; k < size; k++) {
      destination[k] = order[from + k];
    }
  }

  /** Returns the place in the data set of the {@code k}-th example read. */
  int place(int k) {
    return order[from + k];
  }

  /** Returns where the inputs are while this batch is reachable. */
  long inputAddress() {
    return inputAddress;
  }

  /** Returns an address per task, 0 where the data set has no targets of it. */
  long[] targetAddresses() {
    return targetAddresses;
  }

  /** Returns no mask for any task: unlabelled entries are NaN or -1. */
  long[] maskAddresses() {
    return maskAddresses;
  }
}
