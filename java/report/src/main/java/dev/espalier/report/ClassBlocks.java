// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Metric;
import dev.espalier.Metrics;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a page has of a task of classes beside its metrics: how reliable the first class's
 * probability is, and a card for each class, as if it were a label that is yes from the first place
 * on.
 */
final class ClassBlocks {
  private ClassBlocks() {}

  /**
   * Adds them.
   *
   * @param column of the first class in {@code outputs}
   * @param outputs {@code [examples][logits of all tasks]}
   * @param known the class of each example, -1 where unknown
   */
  static Section add(
      Section section,
      Metrics metrics,
      int column,
      float[][] outputs,
      int[] known,
      ExampleData shown) {
    Task task = metrics.task();
    float[][] probabilities = new float[task.width()][outputs.length];
    int[] first = new int[outputs.length];
    Reliability reliability = new Reliability();
    for (int i = 0; i < outputs.length; i++) {
      float[] logits = Arrays.copyOfRange(outputs[i], column, column + task.width());
      first[i] = softmax(logits, probabilities, i);
      if (known[i] >= 0) {
        reliability.add(probabilities[first[i]][i], first[i] == known[i]);
      }
    }
    Map<String, Object> reliable = Section.block("reliability");
    reliable.put("bins", reliability.data());
    reliable.put(
        Metric.EXPECTED_CALIBRATION_ERROR,
        metrics.metric(Metric.EXPECTED_CALIBRATION_ERROR).value());
    List<Map<String, Object>> cards = new ArrayList<>();
    for (int j : mostKnown(task.width(), known)) {
      cards.add(card(metrics, j, column, probabilities, first, known, shown));
    }
    Map<String, Object> block = Section.block("labels");
    block.put("task", task.name());
    block.put("omitted", task.width() - cards.size());
    block.put("cards", cards);
    return section.with(reliable).with(block);
  }

  /** Writes the probabilities of one example and returns the first of the most probable classes. */
  private static int softmax(float[] logits, float[][] probabilities, int example) {
    int best = 0;
    for (int j = 1; j < logits.length; j++) {
      best = logits[j] > logits[best] || Float.isNaN(logits[best]) ? j : best;
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - logits[best]);
    }
    for (int j = 0; j < logits.length; j++) {
      probabilities[j][example] = (float) (Math.exp((double) logits[j] - logits[best]) / sum);
    }
    return best;
  }

  private static int[] mostKnown(int classes, int[] known) {
    long[] counts = new long[classes];
    for (int one : known) {
      if (one >= 0) {
        counts[one]++;
      }
    }
    return IntStream.range(0, classes)
        .boxed()
        .sorted(Comparator.comparingLong(j -> -counts[j]))
        .limit(LabelBlocks.MOST_CARDS)
        .sorted()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static Map<String, Object> card(
      Metrics metrics,
      int j,
      int column,
      float[][] probabilities,
      int[] first,
      int[] known,
      ExampleData shown) {
    String name = metrics.task().outputNames().get(j);
    float[] targets = new float[known.length];
    Reliability reliability = new Reliability();
    for (int i = 0; i < known.length; i++) {
      targets[i] = known[i] < 0 ? Float.NaN : known[i] == j ? 1 : 0;
      if (known[i] >= 0) {
        reliability.add(probabilities[j][i], known[i] == j);
      }
    }
    Map<String, Object> card = new LinkedHashMap<>();
    card.put("label", name);
    card.put("yes", metrics.counts(name).knownYes());
    card.put("no", metrics.counts(name).knownNo());
    card.put("blank", metrics.counts(name).blanks());
    for (Metric metric : metrics.all()) {
      if (metric.label().equals(name)) {
        card.put(metric.name(), metric.value());
      }
    }
    RankedAnswers ranked = RankedAnswers.of(probabilities[j], probabilities[j], targets, 0.5);
    card.put(Metric.AUC, ranked.auc());
    card.put(Metric.AVERAGE_PRECISION, ranked.averagePrecision());
    card.put("ranked", ranked.data());
    card.put("reliability", reliability.data());
    card.put(Metric.EXPECTED_CALIBRATION_ERROR, reliability.expectedError());
    card.put("wrong", wrong(metrics.task(), j, column, probabilities, first, known, shown));
    return card;
  }

  /** Returns examples of a class that the network is the most sure are of another one. */
  private static List<Map<String, Object>> wrong(
      Task task,
      int j,
      int column,
      float[][] probabilities,
      int[] first,
      int[] known,
      ExampleData shown) {
    return IntStream.range(0, known.length)
        .filter(i -> known[i] == j && first[i] != j && !Float.isNaN(probabilities[first[i]][i]))
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -probabilities[first[i]][i]))
        .limit(shown.perLabel())
        .map(
            i ->
                shown.entry(
                    i,
                    column + first[i],
                    task.outputNames().get(first[i]) + " " + Figures.of(probabilities[first[i]][i]),
                    task.outputNames().get(j)))
        .toList();
  }
}
