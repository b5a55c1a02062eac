// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Map;
import java.util.TreeMap;

/**
 * How tasks are weighed against each other while training goes on: {@code
 * Trainer.of(network).balance(Balance.uncertainty())}. Immutable. A task is a head: labels that are
 * to be weighed against each other need heads of their own, which cost hardly more, as heads on one
 * layer run as one product.
 *
 * <p>The cost is J = Σ<sub>k</sub> w<sub>k</sub> l<sub>k</sub>: l<sub>k</sub> is the mean loss of
 * task k's known answers in the batch, w<sub>k</sub> what its weight and normalization make of it.
 * A rule sees l<sub>k</sub>, which does not hang on how many answers are known, and multiplies the
 * task's gradients by a factor f<sub>k</sub>. J and all losses are reported without factors, so
 * that they compare with those of validation; {@link EpochResult#taskWeights} has the factors.
 *
 * <p><b>Unlabelled.</b> Only tasks P with a known answer in the batch, and a weight above 0, take
 * part in its step. What is remembered of another task stays as it is, and those in P get the bits
 * that they would get without it.
 *
 * <p>Losses are taken to be positive: 1e-8 stands for any below. What rules learn is learned by
 * Adam, with a count of steps for each task, and is part of {@link Checkpoints}.
 *
 * <p>Plain weights are hard to beat; docs/advice.md has a comparison.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Balance {
  private static final double UNCERTAINTY_RATE = 0.01;
  private static final double TEMPERATURE = 100;
  private static final double FAMO_RATE = 0.025;
  private static final double FAMO_DECAY = 0.01;

  private final Map<String, Object> settings;

  private Balance(Map<String, Object> settings) {
    this.settings = new TreeMap<>(settings);
  }

  /**
   * Leaves it at the tasks' own weights ({@link Head#weight}): all factors are 1.
   *
   * @return the default
   */
  public static Balance plain() {
    return new Balance(Map.of("kind", "plain"));
  }

  /**
   * Uncertainty weights with a rate of 0.01: see {@link #uncertainty(double)}.
   *
   * @return the balance
   */
  public static Balance uncertainty() {
    return uncertainty(UNCERTAINTY_RATE);
  }

  /**
   * Learns a variance σ<sub>k</sub>² for each task along with the network, from J = Σ<sub>k</sub>
   * w<sub>k</sub> (l<sub>k</sub>/σ<sub>k</sub>² + log σ<sub>k</sub>): f<sub>k</sub> =
   * 1/σ<sub>k</sub>², 1 at first and within exp(±10), which tends to 1/(2 l<sub>k</sub>). Kendall,
   * Gal and Cipolla 2018, arXiv:1705.07115, in their form for cross entropies, for losses of any
   * kind; that for squared errors tends to the same factor.
   *
   * @param learningRate of log σ<sub>k</sub>², above 0, at most 1
   * @return the balance
   */
  public static Balance uncertainty(double learningRate) {
    return new Balance(Map.of("kind", "uncertainty", "learning_rate", rate(learningRate)));
  }

  /**
   * UW-SO with a temperature of 100: see {@link #uwSo(double)}.
   *
   * @return the balance
   */
  public static Balance uwSo() {
    return uwSo(TEMPERATURE);
  }

  /**
   * Weighs by a softmax of the inverse losses of each batch: f<sub>k</sub> = |P|
   * softmax<sub>P</sub>(1/(l<sub>k</sub> T)), whose mean is 1. Soft optimal uncertainty weighting,
   * Kirchdorfer et al. 2024, arXiv:2408.07985, who tune T for each data set.
   *
   * @param temperature T, above 0; the smaller, the more goes to the tasks of the least loss, and
   *     the larger, the nearer to plain weights
   * @return the balance
   */
  public static Balance uwSo(double temperature) {
    return new Balance(
        Map.of("kind", "uw_so", "temperature", Arguments.positive("temperature", temperature)));
  }

  /**
   * FAMO with a rate of 0.025 and a decay of 0.01: see {@link #famo(double, double)}.
   *
   * @return the balance
   */
  public static Balance famo() {
    return famo(FAMO_RATE, FAMO_DECAY);
  }

  /**
   * Makes the losses of all tasks fall by the same share: f<sub>k</sub> = |P|
   * (z<sub>k</sub>/l<sub>k</sub>) / Σ<sub>P</sub>(z/l), whose mean is 1, with z =
   * softmax<sub>P</sub>(x). After each update the batch is computed once more, and x moves towards
   * the tasks whose log l fell the least. A step costs one more forward pass. {@code fit} refuses
   * {@link Trainer#loss losses of one's own}, which are asked once a step. Liu et al. 2023,
   * arXiv:2306.03792.
   *
   * @param learningRate of x, above 0, at most 1
   * @param decay of x towards 0, from 0 to 1
   * @return the balance
   */
  public static Balance famo(double learningRate, double decay) {
    return new Balance(
        Map.of(
            "kind",
            "famo",
            "learning_rate",
            rate(learningRate),
            "decay",
            Arguments.inRange("decay", decay, 0, 1)));
  }

  /**
   * Takes out of each task's gradient what points against another's (PCGrad). With g<sub>k</sub>
   * the gradient of w<sub>k</sub> l<sub>k</sub> by the parameters that more than one task of P
   * reaches, and h<sub>k</sub> = g<sub>k</sub> at first: for each other task j of P, in an order
   * drawn anew for each step and k, where h<sub>k</sub>·g<sub>j</sub> &lt; 0, h<sub>k</sub> -=
   * (h<sub>k</sub>·g<sub>j</sub>/|g<sub>j</sub>|²) g<sub>j</sub>. The step's gradient is
   * Σ<sub>k</sub> h<sub>k</sub> there, and as it is elsewhere. As h<sub>k</sub> is a sum of the
   * g<sub>j</sub>, so is that: f<sub>j</sub> is how often it holds g<sub>j</sub>, at least 1.
   *
   * <p>A step computes its batch, forward and backward, once for each task of P, and keeps
   * gradients of each head. {@code fit} refuses {@link Trainer#loss losses of one's own}, as with
   * {@link #famo}. Yu et al. 2020, arXiv:2001.06782.
   *
   * @return the balance
   */
  public static Balance pcGrad() {
    return new Balance(Map.of("kind", "pcgrad"));
  }

  private static double rate(double learningRate) {
    return Arguments.factor("learningRate", learningRate);
  }

  /** Returns the settings as the native trainer reads them. */
  Map<String, Object> spec() {
    return settings;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Balance balance && settings.equals(balance.settings);
  }

  @Override
  public int hashCode() {
    return settings.hashCode();
  }

  /** Returns the settings. */
  @Override
  public String toString() {
    return settings.toString();
  }
}
