// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What to label next, and which labels look wrong, from features and the answers that there are.
 *
 * <pre>{@code
 * Dataset features = cache.features(network, "features", data);        // or any numbers
 * LabelAdvice advice = LabelAdvice.of(features);
 * advice.writeSheet(Path.of("next.csv"), advice.nextExamples(50), fileNames);
 * advice.writeSuspects(Path.of("wrong.csv"), advice.suspects().subList(0, 20), fileNames);
 * }</pre>
 *
 * <p><b>What to label next.</b> A linear head is trained on the known answers. Asked is what would
 * most lower the mean variance of what such a head says of all examples (greedy A-optimal design:
 * Ash et al. 2021, arXiv:2106.09675): that is where the head is unsure, where examples are many,
 * and where nothing like it is answered or asked already. So batches don't repeat one another.
 * Where nothing is answered yet, it is spread alone.
 *
 * <p><b>Which labels look wrong.</b> Each known answer is compared with what heads say that were
 * not trained on its example: confident learning, Northcutt et al. 2021, arXiv:1911.00068. Some of
 * the list are right, and only rare: look, don't delete.
 *
 * <p>How much either gains, by simulation: docs/advice.md. Same data and options give the same
 * bits. Takes about 8 bytes of heap for each number of the features. Immutable, for any number of
 * threads.
 *
 * @since 0.1
 */
public final class LabelAdvice {
  /** Of more blanks, so many drawn at random are looked at. */
  private static final int MOST_CANDIDATES = 10_000;

  private final AnsweredFeatures known;
  private final DesignRows rows;
  private final float[][] probabilities;
  private final List<SuspectAnswer> suspects;
  private final AdviceOptions options;
  private final int[][] columns; // of the head, that an answer to a question fills

  private LabelAdvice(AnsweredFeatures known, AdviceOptions options) {
    this.known = known;
    this.options = options;
    rows = new DesignRows(known, options.seed());
    int width = known.names().size();
    columns = new int[known.isClasses() ? 1 : width][];
    Arrays.setAll(
        columns, j -> known.isClasses() ? IntStream.range(0, width).toArray() : new int[] {j});
    int[] labelled = known.labelled();
    ProbeHeads heads = new ProbeHeads(known);
    int[] all = new int[known.size()];
    Arrays.setAll(all, i -> i);
    probabilities = heads.probabilities(labelled, all, options.seed());
    float[][] said = heads.crossFitted(labelled, options.folds(), options.seed());
    suspects = ConfidentLearning.rank(known, said);
  }

  /**
   * Looks at the only task of a data set, with the default options.
   *
   * @param features inputs of floats, with known answers to labels (NaN: blank) or classes (-1:
   *     blank): what {@link dev.espalier.FeatureCache#features} or {@link
   *     dev.espalier.Predictor#features} make of a network's layer, or rows of a table
   * @return the advice
   * @throws IllegalArgumentException if there is no example; if there is not one task; if answers
   *     are neither labels nor classes; or if a feature is not finite
   */
  public static LabelAdvice of(Dataset features) {
    return of(features, AdviceOptions.defaults());
  }

  /**
   * Looks at a task of a data set.
   *
   * @param features as above
   * @param options which task; folds and seed
   * @return the advice
   * @throws IllegalArgumentException as above; if there is no such task
   */
  public static LabelAdvice of(Dataset features, AdviceOptions options) {
    Objects.requireNonNull(features, "features");
    Objects.requireNonNull(options, "options");
    return new LabelAdvice(AnsweredFeatures.of(features, options), options);
  }

  /**
   * Returns which blanks to fill next, where each answer costs about the same.
   *
   * @param count how many, at least 1
   * @return up to {@code count} blanks, the first one first
   * @throws IllegalArgumentException if the number is out of its range
   */
  public List<OpenAnswer> nextAnswers(int count) {
    requirePositive(count);
    List<Question> open = new ArrayList<>();
    for (int i = 0; i < known.size(); i++) {
      for (int label : blanks(i)) {
        open.add(new Question(i, new int[] {label}));
      }
    }
    return choose(open, count);
  }

