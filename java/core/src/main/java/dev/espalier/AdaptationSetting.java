// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.List;

/**
 * One way to train that an {@link Adaptation} may try: {@code AdaptationSetting.headFirst(1e-2,
 * 1).layerDecay(0.7)}. The optimizer is {@link AdamW}. Immutable; each setting returns a changed
 * copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class AdaptationSetting {
  private static final double USUAL_LAYER_DECAY = 0.5;

  private final Way way;
  private final double learningRate;
  private final double factor;
  private final int groups;
  private final double layerDecay;
  private final double startDecay;
  private final double averageDecay;

  /** What trains when. */
  private enum Way {
    HEAD_ALONE,
    HEAD_FIRST,
    AT_ONCE
  }

  private AdaptationSetting(
      Way way,
      double learningRate,
      double factor,
      int groups,
      double layerDecay,
      double startDecay,
      double averageDecay) {
    this.way = way;
    this.learningRate = Arguments.positive("learningRate", learningRate);
    this.factor = Arguments.positive("factor", factor);
    this.groups = Arguments.positive("groups", groups);
    this.layerDecay = Arguments.factor("layerDecay", layerDecay);
    this.startDecay = Arguments.notNegative("startDecay", startDecay);
    this.averageDecay = Arguments.fraction("averageDecay", averageDecay);
  }

  /**
   * Trains heads, and nothing below them.
   *
   * @param learningRate above 0
   * @return the setting
   * @throws IllegalArgumentException if it is out of its range
   */
  public static AdaptationSetting headAlone(double learningRate) {
    return new AdaptationSetting(Way.HEAD_ALONE, learningRate, 1, 1, 1, 0, 0);
  }

  /**
   * Trains heads first, then all.
   *
   * @param learningRate of the heads, above 0
   * @param factor on that rate once all trains, beside the schedule; above 0
   * @return the setting, with a layer decay of 0.5
   * @throws IllegalArgumentException if a number is out of its range
   */
  public static AdaptationSetting headFirst(double learningRate, double factor) {
    return new AdaptationSetting(Way.HEAD_FIRST, learningRate, factor, 1, USUAL_LAYER_DECAY, 0, 0);
  }

  /**
   * Trains all from the first step on, new heads from a random start.
   *
   * @param learningRate above 0
   * @return the setting, with a layer decay of 0.5
   * @throws IllegalArgumentException if it is out of its range
   */
  public static AdaptationSetting atOnce(double learningRate) {
    return new AdaptationSetting(Way.AT_ONCE, learningRate, 1, 1, USUAL_LAYER_DECAY, 0, 0);
  }

  /**
   * Lets the backbone join in group by group, from the output down, where heads come first ({@link
   * Stage#gradualUnfreezing}); the steps are shared out. Default 1: all together. A backbone with
   * fewer layers has fewer groups.
   *
   * @param groups at least 1
   * @return changed setting
   * @throws IllegalArgumentException if it is out of its range
   */
  public AdaptationSetting groups(int groups) {
    return new AdaptationSetting(
        way, learningRate, factor, groups, layerDecay, startDecay, averageDecay);
  }

  /**
   * Slows lower layers down ({@link Optimizer#layerDecay(double)}).
   *
   * @param layerDecay above 0, at most 1
   * @return changed setting
   * @throws IllegalArgumentException if it is out of its range
   */
  public AdaptationSetting layerDecay(double layerDecay) {
    return new AdaptationSetting(
        way, learningRate, factor, groups, layerDecay, startDecay, averageDecay);
  }

  /**
   * Pulls the backbone back to what it was ({@link Trainer#decayToStart}). Default 0.
   *
   * @param decay at least 0
   * @return changed setting
   * @throws IllegalArgumentException if it is out of its range
   */
  public AdaptationSetting decayToStart(double decay) {
    return new AdaptationSetting(
        way, learningRate, factor, groups, layerDecay, decay, averageDecay);
  }

  /**
   * Ends with averaged weights ({@link Trainer#averageWeights}). Default 0: the last ones.
   *
   * @param decay at least 0, below 1
   * @return changed setting
   * @throws IllegalArgumentException if it is out of its range
   */
  public AdaptationSetting averageWeights(double decay) {
    return new AdaptationSetting(way, learningRate, factor, groups, layerDecay, startDecay, decay);
  }

  boolean isAtOnce() {
    return way == Way.AT_ONCE;
  }

  boolean trainsBackbone() {
    return way != Way.HEAD_ALONE;
  }

  /** Returns the optimizer. */
  AdamW optimizer() {
    return AdamW.withLearningRate(learningRate).layerDecay(layerDecay);
  }

  /** Returns the stages of training a network whose backbone is frozen. */
  List<Stage> stages(FrozenLayers backbone, long headSteps, long tuningSteps) {
    int layers = backbone.learning().size();
    if (way == Way.HEAD_ALONE || layers == 0) {
      return List.of(Stage.asItIs().steps(headSteps));
    }
    int most = way == Way.HEAD_FIRST ? groups : 1;
    int count = (int) Math.min(Math.min(most, layers), tuningSteps);
    List<Stage> stages = new ArrayList<>();
    for (Stage stage : Stage.gradualUnfreezing(backbone, count)) {
      if (!stage.patterns().isEmpty()) {
        stages.add(stage.steps(tuningSteps / count).learningRate(factor));
      } else if (way == Way.HEAD_FIRST) {
        stages.add(stage.steps(headSteps));
      }
    }
    return stages;
  }

  double startDecay() {
    return startDecay;
  }

  double averageDecay() {
    return averageDecay;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AdaptationSetting setting && values().equals(setting.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns for example {@code "head first at 0.01, then all × 0.3, layer decay 0.5"}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    switch (way) {
      case HEAD_ALONE -> text.append("head alone at ").append(learningRate);
      case AT_ONCE -> text.append("all at once at ").append(learningRate);
      case HEAD_FIRST -> {
        text.append("head first at ").append(learningRate).append(", then all × ").append(factor);
        text.append(groups == 1 ? "" : " in " + groups + " groups");
      }
    }
    text.append(layerDecay == 1 ? "" : ", layer decay " + layerDecay);
    text.append(startDecay == 0 ? "" : ", decay to start " + startDecay);
    text.append(averageDecay == 0 ? "" : ", averaged " + averageDecay);
    return text.toString();
  }

  private List<Object> values() {
    return List.of(way, learningRate, factor, groups, layerDecay, startDecay, averageDecay);
  }
}
