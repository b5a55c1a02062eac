// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.Function;

/** The features of a partition's rows, a batch at a time, as they are asked for. */
final class Batches<T> implements Iterator<float[]> {
  private final Iterator<T> rows;
  private final Function<List<T>, List<float[]>> features;
  private final Queue<float[]> ready = new ArrayDeque<>();

  Batches(Iterator<T> rows, Function<List<T>, List<float[]>> features) {
    this.rows = rows;
    this.features = features;
  }

  @Override
  public boolean hasNext() {
    if (ready.isEmpty() && rows.hasNext()) {
      List<T> batch = new ArrayList<>();
      while (batch.size() < SparkWork.BATCH && rows.hasNext()) {
        batch.add(rows.next());
      }
      ready.addAll(features.apply(batch));
    }
    return !ready.isEmpty();
  }

  @Override
  public float[] next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  /** Cuts features that lie side by side into rows. */
  static List<float[]> rows(float[] values, int count) {
    int width = values.length / count;
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] row = new float[width];
      System.arraycopy(values, i * width, row, 0, width);
      rows.add(row);
    }
    return rows;
  }
}