  /**
   * Returns which examples to look at next, where looking is what costs: all blanks of an example
   * are asked together, one after the other.
   *
   * @param count how many examples, at least 1
   * @return all blanks of up to {@code count} examples, those of the first one first
   * @throws IllegalArgumentException if the number is out of its range
   */
  public List<OpenAnswer> nextExamples(int count) {
    requirePositive(count);
    List<Question> open = new ArrayList<>();
    for (int i = 0; i < known.size(); i++) {
      int[] blanks = blanks(i);
      if (blanks.length > 0) {
        open.add(new Question(i, blanks));
      }
    }
    return choose(open, count);
  }

  /**
   * Returns the known answers, the least probable first.
   *
   * @return all of them; none where fewer than two examples are labelled
   */
  public List<SuspectAnswer> suspects() {
    return suspects;
  }

  /**
   * Writes a table to fill in: CSV in UTF-8, as RFC 4180 has it, a row for each example in the
   * order asked. Columns: {@code example}, its place in the data set from 0; {@code id}, where
   * there are any; and one for each label with 1, 0 or what else is known, {@code ?} where an
   * answer is asked, and nothing elsewhere; of classes, one column named as the task, or {@code
   * class}. It reads back as {@code Table.csv(file, TableOptions.defaults().id("example",
   * "id").labels("", …).blanks("?"))} of espalier-data, with a {@code ?} that is left being a
   * blank.
   *
   * <p>A name or id that a spreadsheet would take for a formula (=, +, -, @) gets an apostrophe in
   * front.
   *
   * @param file a file that is not there yet
   * @param questions what {@link #nextAnswers} or {@link #nextExamples} returned
   * @param ids of all examples of the data set, as file names; or none
   * @throws IllegalArgumentException if there are ids, but not as many as examples; or if a
   *     question is of another data set
   * @throws java.io.UncheckedIOException if the file is there already, or can't be written
   */
  public void writeSheet(Path file, List<OpenAnswer> questions, List<String> ids) {
    AnswerSheet.of(known, questions, checked(ids)).write(file);
  }

  /**
   * Writes suspect answers: CSV as above, with the columns {@code example}, {@code id} where there
   * are any, {@code label}, {@code given}, {@code instead}, {@code probability} and {@code
   * contradicted}.
   *
   * @param file a file that is not there yet
   * @param suspects some of {@link #suspects}
   * @param ids of all examples of the data set, as file names; or none
   * @throws IllegalArgumentException as above
   * @throws java.io.UncheckedIOException if the file is there already, or can't be written
   */
  public void writeSuspects(Path file, List<SuspectAnswer> suspects, List<String> ids) {
    AnswerSheet.ofSuspects(known, suspects, checked(ids)).write(file);
  }

  private List<String> checked(List<String> ids) {
    for (String id : Objects.requireNonNull(ids, "ids")) {
      Objects.requireNonNull(id, "ids");
    }
    if (!ids.isEmpty() && ids.size() != known.size()) {
      throw new IllegalArgumentException(
          "ids: expected " + known.size() + ", one an example, or none, got " + ids.size());
    }
    return ids;
  }

