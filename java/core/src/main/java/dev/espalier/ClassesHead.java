// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * A head that says which one of several classes: {@link Head#classes(String...)}. Immutable; each
 * setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class ClassesHead extends Head {
  ClassesHead(HeadSettings settings) {
    super(settings);
  }

  /**
   * Weights the loss of an example by its true class.
   *
   * @param weights one a class, finite and above 0
   * @return changed head
   */
  public ClassesHead classWeights(double... weights) {
    return new ClassesHead(settings().weights("class_weights", "classWeights", weights));
  }

  /**
   * Moves targets away from certainty: {@code y (1 - s) + s/n} for n classes. Default 0.
   *
   * @param smoothing s, at least 0, below 1
   * @return changed head
   */
  public ClassesHead labelSmoothing(double smoothing) {
    return new ClassesHead(settings().labelSmoothing(smoothing));
  }

  @Override
  public ClassesHead weight(double weight) {
    return new ClassesHead(settings().weight(weight));
  }

  @Override
  public ClassesHead initializer(Initializer initializer) {
    return new ClassesHead(settings().initializer(initializer));
  }

  @Override
  public ClassesHead normalization(LossNormalization normalization) {
    return new ClassesHead(settings().normalization(normalization));
  }
}
