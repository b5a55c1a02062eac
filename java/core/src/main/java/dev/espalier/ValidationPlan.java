// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a fit evaluates on and how often, and what it watches there.
 *
 * @param data none: nothing is evaluated
 * @param every epochs
 * @param watched decides which epoch is the best; none: the last one's weights stay
 * @param patience epochs without a better one after which training stops
 */
record ValidationPlan(
    Optional<Dataset> data, int every, Optional<Watched> watched, OptionalInt patience) {

  /** What decides which epoch is the best: the validation loss, or a metric of a task. */
  record Watched(Optional<TaskMetric> metric) {
    @Override
    public String toString() {
      return metric.map(TaskMetric::toString).orElse("loss");
    }
  }

  static ValidationPlan none() {
    return new ValidationPlan(Optional.empty(), 1, Optional.empty(), OptionalInt.empty());
  }

  ValidationPlan on(Dataset chosen) {
    return new ValidationPlan(Optional.of(chosen), every, watched, patience);
  }

  ValidationPlan every(int epochs) {
    return new ValidationPlan(data, epochs, watched, patience);
  }

  ValidationPlan watch(Optional<TaskMetric> metric) {
    return new ValidationPlan(data, every, Optional.of(new Watched(metric)), patience);
  }

  ValidationPlan patience(int epochs) {
    return new ValidationPlan(data, every, watched, OptionalInt.of(epochs));
  }

  /** Returns the metric of a task that is watched. */
  Optional<TaskMetric> watchedMetric() {
    return watched.flatMap(Watched::metric);
  }

  /** Names the setting that asks for the best epoch. */
  String askedBy() {
    return patience.isPresent() ? "earlyStopping" : "keepBest";
  }

  void requireDataIfWatched() {
    if (watched.isPresent() && data.isEmpty()) {
      throw new IllegalStateException(askedBy() + ": expected validation data, got none");
    }
  }
}
