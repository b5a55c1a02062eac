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
        new PrecisionChoice.Candidate(
            Precision.FP32, List.of(), 1, 1, Map.of("auc", 0.5), 0, true, 1);
    receivers.put(PrecisionChoice.Candidate.class, Hostile.list(() -> candidate));
    receivers.put(
        PrecisionChoice.class,
        Hostile.list(
            () -> new PrecisionChoice(PredictorOptions.defaults(), 0, 1, List.of(candidate))));
    Quantization.Layer layer = new Quantization.Layer("a", "dense", "", 9, 9, 1, 1, 0.1, 0.2);
    receivers.put(Quantization.Layer.class, Hostile.list(() -> layer));
    receivers.put(Quantization.class, Hostile.list(() -> new Quantization(List.of(layer), 0.2)));
  }
}
