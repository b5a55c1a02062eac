// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Inputs of networks and values of them, for {@link Hostile}. */
final class HostileInputs {
  private static final Input PICTURE = Input.floats("input", Dots.PICTURE);
  private static final Input IDS = Input.integers("ids", Shape.vector(3));

  private HostileInputs() {}

  static void addTo(
      Map<Class<?>, List<Supplier<?>>> arguments, Map<Class<?>, List<Supplier<?>>> receivers) {
    arguments.put(Input.class, Hostile.list(() -> PICTURE, () -> IDS, () -> null));
    arguments.put(
        Input[].class,
        Hostile.list(
            () -> new Input[] {PICTURE},
            () -> new Input[] {IDS, PICTURE},
            () -> new Input[] {IDS, IDS},
            () -> new Input[] {null},
            () -> new Input[0],
            () -> new Input[40],
            () -> null));
    arguments.put(
        InputValues.class,
        Hostile.list(
            () -> InputValues.of("input", new float[64]),
            () -> InputValues.of("input", new int[64]).and("ids", 1, 2),
            () -> InputValues.of("", Float.NaN),
            () -> null));
    LabelStatistics statistics = Datasets.statistics(new Dots(24, 1).both());
    receivers.put(LabelStatistics.class, Hostile.list(() -> statistics));
    receivers.put(LabelCounts.class, Hostile.list(() -> statistics.labels().get(0)));
    receivers.put(Input.class, Hostile.list(() -> PICTURE, () -> IDS));
    receivers.put(
        InputValues.class,
        Hostile.list(() -> InputValues.of("a", 1), () -> InputValues.of("input", new float[64])));
  }
}
