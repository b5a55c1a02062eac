// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Choices of a precision, for {@link Hostile}. */
final class HostilePrecisions {
  private HostilePrecisions() {}

  static void addTo(Map<Class<?>, List<Supplier<?>>> receivers) {
    PrecisionChoice.Candidate candidate =
        new PrecisionChoice.Candidate(Precision.FP32, 1, 1, Map.of("auc", 0.5), 0, true, 1);
    receivers.put(PrecisionChoice.Candidate.class, Hostile.list(() -> candidate));
    receivers.put(
        PrecisionChoice.class,
        Hostile.list(
            () -> new PrecisionChoice(PredictorOptions.defaults(), 0, 1, List.of(candidate))));
  }
}
