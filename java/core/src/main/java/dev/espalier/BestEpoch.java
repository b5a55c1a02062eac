// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Which epoch of a fit was the best so far, by what is watched; none where nothing is. */
final class BestEpoch {
  private final Optional<ValidationPlan.Watched> watched;
  private final OptionalInt patience;
  private OptionalDouble cost = OptionalDouble.empty();
  private OptionalInt epoch = OptionalInt.empty();

  BestEpoch(ValidationPlan validation) {
    watched = validation.watched();
    patience = validation.patience();
  }

  /** Returns whether an epoch is the best from now on; NaN is never better. */
  boolean take(Evaluation evaluation, int ofEpoch) {
    if (watched.isEmpty()) {
      return false;
    }
    double value = watched.get().metric().map(of -> of.cost(evaluation)).orElse(evaluation.loss());
    boolean isBest = value < cost.orElse(Double.POSITIVE_INFINITY);
    if (isBest) {
      restore(OptionalDouble.of(value), OptionalInt.of(ofEpoch));
    }
    return isBest;
  }

  /** Goes on from what a checkpoint noted. */
  void restore(OptionalDouble cost, OptionalInt epoch) {
    this.cost = cost;
    this.epoch = epoch;
  }

  OptionalDouble cost() {
    return cost;
  }

  OptionalInt epoch() {
    return epoch;
  }

  /** Says whether none was better for too long; before a stage's first, its epochs count. */
  boolean isOutOfPatience(int at, int firstEpochOfStage) {
    return patience.isPresent()
        && at - Math.max(epoch.orElse(-1), firstEpochOfStage - 1) >= patience.getAsInt();
  }

  /** Returns why there is none, if one was looked for in vain. */
  Optional<String> whyNone(List<EpochResult> epochs) {
    if (epoch.isPresent()
        || watched.isEmpty()
        || epochs.stream().noneMatch(one -> one.validation().isPresent())) {
      return Optional.empty();
    }
    return Optional.of(
        "validation: the watched "
            + watched.get()
            + " was never defined, so no epoch was the best and the last weights stay"
            + (watched.get().metric().isPresent()
                ? "; known answers probably lack what it needs, such as a yes and a no, or values"
                    + " that differ"
                : ""));
  }
}
