// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.Adapted;
import dev.espalier.BatchNormStatistics;
import dev.espalier.Dataset;
import dev.espalier.History;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.TrainingListener;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;

/**
 * The one rule by which every arm of every comparison is trained, that of {@link Adaptation}: a
 * fixed number of steps, and a rate that rises and then falls along a cosine; the last weights
 * count. By their validation cost each arm chooses from settings that suit what it trains: a
 * learning rate, on the first seed; and a network that is fine-tuned, on each seed, what trains
 * when (see docs/transfer.md).
 *
 * @param steps training steps of each stage
 * @param batchSize at most; smaller data sets are one batch
 * @param looks how often a stage looks at the validation data, about: whole epochs lie between
 * @param metric of the only task, by which to choose in place of the validation cost
 * @param learningRates what to choose from
 */
record TuningRule(
    long steps, int batchSize, int looks, Optional<String> metric, double... learningRates) {
  /** The rule of both sections that learn from few pictures. */
  static final TuningRule FEW_PICTURES = new TuningRule(120, 32, 6, 3e-3, 1e-2);

  /** A rule that chooses by validation cost. */
  TuningRule(long steps, int batchSize, int looks, double... learningRates) {
    this(steps, batchSize, looks, Optional.empty(), learningRates);
  }

  /** The same rule, which chooses by a metric. */
  TuningRule choosingBy(String metric) {
    return new TuningRule(steps, batchSize, looks, Optional.of(metric), learningRates);
  }

  /**
   * A network with its last weights, and how it got them.
   *
   * @param setting how it was trained
   */
  record Trained(Network network, History history, AdaptationSetting setting) {
    /** The validation cost of the weights. */
    double cost() {
      return history.last().validationLoss().orElseThrow();
    }
  }

  /** Steps that choosing settings and training with {@code seeds} seeds takes, about. */
  long stepsFor(Arm.Training training, int seeds) {
    long choices = settings(training, true).size();
    return training == Arm.Training.HEAD_FIRST
        ? steps * (choices + 2) * seeds // two of them have two stages
        : steps * (choices + seeds - 1);
  }

  /** What an arm chooses from. */
  private List<AdaptationSetting> settings(Arm.Training training, boolean isFrozen) {
    return switch (training) {
      case FROM_SCRATCH -> each(rate -> AdaptationSetting.atOnce(rate).layerDecay(1));
      case ONCE -> each(isFrozen ? AdaptationSetting::headAlone : AdaptationSetting::atOnce);
      case HEAD_FIRST -> Adaptation.usualSettings();
    };
  }

  private List<AdaptationSetting> each(DoubleFunction<AdaptationSetting> setting) {
    return DoubleStream.of(learningRates).mapToObj(setting).toList();
  }

  /** Trains by each setting of an arm, and keeps the best; closes the network given. */
  Trained trainByBest(
      Network network,
      Arm.Training training,
      Dataset data,
      Dataset validation,
      long seed,
      TrainingListener listener) {
    boolean isFrozen = network.layers().stream().anyMatch(LayerSummary::isFrozen);
    List<AdaptationSetting> settings = settings(training, isFrozen);
    return train(network, training, settings, data, validation, seed, listener);
  }

  /** Trains with a further seed, after the first; closes the network given. */
  Trained trainFurther(
      Trained first,
      Network network,
      Arm.Training training,
      Dataset data,
      Dataset validation,
      long seed,
      TrainingListener listener) {
    return training == Arm.Training.HEAD_FIRST
        ? trainByBest(network, training, data, validation, seed, listener)
        : train(network, training, List.of(first.setting()), data, validation, seed, listener);
  }

  private Trained train(
      Network network,
      Arm.Training training,
      List<AdaptationSetting> settings,
      Dataset data,
      Dataset validation,
      long seed,
      TrainingListener listener) {
    try (network) {
      Adaptation adaptation =
          Adaptation.of(network)
              .settings(settings)
              .batchNorms(
                  training == Arm.Training.FROM_SCRATCH
                      ? BatchNormStatistics.ADAPT
                      : BatchNormStatistics.KEEP)
              .headSteps(steps)
              .tuningSteps(steps)
              .looks(looks)
              .batchSize(batchSize)
              .seed(seed)
              .listener(listener);
      String task = network.tasks().get(0).name();
      metric.ifPresent(name -> adaptation.metric(task, name));
      Adapted adapted = adaptation.fit(data, validation);
      return new Trained(
          adapted.network(), adapted.report().history(), adapted.report().chosen().setting());
    }
  }
}
