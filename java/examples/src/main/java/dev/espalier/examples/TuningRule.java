// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.Trainer;
import dev.espalier.TrainingListener;
import java.util.function.Supplier;

/**
 * The one rule by which every arm of every comparison is trained: a fixed number of steps, one of a
 * few learning rates chosen by validation cost on the first seed, and the weights kept that had the
 * lowest validation cost at any of the looks at it.
 *
 * @param steps training steps of each run
 * @param batchSize at most; smaller data sets are one batch
 * @param looks how often the validation cost is looked at
 * @param learningRates what to choose from
 */
record TuningRule(long steps, int batchSize, int looks, double... learningRates) {
  private static final double LAYER_DECAY = 0.5;

  /** Steps that choosing a rate and training with {@code seeds} seeds takes. */
  long stepsFor(int seeds) {
    return steps * (seeds + learningRates.length - 1);
  }

  /** The learning rate with the lowest validation cost; {@code make} gives a fresh network. */
  double chooseRate(
      Supplier<Network> make,
      Dataset training,
      Dataset validation,
      long seed,
      TrainingListener listener) {
    double best = learningRates[0];
    double lowest = Double.POSITIVE_INFINITY;
    for (double rate : learningRates.length > 1 ? learningRates : new double[0]) {
      try (Network network = make.get()) {
        double cost = lowestCost(train(network, training, validation, rate, seed, listener));
        if (cost < lowest) {
          lowest = cost;
          best = rate;
        }
      }
    }
    return best;
  }

  /** Trains and leaves the network with its best weights. */
  History train(
      Network network,
      Dataset training,
      Dataset validation,
      double rate,
      long seed,
      TrainingListener listener) {
    int batch = Math.min(batchSize, training.size());
    long stepsPerEpoch = (training.size() + batch - 1) / batch;
    int epochsPerLook = (int) Math.max(1, steps / looks / stepsPerEpoch);
    return Trainer.of(network)
        .optimizer(AdamW.withLearningRate(rate).layerDecay(LAYER_DECAY))
        .batchSize(batch)
        .steps(steps)
        .seed(seed)
        .validation(validation)
        .validateEvery(epochsPerLook)
        .earlyStopping(Integer.MAX_VALUE)
        .listener(listener)
        .fit(training);
  }

  private static double lowestCost(History history) {
    return history.epochs().stream()
        .mapToDouble(epoch -> epoch.validationLoss())
        .filter(cost -> !Double.isNaN(cost))
        .min()
        .orElse(Double.POSITIVE_INFINITY);
  }
}
