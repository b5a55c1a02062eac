// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.stream.Collectors;

/** A data set of this library: says in words what it is. */
abstract class DescribedDataset implements Dataset {
  /** Returns what it was made from, and how: "2 columns of a file". */
  abstract String origin();

  /** Returns the {@link #origin} of any data set. */
  static String origin(Dataset data) {
    return data instanceof DescribedDataset described
        ? described.origin()
        : data.getClass().getName();
  }

  /** Returns, say, {@code 40 examples [1, 8, 8] with 2 numbers [low, right]: part of an array}. */
  @Override
  public String toString() {
    String targets = targets().stream().map(Target::toString).collect(Collectors.joining(" and "));
    return size()
        + (size() == 1 ? " example " : " examples ")
        + inputShape()
        + (targets.isEmpty() ? " without targets: " : " with " + targets + ": ")
        + origin();
  }
}
