// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/** Objects, each turned into an input and a target when it is read. */
final class ListDataset<T> extends DescribedDataset {
  private final List<T> items;
  private final Shape shape;
  private final Function<? super T, float[]> input;
  private final List<Target> targets;
  private final Function<? super T, float[]> answer;

  /** {@code answer} returns null where nothing is labelled; it is not asked without a target. */
  ListDataset(
      List<T> items,
      Shape shape,
      Function<? super T, float[]> input,
      List<Target> targets,
      Function<? super T, float[]> answer) {
    this.items = items;
    this.shape = Objects.requireNonNull(shape, "shape");
    this.input = Objects.requireNonNull(input, "input");
    this.targets = targets;
    this.answer = answer;
  }

  /** Copies the references, so that a change of the list changes nothing here. */
  static <T> List<T> copy(List<? extends T> items) {
    Objects.requireNonNull(items, "items")
        .forEach(item -> Objects.requireNonNull(item, "items: an item"));
    return List.copyOf(items);
  }

  @Override
  String origin() {
    return "a list";
  }

  @Override
  public int size() {
    return items.size();
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    write("input", input, index, shape.size(), destination, offset);
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    int width = DerivedDataset.find(this, task).width();
    return write("target", answer, index, width, destination, offset);
  }

  /** Returns false, having written nothing, for a target that is null. */
  private boolean write(
      String what,
      Function<? super T, float[]> function,
      int index,
      int expected,
      float[] destination,
      int offset) {
    float[] values = function.apply(items.get(Arguments.index("index", index, items.size())));
    if (values == null && function == answer) {
      return false;
    }
    if (values == null || values.length != expected) {
      throw new ShapeException(
          what
              + " of example "
              + index
              + ": expected "
              + expected
              + (expected == 1 ? " value" : " values")
              + ", got "
              + (values == null ? "null" : values.length));
    }
    System.arraycopy(values, 0, destination, offset, expected);
    return true;
  }

  @Override
  public boolean isStable() {
    return true;
  }
}
