// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A view of another data set: passes everything on. */
abstract class DerivedDataset extends DescribedDataset {
  final Dataset base;

  DerivedDataset(Dataset base) {
    this.base = Objects.requireNonNull(base, "data");
  }

  /** Returns what this is of the other data set, as "part of "; empty where it only has targets. */
  String derivation() {
    return "";
  }

  /**
   * Returns the examples of the other data set whose inputs these examples of this one have; null
   * where inputs are changed.
   */
  int @Nullable [] baseExamples(int[] examples) {
    return null;
  }

  @Override
  final String origin() {
    return derivation() + origin(base);
  }

  /** Returns the same view of another data set. */
  abstract Dataset over(Dataset other);

  @Override
  public int size() {
    return base.size();
  }

  @Override
  public Shape inputShape() {
    return base.inputShape();
  }

  @Override
  public List<Input> inputs() {
    return base.inputs();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    base.readInput(index, destination, offset);
  }

  @Override
  public List<Target> targets() {
    return base.targets();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    return base.readTarget(task, index, destination, offset);
  }

  @Override
  public boolean isStable() {
    return base.isStable();
  }

  /**
   * Passed on where the examples are those of the other data set; views with others override it.
   */
  @Override
  public void expect(int[] examples) {
    base.expect(examples);
  }

  @Override
  public Dataset atEpoch(int epoch) {
    Dataset other = DataForm.view(base, epoch);
    return other == base ? this : over(other);
  }

  /** Returns the target with the given task. */
  static Target find(Dataset dataset, String task) {
    for (Target target : dataset.targets()) {
      if (target.task().equals(task)) {
        return target;
      }
    }
    throw new IllegalArgumentException(
        "task: expected that of one of the targets "
            + dataset.targets()
            + ", got \""
            + Objects.requireNonNull(task, "task")
            + '"');
  }
}