  private static void requirePositive(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count: expected at least 1, got " + count);
    }
  }

  /** Blanks of an example that are asked together. */
  private record Question(int example, int[] labels) {}

  /** Returns the blanks of an example: labels, or of classes, of which all or none is known, 0. */
  private int[] blanks(int example) {
    return IntStream.range(0, known.isClasses() ? 1 : known.names().size())
        .filter(j -> !known.isKnown(example, j))
        .toArray();
  }

  /** Chooses one after the other what gains the most, with those before it answered. */
  private List<OpenAnswer> choose(List<Question> open, int count) {
    List<Question> asked = open.size() > MOST_CANDIDATES ? some(open) : open;
    InformationGain[] gains = gains(asked);
    boolean[] isChosen = new boolean[asked.size()];
    List<OpenAnswer> chosen = new ArrayList<>();
    for (int k = 0; k < Math.min(count, asked.size()); k++) {
      int best = -1;
      double most = -1;
      for (int c = 0; c < isChosen.length; c++) {
        double gain = isChosen[c] ? -1 : gain(gains, asked.get(c));
        if (gain > most) {
          most = gain;
          best = c;
        }
      }
      isChosen[best] = true;
      Question question = asked.get(best);
      for (int label : question.labels()) {
        chosen.add(open(question.example(), label, gain(gains, question.example(), label)));
        for (int column : columns[label]) {
          gains[column].answer(question.example());
        }
      }
    }
    return List.copyOf(chosen);
  }

  private List<Question> some(List<Question> open) {
    List<Question> drawn = new ArrayList<>(open);
    SplittableRandom random = new SplittableRandom(options.seed());
    for (int k = 0; k < MOST_CANDIDATES; k++) { // Fisher and Yates, as far as needed
      Collections.swap(drawn, k, random.nextInt(k, drawn.size()));
    }
    return drawn.subList(0, MOST_CANDIDATES);
  }

  /** Returns what answers gain, by column of the head. */
  private InformationGain[] gains(List<Question> asked) {
    InformationGain[] gains = new InformationGain[known.names().size()];
    for (int j = 0; j < gains.length; j++) {
      float[] uncertainty = new float[known.size()];
      for (int i = 0; i < uncertainty.length; i++) {
        uncertainty[i] = probabilities[i][j] * (1 - probabilities[i][j]);
      }
      int label = j;
      int[] answered =
          Arrays.stream(known.labelled()).filter(i -> known.isKnown(i, label)).toArray();
      int[] candidates =
          asked.stream()
              .filter(question -> asksFor(question, label))
              .mapToInt(Question::example)
              .distinct()
              .sorted()
              .toArray();
      gains[j] = new InformationGain(rows, uncertainty, answered, candidates);
    }
    return gains;
  }

  private boolean asksFor(Question question, int column) {
    return known.isClasses() || IntStream.of(question.labels()).anyMatch(j -> j == column);
  }

  private double gain(InformationGain[] gains, Question question) {
    double sum = 0;
    for (int label : question.labels()) {
      sum += gain(gains, question.example(), label);
    }
    return sum;
  }

  private double gain(InformationGain[] gains, int example, int label) {
    double sum = 0;
    for (int column : columns[label]) {
      sum += gains[column].gain(example);
    }
    return sum;
  }

  private OpenAnswer open(int example, int label, double gain) {
    float[] said = probabilities[example];
    if (!known.isClasses()) {
      boolean isYes = said[label] >= 0.5f;
      return new OpenAnswer(
          example,
          known.names().get(label),
          isYes ? "yes" : "no",
          isYes ? said[label] : 1 - said[label],
          gain);
    }
    int best = 0;
    for (int c = 1; c < said.length; c++) {
      best = said[c] > said[best] ? c : best;
    }
    return new OpenAnswer(example, known.task(), known.names().get(best), said[best], gain);
  }

  /**
   * Returns for example {@code "LabelAdvice[593 examples, 1200 blanks, 31 of 2358 known answers
   * contradicted]"}.
   */
  @Override
  public String toString() {
    int blanks = 0;
    for (int i = 0; i < known.size(); i++) {
      blanks += blanks(i).length;
    }
    long contradicted = suspects.stream().filter(SuspectAnswer::isContradicted).count();
    return "LabelAdvice["
        + known.size()
        + " examples, "
        + blanks
        + " blanks, "
        + contradicted
        + " of "
        + suspects.size()
        + " known answers contradicted]";
  }
}
