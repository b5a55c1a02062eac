// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The settings of an adaptation, and what they make of the network. */
record AdaptationPlan(
    Network network,
    List<NewHead> heads,
    ValidationPlan.Watched watched,
    List<AdaptationSetting> settings,
    OptionalLong headSteps,
    OptionalLong tuningSteps,
    int looks,
    boolean keepsBest,
    int batchSize,
    long seed,
    Optional<Duration> timeLimit,
    List<String> keptFrozen,
    BatchNormStatistics batchNorms,
    Optional<FeatureCache> featureCache,
    Optional<String> lengthInput,
    Optional<Checkpoints> checkpoints,
    Balance balance,
    OptionalInt threads,
    List<TrainingListener> listeners) {
  private static final long LEAST_HEAD_STEPS = 300;
  private static final long LEAST_TUNING_STEPS = 150;
  private static final long LEAST_EPOCHS = 10;

  /** A head to put on: on a layer, or the last one. */
  record NewHead(String name, Optional<String> from, Head head) {
    NewHead {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(from, "from");
      Objects.requireNonNull(head, "head");
    }
  }

  /** A network whose backbone is frozen, and which of its layers are there to unfreeze. */
  record Grafted(Network network, FrozenLayers backbone) {}

  /** Returns at least 1; that there are no examples, training says. */
  long stepsPerEpoch(int examples) {
    return Math.max(1, (examples + batchSize - 1L) / batchSize);
  }

  long headSteps(int examples) {
    return steps(headSteps, LEAST_HEAD_STEPS, examples);
  }

  long tuningSteps(int examples) {
    return steps(tuningSteps, LEAST_TUNING_STEPS, examples);
  }

  /** Returns the steps of a stage: those of no more epochs than a fit has at most. */
  private long steps(OptionalLong given, long least, int examples) {
    long perEpoch = stepsPerEpoch(examples);
    long asked = given.orElse(Math.max(least, LEAST_EPOCHS * perEpoch));
    return Math.min(asked, Integer.MAX_VALUE * perEpoch);
  }

  /** Makes the network to train by a setting; new heads start as suits what trains under them. */
  Grafted graft(AdaptationSetting setting) {
    Network made = heads.isEmpty() ? network.copy() : transfer(setting).build(seed);
    try {
      if (made.tasks().isEmpty()) {
        throw new IllegalArgumentException(
            "adapt: expected a network with a head, or a call of head, got neither");
      }
      made.unfreeze("*");
      if (!keptFrozen.isEmpty()) {
        made.freeze(keptFrozen.toArray(String[]::new));
      }
      List<LayerSummary> layers = made.layers();
      String[] below = namesOf(layers.stream().filter(layer -> layer.head().isEmpty()).toList());
      if (below.length > 0) {
        made.freeze(below);
      }
      boolean adapts = batchNorms == BatchNormStatistics.ADAPT;
      List<LayerSummary> free = layers.stream().filter(layer -> !layer.isFrozen()).toList();
      return new Grafted(made, FrozenLayers.of(free, adapts));
    } catch (RuntimeException | Error error) {
      made.close();
      throw error;
    }
  }

  private TransferBuilder transfer(AdaptationSetting setting) {
    TransferBuilder transfer = network.transfer();
    network.tasks().forEach(task -> transfer.dropHead(task.name()));
    for (NewHead head : heads) {
      if (head.from.isPresent()) {
        transfer.head(head.name, head.from.get(), head.head);
      } else {
        transfer.head(head.name, head.head);
      }
    }
    if (setting.isAtOnce()) {
      return transfer.unfreeze("*");
    }
    String[] kept =
        namesOf(
            transfer.layers().stream()
                .filter(layer -> layer.fate() == LayerSummary.Fate.KEPT)
                .toList());
    return kept.length == 0 ? transfer : transfer.freeze(kept);
  }

  private static String[] namesOf(List<LayerSummary> layers) {
    return layers.stream().map(LayerSummary::name).toArray(String[]::new);
  }

  String explain(int examples) {
    StringBuilder text = new StringBuilder();
    Grafted grafted = graft(settings.get(0));
    try (Network made = grafted.network) {
      List<String> learning = grafted.backbone.learning();
      boolean isFrozen = learning.isEmpty();
      boolean areHeadsFirst = isFrozen || !settings.stream().allMatch(AdaptationSetting::isAtOnce);
      if (!areHeadsFirst) {
        made.unfreeze(learning.toArray(String[]::new));
      }
      text.append(Descriptions.table(made.layers(), false));
      if (areHeadsFirst) {
        text.append("heads: at most ").append(headSteps(examples)).append(" steps\n");
      }
      if (!isFrozen && settings.stream().anyMatch(AdaptationSetting::trainsBackbone)) {
        text.append(areHeadsFirst ? "then all: at most " : "all: at most ");
        text.append(tuningSteps(examples)).append(" steps of ");
        text.append(String.join(", ", learning)).append('\n');
      }
      text.append("chosen by validation: ");
      text.append(watched);
      text.append("\ntried, in this order:");
      settings.forEach(setting -> text.append("\n  ").append(setting));
    }
    return text.append('\n').toString();
  }
}
