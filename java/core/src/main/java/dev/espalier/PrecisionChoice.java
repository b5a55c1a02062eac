// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Which {@link Precision} serves a network best on this CPU, by measurement: the fastest whose
 * answers stay within a tolerance of those in float. Immutable.
 *
 * <pre>{@code
 * PrecisionChoice choice = PrecisionChoice.measure(network, validation, 0.002);
 * logger.info(choice.toString());
 * try (Predictor predictor = network.predictor(choice.options())) { … }
 * }</pre>
 *
 * <p><b>Answers</b> are judged on validation examples, those of each chosen head by one metric of
 * its task: {@link Metric#ACCURACY} of classes, {@link Metric#MACRO_AUC} of labels, {@link
 * Metric#R2} of values, over labelled entries alone; a metric that is undefined in float counts in
 * nothing. Layers that the options name are judged by the mean cosine similarity, over the
 * examples, of all that they make to the same in float. A precision is within the tolerance if none
 * of these numbers is worse than in float by more than it. The tolerance bounds what was seen on
 * these examples, no more: of 200 of them, one answer is 0.005 of an accuracy.
 *
 * <p><b>Mixtures.</b> Where 8 bits alone are beyond the tolerance, so are 8 bits with some layers
 * {@linkplain PredictorOptions#keepFloat kept in float}: those whose {@linkplain
 * Quantization.Layer#effect effect} on the answers is the greatest, by the first 32 examples, and
 * as few of them as bring the scores within the tolerance, found by halves.
 *
 * <p><b>Speed</b> is that of calls with a number of examples, as the predictor will have: all take
 * turns, call for call on the same examples, on the calling thread as much as the options let them.
 * A less exact precision is chosen where its median over all turns is faster than what was chosen
 * so far by more than 5 %. Measured times differ from run to run, and so may the choice where two
 * are about as fast; on a CPU without AVX-512 VNNI often none is faster than float by much. It
 * takes half a second, and the evaluations.
 *
 * @since 0.1
 */
public final class PrecisionChoice {
  private static final double LEAST_GAIN = 1.05;

  private final PredictorOptions options;
  private final double tolerance;
  private final int batchSize;
  private final List<Candidate> candidates;
  private final Candidate best;

  /**
   * A precision, or a mixture, that was measured.
   *
   * @param precision what was measured
   * @param keepFloat names of the layers whose weights it keeps in float; empty for none
   * @param examplesPerSecond by the median of the turns
   * @param speedup median, over the turns, of the time in float over its time
   * @param scores what its answers were judged by, as {@code accuracy of task "kind"}, without what
   *     is undefined in float
   * @param lossOfScore by how much the score is worse that is most so, compared with float;
   *     negative if all are better, NaN if one is undefined
   * @param isWithinTolerance whether that is at most the tolerance
   * @param nativeBytes of its predictor, after it was used
   * @since 0.1
   */
  public record Candidate(
      Precision precision,
      List<String> keepFloat,
      double examplesPerSecond,
      double speedup,
      Map<String, Double> scores,
      double lossOfScore,
      boolean isWithinTolerance,
      long nativeBytes) {
    /**
     * Copies names and scores.
     *
     * @param precision as above, like all others
     * @param keepFloat so
     * @param examplesPerSecond so
     * @param speedup so
     * @param scores so
     * @param lossOfScore so
     * @param isWithinTolerance so
     * @param nativeBytes so
     */
    public Candidate {
      Objects.requireNonNull(precision, "precision");
      keepFloat = List.copyOf(Objects.requireNonNull(keepFloat, "keepFloat"));
      scores = Map.copyOf(Objects.requireNonNull(scores, "scores"));
    }
  }

  PrecisionChoice(
      PredictorOptions options, double tolerance, int batchSize, List<Candidate> candidates) {
    this.tolerance = tolerance;
    this.batchSize = batchSize;
    this.candidates = List.copyOf(candidates);
    best = best(candidates);
    this.options = options.precision(best.precision()).keepFloat(best.keepFloat());
  }

  /** Returns the one to take; the first is float. */
  static Candidate best(List<Candidate> candidates) {
    Candidate best = candidates.get(0);
    for (Candidate candidate : candidates) {
      if (candidate.isWithinTolerance() && candidate.speedup() > LEAST_GAIN * best.speedup()) {
        best = candidate;
      }
    }
    return best;
  }

  /**
   * Measures all precisions, for calls with one example and {@link PredictorOptions#defaults()}.
   *
   * @param network with a head; stays as it is, and the caller's to close
   * @param validation examples with targets
   * @param tolerance by how much a metric may be worse, 0 to 1
   * @return what was measured and which to take
   * @throws IllegalArgumentException if the tolerance is out of range, targets do not fit the
   *     network, or none of its metrics is defined in float
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if the network is closed or another thread trains it
   * @throws NativeMemoryException if there is no memory for the predictors and the answers
   */
  public static PrecisionChoice measure(Network network, Dataset validation, double tolerance) {
    return measure(network, validation, tolerance, PredictorOptions.defaults(), 1);
  }

  /**
   * Measures all precisions for a use of its own, with the exceptions of {@link #measure(Network,
   * Dataset, double)}.
   *
   * @param network with the heads and layers that the options name; stays as it is, and the
   *     caller's to close
   * @param validation examples, with targets unless only layers are computed
   * @param tolerance by how much a metric, or the similarity of layers, may be worse, 0 to 1
   * @param options how the predictor will be made; its precision does not matter
   * @param batchSize examples of a call, at least 1; if there are fewer, all of them
   * @return what was measured and which to take
   */
  public static PrecisionChoice measure(
      Network network,
      Dataset validation,
      double tolerance,
      PredictorOptions options,
      int batchSize) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(validation, "validation");
    Objects.requireNonNull(options, "options");
    Arguments.inRange("tolerance", tolerance, 0, 1);
    Arguments.positive("batchSize", batchSize);
    return new PrecisionTrial(network, validation, options, batchSize).run(tolerance);
  }

  /**
   * Returns the options with the precision to take, and the layers to keep in float.
   *
   * @return for {@link Network#predictor(PredictorOptions)}
   */
  public PredictorOptions options() {
    return options;
  }

  /**
   * Returns the precision to take.
   *
   * @return that of the {@link #options}
   */
  public Precision precision() {
    return options.precision();
  }

  /**
   * Returns what was measured.
   *
   * @return a candidate for each precision, float first, and for a mixture, if one was found
   */
  public List<Candidate> candidates() {
    return candidates;
  }

  /** Returns a table for people: a line a precision, and which to take. */
  @Override
  public String toString() {
    List<String> scores = candidates.get(0).scores().keySet().stream().sorted().toList();
    List<String[]> rows = new ArrayList<>();
    List<String> header =
        new ArrayList<>(List.of("precision", "examples/s", "times FP32", "native MB"));
    header.addAll(scores);
    header.add("");
    rows.add(header.toArray(String[]::new));
    for (Candidate candidate : candidates) {
      List<String> row = new ArrayList<>();
      int kept = candidate.precision() == Precision.FP32 ? 0 : candidate.keepFloat().size();
      row.add(
          candidate.precision()
              + (kept == 0 ? "" : " but " + kept + (kept == 1 ? " layer" : " layers")));
      row.add(String.format(Locale.ROOT, "%,.0f", candidate.examplesPerSecond()));
      row.add(String.format(Locale.ROOT, "%.2f", candidate.speedup()));
      row.add(String.format(Locale.ROOT, "%.2f", candidate.nativeBytes() / 1e6));
      for (String score : scores) {
        row.add(String.format(Locale.ROOT, "%.4f", candidate.scores().get(score)));
      }
      row.add(
          candidate == best
              ? "chosen"
              : candidate.isWithinTolerance() ? "" : "beyond the tolerance");
      rows.add(row.toArray(String[]::new));
    }
    return TextTable.of(rows)
        + "calls of "
        + batchSize
        + (batchSize == 1 ? " example" : " examples")
        + "; tolerance "
        + tolerance
        + "; "
        + Espalier.cpuTarget()
        + '\n'
        + (best.keepFloat().isEmpty()
            ? ""
            : "in float: " + String.join(", ", best.keepFloat()) + '\n');
  }
}
