// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** The settings of one fit; nullable: timeLimit. */
record FitSettings(
    Network network,
    List<Stage> stages,
    List<TrainingListener> listeners,
    Map<String, Loss> losses,
    Balance balance,
    Optimizer optimizer,
    Schedule schedule,
    int batchSize,
    int epochs,
    long maxSteps,
    long seed,
    boolean isShuffled,
    Optional<String> lengthInput,
    boolean isPrefetching,
    OptionalInt threads,
    FeatureCaching featureCaching,
    ValidationPlan validation,
    Duration timeLimit,
    UpdateOptions updates,
    Optional<Checkpoints> checkpoints,
    Set<String> loggedWarnings) {

  FitSettings {
    validation.requireDataIfWatched();
    if (lengthInput.isPresent() && !isShuffled) {
      throw new IllegalStateException("groupByLength: expected shuffle, got shuffle(false)");
    }
  }

  /** Returns after how many steps a stage ends, whatever its epochs. */
  long maxSteps(Stage stage) {
    return stage.steps().orElse(stage.epochs().isPresent() ? Long.MAX_VALUE : maxSteps);
  }

  /** Returns how many epochs a stage has, whatever its steps. */
  int epochs(Stage stage) {
    return stage.epochs().orElse(stage.steps().isPresent() ? Integer.MAX_VALUE : epochs);
  }

  /** Returns the most steps of a stage, so few that those of all add up. */
  long mostSteps(Stage stage, long stepsPerEpoch) {
    long most = Math.min(stepsPerEpoch * epochs(stage), maxSteps(stage));
    return Math.min(most, Long.MAX_VALUE / stages.size());
  }
}
