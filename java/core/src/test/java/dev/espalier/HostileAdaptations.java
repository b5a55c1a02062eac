// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** Stages, and what adaptations are made of, for {@link Hostile}. */
final class HostileAdaptations {
  private HostileAdaptations() {}

  /** Takes networks from {@code open}, which sees to it that they are closed. */
  static void addTo(
      Map<Class<?>, List<Supplier<?>>> arguments,
      Map<Class<?>, List<Supplier<?>>> receivers,
      Supplier<Network> open) {
    Stage stage = Stage.asItIs().steps(2);
    arguments.put(
        Stage[].class,
        Hostile.list(
            () -> new Stage[] {stage, Stage.unfreezing("*").epochs(1)},
            () -> new Stage[] {Stage.unfreezing("nothing")},
            () -> new Stage[] {stage, null},
            () -> new Stage[0],
            () -> null));
    receivers.put(Stage.class, Hostile.list(() -> stage));
    Path nowhere = Path.of("/proc/no/such/folder");
    arguments.put(
        Checkpoints.class,
        Hostile.list(
            () -> Checkpoints.in(nowhere).every(Duration.ofSeconds(Long.MAX_VALUE)),
            () -> Checkpoints.in(nowhere).resuming().mayDiffer("nothing"),
            () -> null));
    receivers.put(Checkpoints.class, Hostile.list(() -> Checkpoints.in(nowhere)));
    AdaptationSetting setting = AdaptationSetting.headFirst(0.01, 1);
    receivers.put(AdaptationSetting.class, Hostile.list(() -> setting));
    receivers.put(
        Adaptation.class,
        Hostile.list(
            () -> brief(open.get()),
            () -> brief(open.get()).head("quarter", Head.classes(4)),
            () -> brief(open.get()).keepFrozen("nothing"),
            () -> {
              Network closed = open.get();
              closed.close();
              return brief(closed);
            }));
    receivers.put(Distillation.class, Hostile.list(() -> distillation(open.get())));
    receivers.put(
        EntropyMaximizationLoss.class, Hostile.list(() -> EntropyMaximizationLoss.of(0.1)));
    receivers.put(AsymmetricLoss.class, Hostile.list(AsymmetricLoss::defaults));
    receivers.put(
        InversePropensityLoss.class,
        Hostile.list(() -> InversePropensityLoss.of(List.of("a", "b"), new float[24][2])));
    AdaptationReport.Trial trial =
        new AdaptationReport.Trial(setting, OptionalDouble.of(0.5), 3, 0.1, "");
    receivers.put(AdaptationReport.Trial.class, Hostile.list(() -> trial));
    receivers.put(AdaptationReport.class, Hostile.list(() -> report(trial)));
    receivers.put(Adapted.class, Hostile.list(() -> new Adapted(open.get(), report(trial))));
  }

  private static Distillation distillation(Network network) {
    try (Predictor teacher = network.predictor()) {
      return Distillation.of(teacher, new Dots(24, 1).labels());
    }
  }

  private static Adaptation brief(Network network) {
    return Adaptation.of(network).headSteps(2).tuningSteps(2);
  }

  private static AdaptationReport report(AdaptationReport.Trial trial) {
    History history =
        new History(
            List.of(),
            History.StopReason.STEPS,
            3,
            OptionalInt.empty(),
            0,
            false,
            "",
            List.of(),
            0);
    return new AdaptationReport(
        List.of(trial), 0, new ValidationPlan.Watched(Optional.empty()), history, 0.1);
  }

  /** A reading of an instrument that fails. */
  static double fail() {
    throw new Hostile.Mine();
  }
}
