// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What training calls of a user's making, for {@link Hostile}. */
final class HostileCallbacks {
  private HostileCallbacks() {}

  static void addTo(
      Map<Class<?>, List<Supplier<?>>> arguments, Map<Class<?>, List<Supplier<?>>> receivers) {
    arguments.put(
        TrainingListener.class,
        Hostile.list(
            () -> (TrainingListener) e -> {},
            () ->
                (TrainingListener)
                    e -> {
                      throw new Hostile.Mine();
                    },
            () -> null));
    arguments.put(
        Loss.class,
        Hostile.list(
            () -> (Loss) batch -> 0,
            () -> (Loss) batch -> Double.NaN,
            () ->
                (Loss)
                    batch -> {
                      Arrays.fill(batch.gradients(), Float.NaN);
                      return 1;
                    },
            () ->
                (Loss)
                    batch -> {
                      Arrays.fill(batch.gradients(), Float.MAX_VALUE);
                      Arrays.fill(batch.mask(), true);
                      Arrays.fill(batch.targets(), 7);
                      return 1e300;
                    },
            () -> (Loss) batch -> batch.gradients()[batch.gradients().length],
            () ->
                (Loss)
                    batch -> {
                      throw new Hostile.Mine();
                    },
            () -> null));
    receivers.put(TrainingListener.class, Hostile.list(() -> (TrainingListener) e -> {}));
    receivers.put(Loss.class, Hostile.list(() -> (Loss) batch -> 0));
    arguments.put(
        LossBatch.class,
        Hostile.list(
            () -> new LossBatch(Task.of("v", Task.Kind.VALUES, List.of("v")), 2), () -> null));
    receivers.put(
        LossBatch.class,
        Hostile.list(() -> new LossBatch(Task.of("v", Task.Kind.VALUES, List.of("v")), 2)));
  }
}
