// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;

/** A data set whose inputs go through a function: pure, or random per epoch and example. */
final class MappedDataset extends DerivedDataset {
  private final String derivation;
  private final Shape shape;
  private final boolean isRandom;
  private final long seed;
  private final int epoch;
  private final BiFunction<float[], RandomGenerator, float[]> function;

  MappedDataset(
      Dataset base,
      String derivation,
      Shape shape,
      boolean isRandom,
      long seed,
      int epoch,
      BiFunction<float[], RandomGenerator, float[]> function) {
    super(base);
    this.derivation = derivation;
    this.shape = Objects.requireNonNull(shape, "shape");
    this.isRandom = isRandom;
    this.seed = seed;
    this.epoch = epoch;
    this.function = Objects.requireNonNull(function, "function");
  }

  @Override
  String derivation() {
    return derivation;
  }

  @Override
  Dataset over(Dataset other) {
    return new MappedDataset(other, derivation, shape, isRandom, seed, epoch, function);
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public List<Input> inputs() {
    return shape.equals(base.inputShape()) ? base.inputs() : List.of();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    RandomGenerator random =
        isRandom ? new SplittableRandom(Shuffle.mix(seed, epoch, index)) : null;
    float[] output = function.apply(Datasets.input(base, index), random);
    if (output == null || output.length != shape.size()) {
      throw new ShapeException(
          "function of map or augment: expected "
              + shape.size()
              + " values for "
              + shape
              + ", got "
              + (output == null ? "null" : output.length)
              + " for example "
              + index);
    }
    System.arraycopy(output, 0, destination, offset, output.length);
  }

  @Override
  public boolean isStable() {
    return !isRandom && base.isStable();
  }

  @Override
  public Dataset atEpoch(int epoch) {
    return isRandom
        ? new MappedDataset(
            DataForm.view(base, epoch), derivation, shape, true, seed, epoch, function)
        : super.atEpoch(epoch);
  }
}
