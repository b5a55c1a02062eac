// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Dataset;
import dev.espalier.Shape;
import dev.espalier.Target;
import dev.espalier.Task;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The rows of a worker, each as one array: its input, then its answers task by task. */
final class ShardRows implements Dataset {
  private final Shape shape;
  private final List<Target> targets;
  private final List<Integer> starts = new ArrayList<>(); // of the answers of each task
  private final List<float[]> rows = new ArrayList<>();
  private int width;

  ShardRows(Shape shape, List<Task> tasks) {
    this.shape = shape;
    width = shape.size();
    List<Target> all = new ArrayList<>();
    for (Task task : tasks) {
      boolean isClasses = task.kind() == Task.Kind.CLASSES;
      all.add(
          isClasses
              ? Target.classes(task.name(), task.outputNames())
              : Target.numbers(task.name(), task.outputNames()));
      starts.add(width);
      width += isClasses ? 1 : task.width();
    }
    targets = List.copyOf(all);
  }

  /** Returns a row as tasks hand it over. */
  static byte[] bytes(float[] row) {
    ByteBuffer bytes = ByteBuffer.allocate(row.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(row);
    return bytes.array();
  }

  void add(byte[] bytes) {
    float[] row = new float[width];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(row);
    rows.add(row);
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    System.arraycopy(rows.get(index), 0, destination, offset, shape.size());
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    for (int i = 0; i < targets.size(); i++) {
      if (targets.get(i).task().equals(task)) {
        int start = starts.get(i);
        int end = i + 1 < starts.size() ? starts.get(i + 1) : width;
        System.arraycopy(rows.get(index), start, destination, offset, end - start);
        return true;
      }
    }
    return false;
  }
}
