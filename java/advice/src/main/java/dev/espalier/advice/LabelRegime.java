// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.InversePropensityLoss;
import dev.espalier.LabelCounts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * How each label is answered, and what follows for losses and metrics: the first thing to know
 * about half-labelled data.
 *
 * <pre>{@code
 * LabelRegime regime = LabelRegime.of(cache.features(network, "features", data));
 * String report = regime.toString();
 * Trainer.of(network).loss("finding", regime.inversePropensityLoss()).fit(data);
 * }</pre>
 *
 * <ul>
 *   <li>Both answers known: masked loss and metrics mean what they say.
 *   <li>Only yeses known: no loss of what is known can learn the label; {@link LabelVerdict#advice}
 *       says what can.
 *   <li>"Is it labelled" predictable from the features: who answers chose which examples, so
 *       metrics of the labelled are biased for all.
 *   <li>Pairs of labels that no example answers both of: about how they go together nothing is
 *       known.
 * </ul>
 *
 * <p>Of a task of classes, all classes are one label in this: known or blank. Same data and options
 * give the same bits. Immutable.
 *
 * @since 0.1
 */
public final class LabelRegime {
  private static final int MOST_LINES = 100;

  private final boolean isClasses;
  private final int size;
  private final List<LabelVerdict> labels;
  private final List<List<LabelCounts>> pairs;
  private final float[][] propensities;

  private LabelRegime(
      AnsweredFeatures known, List<List<LabelCounts>> pairs, AdviceOptions options) {
    this.pairs = pairs;
    isClasses = known.isClasses();
    size = known.size();
    int width = known.names().size();
    float[][] isKnown = new float[size][known.isClasses() ? 1 : width];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < isKnown[i].length; j++) {
        isKnown[i][j] = known.isKnown(i, j) ? 1 : 0;
      }
    }
    int[] all = IntStream.range(0, size).toArray();
    float[][] said =
        new ProbeHeads(known, false, isKnown).crossFitted(all, options.folds(), options.seed());
    propensities = new float[size][width];
    List<LabelVerdict> verdicts = new ArrayList<>();
    for (int j = 0; j < width; j++) {
      int asked = known.isClasses() ? 0 : j;
      for (int i = 0; i < size; i++) {
        propensities[i][j] = said[i] == null ? 1 : said[i][asked];
      }
      verdicts.add(verdict(known, j, said, asked));
    }
    labels = List.copyOf(verdicts);
  }

  /**
   * Looks at the only task of a data set, with the default options.
   *
   * @param features as for {@link LabelAdvice#of(Dataset)}
   * @return the verdicts; print them
   * @throws IllegalArgumentException as there
   */
  public static LabelRegime of(Dataset features) {
    return of(features, AdviceOptions.defaults());
  }

  /**
   * Looks at a task of a data set.
   *
   * @param features as for {@link LabelAdvice#of(Dataset)}
   * @param options which task; folds and seed
   * @return the verdicts; print them
   * @throws IllegalArgumentException as there; if there is no such task
   */
  public static LabelRegime of(Dataset features, AdviceOptions options) {
    Objects.requireNonNull(features, "features");
    Objects.requireNonNull(options, "options");
    AnsweredFeatures known = AnsweredFeatures.of(features, options);
    return new LabelRegime(known, Datasets.statistics(features).pairsNeverTogether(), options);
  }

  private static LabelVerdict verdict(
      AnsweredFeatures known, int label, float[][] said, int asked) {
    int yes = 0;
    int no = 0;
    double[] scores = new double[known.size()];
    boolean[] isKnown = new boolean[known.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = said[i] == null ? 0 : said[i][asked];
      isKnown[i] = known.isKnown(i, label);
      yes += isKnown[i] && known.isYes(i, label) ? 1 : 0;
      no += isKnown[i] && !known.isYes(i, label) ? 1 : 0;
    }
    // Of yeses alone, "labelled" is another word for "yes".
    boolean isAsked = no > 0;
    Interval predictability =
        isAsked
            ? RankingInterval.of(scores, isKnown)
            : RankingInterval.of(new double[0], new boolean[0]);
    String name = known.names().get(label);
    return new LabelVerdict(name, yes, no, known.size() - yes - no, predictability);
  }

  /**
   * Returns the verdict on each label; of a task of classes, on each class.
   *
   * @return in the order of the data set's target
   */
  public List<LabelVerdict> labels() {
    return labels;
  }

  /**
   * Returns the pairs of labels that no example answers both of, as {@link
   * dev.espalier.LabelStatistics#pairsNeverTogether} has them: of all tasks.
   *
   * @return two each; the first 1,000
   */
  public List<List<LabelCounts>> pairsNeverTogether() {
    return pairs;
  }

  /**
   * Returns how likely each answer was to be known, by heads that were not trained on the example.
   *
   * @return a new array, [examples][labels], each from 0 to 1
   */
  public float[][] propensities() {
    return Arrays.stream(propensities).map(float[]::clone).toArray(float[][]::new);
  }

  /**
   * Returns a loss that weights answers by the propensities: for labels with {@link
   * LabelVerdict.Bias#LIKELY}, to be trained on the examples that were looked at, in their order.
   *
   * @return the loss, for the labels of these names
   * @throws IllegalStateException if the task is one of classes
   */
  public InversePropensityLoss inversePropensityLoss() {
    if (isClasses) {
      throw new IllegalStateException("expected a task of labels, got one of classes");
    }
    List<String> names = labels.stream().map(LabelVerdict::label).toList();
    return InversePropensityLoss.of(names, propensities);
  }

  /** Returns a line a label, of the first hundred, then pairs that are never labelled together. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(size).append(size == 1 ? " example\n" : " examples\n");
    labels.stream().limit(MOST_LINES).forEach(label -> text.append(label).append('\n'));
    if (labels.size() > MOST_LINES) {
      text.append("and ").append(labels.size() - MOST_LINES).append(" more\n");
    }
    pairs.stream()
        .limit(MOST_LINES)
        .forEach(
            pair ->
                text.append("never both known: ")
                    .append(pair.get(0).name())
                    .append(" and ")
                    .append(pair.get(1).name())
                    .append('\n'));
    if (pairs.size() > MOST_LINES) {
      text.append("and ").append(pairs.size() - MOST_LINES).append(" more pairs\n");
    }
    return text.toString();
  }
}
