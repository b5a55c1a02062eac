// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A part of a training ({@link Trainer#stages(Stage...)}): which layers join in at its beginning,
 * how long it is, at what rate. A new head first, then all that was frozen:
 *
 * <pre>{@code
 * Trainer.of(network)
 *     .stages(Stage.asItIs().steps(300), Stage.unfreezing("*").steps(120).learningRate(0.3))
 *     .optimizer(AdamW.withLearningRate(1e-2).layerDecay(0.5))
 *     .schedule(Schedule.cosine().warmup(10))
 *     .fit(data);
 * }</pre>
 *
 * <p>Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Stage {
  private final List<String> patterns;
  private final OptionalInt epochs;
  private final OptionalLong steps;
  private final double rateFactor;

  private Stage(List<String> patterns, OptionalInt epochs, OptionalLong steps, double rateFactor) {
    this.patterns = patterns;
    this.epochs = epochs;
    this.steps = steps;
    this.rateFactor = rateFactor;
  }

  /**
   * Returns a stage that trains what is not frozen when it begins.
   *
   * @return of the trainer's epochs and rate
   */
  public static Stage asItIs() {
    return new Stage(List.of(), OptionalInt.empty(), OptionalLong.empty(), 1);
  }

  /**
   * Returns a stage that unfreezes layers at its beginning, as {@link Network#unfreeze} does.
   *
   * @param patterns names or globs of layers, at least one; {@code fit} refuses one that matches
   *     nothing, before it trains
   * @return of the trainer's epochs and rate
   */
  public static Stage unfreezing(String... patterns) {
    return new Stage(
        List.of(TransferBuilder.patterns(patterns)), OptionalInt.empty(), OptionalLong.empty(), 1);
  }

  /**
   * Returns the stages of gradual unfreezing: first what is not frozen now, then, from the output
   * down, one group after the other of the layers that are, batch norms excepted: those stay as
   * they are; dropout joins in with the first. Groups have as many layers with parameters each as
   * may be. Howard and Ruder 2018, arXiv:1801.06146.
   *
   * @param network whose frozen layers join in
   * @param groups at least 1; not more than there are frozen layers with parameters
   * @return one stage more than groups
   * @throws IllegalArgumentException if the groups are too many
   */
  public static List<Stage> gradualUnfreezing(Network network, int groups) {
    FrozenLayers frozen = FrozenLayers.of(Objects.requireNonNull(network, "network"));
    int most = frozen.learning().size();
    Arguments.inRange("groups", groups, 1, Math.max(1, most));
    if (most == 0) {
      throw new IllegalArgumentException(
          "gradualUnfreezing: expected frozen layers with parameters, got none");
    }
    return gradualUnfreezing(frozen, groups);
  }

  static List<Stage> gradualUnfreezing(FrozenLayers frozen, int groups) {
    List<Stage> stages = new ArrayList<>(List.of(asItIs()));
    int size = frozen.learning().size();
    for (int group = 0; group < groups; group++) {
      int end = size - size * group / groups;
      int begin = size - size * (group + 1) / groups;
      List<String> names = new ArrayList<>(frozen.learning().subList(begin, end));
      names.addAll(group == 0 ? frozen.dropping() : List.of());
      stages.add(unfreezing(names.toArray(String[]::new)));
    }
    return List.copyOf(stages);
  }

  /**
   * Sets how often this stage goes through the whole data set, at most. Default: the trainer's
   * epochs and steps.
   *
   * @param epochs at least 1
   * @return changed stage
   */
  public Stage epochs(int epochs) {
    OptionalInt checked = OptionalInt.of(Arguments.positive("epochs", epochs));
    return new Stage(patterns, checked, steps, rateFactor);
  }

  /**
   * Ends this stage after so many steps, within an epoch if need be. Default: the trainer's epochs
   * and steps.
   *
   * @param steps at least 1
   * @return changed stage
   */
  public Stage steps(long steps) {
    OptionalLong checked = OptionalLong.of(Arguments.positive("steps", steps));
    return new Stage(patterns, epochs, checked, rateFactor);
  }

  /**
   * Multiplies the optimizer's learning rate in this stage, beside the schedule. Default 1.
   *
   * @param factor finite and above 0
   * @return changed stage
   */
  public Stage learningRate(double factor) {
    return new Stage(patterns, epochs, steps, Arguments.positive("factor", factor));
  }

  OptionalInt epochs() {
    return epochs;
  }

  OptionalLong steps() {
    return steps;
  }

  double rateFactor() {
    return rateFactor;
  }

  List<String> patterns() {
    return patterns;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Stage stage && values().equals(stage.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns for example {@code "Stage[unfreezing [conv2], 120 steps, rate × 0.3]"}. */
  @Override
  public String toString() {
    return "Stage["
        + (patterns.isEmpty() ? "as it is" : "unfreezing " + patterns)
        + (epochs.isPresent() ? ", " + epochs.getAsInt() + " epochs" : "")
        + (steps.isPresent() ? ", " + steps.getAsLong() + " steps" : "")
        + (rateFactor == 1 ? "" : ", rate × " + rateFactor)
        + "]";
  }

  private List<Object> values() {
    return List.of(patterns, epochs, steps, rateFactor);
  }
}
