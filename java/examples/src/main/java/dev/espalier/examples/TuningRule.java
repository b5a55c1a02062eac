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
 * <p>Fine-tuning goes head first, then the rest: the new head is trained on the frozen backbone,
 * then all of it at two lower rates; of these three networks the one with the lowest validation
 * cost is kept, which may be the one whose head alone was trained. Source: Kumar et al. 2022,
 * "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
 * arXiv:2202.10054.
 *
 * @param steps training steps of each run
 * @param batchSize at most; smaller data sets are one batch
 * @param looks how often the validation cost is looked at, about: whole epochs lie between
 * @param learningRates what to choose from
 */
record TuningRule(long steps, int batchSize, int looks, double... learningRates) {
  /** The rule of both sections that learn from few pictures. */
  static final TuningRule FEW_PICTURES = new TuningRule(120, 32, 6, 3e-3, 1e-2);

  /** Of transferred layers; what starts from scratch has to change all the way down. */
  private static final double LAYER_DECAY = 0.5;

  /** What the rate is multiplied by once the backbone learns, too. */
  private static final double[] UNFROZEN_RATES = {0.03, 0.3};

  /** A network with its best weights, and how it got them. */
  record Trained(Network network, History history, double learningRate) {
    double cost() {
      return history.epochs().stream()
          .flatMapToDouble(epoch -> epoch.validationLoss().stream())
          .filter(cost -> !Double.isNaN(cost))
          .min()
          .orElse(Double.POSITIVE_INFINITY);
    }
  }

  /** Steps that choosing a rate and training with {@code seeds} seeds takes. */
  long stepsFor(Arm.Training training, int seeds) {
    int parts = training == Arm.Training.HEAD_FIRST ? 1 + UNFROZEN_RATES.length : 1;
    return parts * steps * (seeds + learningRates.length - 1);
  }

  /** Trains with each learning rate; the run with the lowest validation cost. Closes the others. */
  Trained trainWithBestRate(
      Supplier<Network> make,
      Arm.Training way,
      Dataset training,
      Dataset validation,
      long seed,
      TrainingListener listener) {
    Trained best = null;
    for (double rate : learningRates) {
      Trained trained = train(make.get(), way, training, validation, rate, seed, listener);
      best = best == null ? trained : better(best, trained);
    }
    return best;
  }

  /** Trains in one way or the other; the network given is closed where another is returned. */
  Trained train(
      Network network,
      Arm.Training way,
      Dataset training,
      Dataset validation,
      double rate,
      long seed,
      TrainingListener listener) {
    double decay = way == Arm.Training.FROM_SCRATCH ? 1 : LAYER_DECAY;
    AdamW optimizer = AdamW.withLearningRate(rate).layerDecay(decay);
    Trained best = fit(network, training, validation, optimizer, seed, listener);
    if (way != Arm.Training.HEAD_FIRST) {
      return best;
    }
    try (Network headTrained = network.copy()) {
      for (double factor : UNFROZEN_RATES) {
        Network all = headTrained.copy().unfreeze("*");
        AdamW slower = AdamW.withLearningRate(factor * rate).layerDecay(LAYER_DECAY);
        Trained trained = fit(all, training, validation, slower, seed, listener);
        best = better(best, new Trained(all, trained.history(), rate));
      }
    }
    return best;
  }

  /** The one with the lower validation cost; closes the other. */
  private static Trained better(Trained one, Trained other) {
    Trained loser = other.cost() < one.cost() ? one : other;
    loser.network().close();
    return loser == one ? other : one;
  }

  /** Trains what is not frozen and leaves the network with its best weights. */
  private Trained fit(
      Network network,
      Dataset training,
      Dataset validation,
      AdamW optimizer,
      long seed,
      TrainingListener listener) {
    int batch = Math.min(batchSize, training.size());
    long stepsPerEpoch = (training.size() + batch - 1) / batch;
    int epochsPerLook = (int) Math.max(1, steps / looks / stepsPerEpoch);
    History history =
        Trainer.of(network)
            .optimizer(optimizer)
            .batchSize(batch)
            .steps(steps)
            .seed(seed)
            .validation(validation)
            .validateEvery(epochsPerLook)
            .earlyStopping(Integer.MAX_VALUE)
            .listener(listener)
            .fit(training);
    return new Trained(network, history, optimizer.learningRate());
  }
}
