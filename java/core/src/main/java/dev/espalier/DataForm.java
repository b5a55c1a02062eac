// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;

/** What a data set says of itself, and its view of each epoch has to say as well. */
record DataForm(int size, Shape inputShape, List<Input> inputs, List<Target> targets) {
  /** Asks a data set; what it leaves out is refused, with {@code what} as its name. */
  static DataForm of(String what, Dataset data) {
    Shape shape = Objects.requireNonNull(data.inputShape(), () -> what + ": inputShape()");
    List<Target> targets =
        Objects.requireNonNull(data.targets(), () -> what + ": targets()").stream()
            .map(target -> Objects.requireNonNull(target, () -> what + ": an entry of targets()"))
            .toList();
    List<Input> inputs = Objects.requireNonNull(data.inputs(), () -> what + ": inputs()");
    return new DataForm(data.size(), shape, inputs, targets);
  }

  /** Returns a data set as it is in an epoch, of the same form. */
  static Dataset view(Dataset data, int epoch) {
    Dataset view = data.atEpoch(epoch);
    if (view != data) {
      of("data", data).requireView(view, epoch);
    }
    return view;
  }

  /** Refuses a view of another form. */
  void requireView(Dataset view, int epoch) {
    String call = "atEpoch(" + epoch + ")";
    if (view == null) {
      throw new IllegalStateException(call + ": expected a data set, got null");
    }
    DataForm got = of(call, view);
    if (got.size != size) {
      throw new IllegalStateException(
          call + ": expected the " + size + " examples of before, got " + got.size);
    }
    if (!got.inputShape.equals(inputShape)) {
      throw new ShapeException(
          call + ": expected inputs " + inputShape + " as before, got " + got.inputShape);
    }
    if (!got.inputs.equals(inputs)) {
      throw new ShapeException(
          call + ": expected the inputs of before, " + inputs + ", got " + got.inputs);
    }
    if (!got.targets.equals(targets)) {
      throw new IllegalStateException(
          call + ": expected the targets of before, " + targets + ", got " + got.targets);
    }
  }
}
