// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** Trainers of shards, for {@link Hostile}. */
final class HostileShards {
  private HostileShards() {}

  static void addTo(
      Map<Class<?>, List<Supplier<?>>> arguments,
      Map<Class<?>, List<Supplier<?>>> receivers,
      Supplier<Network> networks,
      UnaryOperator<DataParallelTrainer> opened) {
    arguments.put(
        Trainer.class, Hostile.list(() -> Trainer.of(networks.get()).steps(2), () -> null));
    arguments.put(
        long[].class,
        Hostile.list(
            () -> new long[] {2, 1, 1},
            () -> new long[0],
            () -> new long[] {-1, Long.MAX_VALUE, Long.MIN_VALUE},
            () -> new long[] {Long.MAX_VALUE, Long.MAX_VALUE, 0},
            () -> null));
    receivers.put(
        DataParallelTrainer.class,
        Hostile.list(
            () -> opened.apply(trainer(networks.get())),
            () -> {
              DataParallelTrainer closed = trainer(networks.get());
              closed.close();
              return closed;
            },
            () -> {
              Network network = networks.get();
              DataParallelTrainer orphan = opened.apply(trainer(network));
              network.close();
              return orphan;
            }));
  }

  private static DataParallelTrainer trainer(Network network) {
    return DataParallelTrainer.of(Trainer.of(network), new Dots(6, 1).labels(), 3);
  }
}
