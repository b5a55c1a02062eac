// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.AnswerCounts;
import dev.espalier.Metric;
import dev.espalier.Metrics;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a page has of a task of labels beside its metrics: a card for each, and which go together.
 */
final class LabelBlocks {
  /** Cards of more would be a page that nobody reads, and several megabytes. */
  static final int MOST_CARDS = 60;

  private LabelBlocks() {}

  /**
   * Adds them.
   *
   * @param column of the first label in {@code outputs}
   * @param outputs {@code [examples][logits of all tasks]}
   * @param known {@code [labels][examples]}
   */
  static Section add(
      Section section,
      Metrics metrics,
      int column,
      float[][] outputs,
      float[][] known,
      ExampleData shown) {
    Task task = metrics.task();
    List<Map<String, Object>> cards = new ArrayList<>();
    for (int j : mostKnown(known)) {
      cards.add(card(metrics, j, column + j, outputs, known[j], shown));
    }
    Map<String, Object> block = Section.block("labels");
    block.put("task", task.name());
    block.put("omitted", task.width() - cards.size());
    block.put("cards", cards);
    return LabelsTogether.add(section, task, known).with(block);
  }

  /** Returns the labels that have cards: those with the most known answers, in their order. */
  static int[] mostKnown(float[][] known) {
    return IntStream.range(0, known.length)
        .boxed()
        .sorted(Comparator.comparingInt(j -> -count(known[j])))
        .limit(MOST_CARDS)
        .sorted()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static int count(float[] known) {
    int count = 0;
    for (float answer : known) {
      count += Float.isNaN(answer) ? 0 : 1;
    }
    return count;
  }

  private static Map<String, Object> card(
      Metrics metrics, int j, int column, float[][] outputs, float[] known, ExampleData shown) {
    Task task = metrics.task();
    String label = task.outputNames().get(j);
    AnswerCounts counts = metrics.counts(label);
    double threshold = task.thresholds().get(j);
    float[] logits = new float[outputs.length];
    float[] probabilities = new float[outputs.length];
    Reliability reliability = new Reliability();
    for (int i = 0; i < outputs.length; i++) {
      logits[i] = outputs[i][column];
      probabilities[i] = probability(logits[i]);
      if (!Float.isNaN(known[i])) {
        reliability.add(probabilities[i], known[i] >= 0.5f);
      }
    }
    Map<String, Object> card = new LinkedHashMap<>();
    card.put("label", label);
    card.put("yes", counts.knownYes());
    card.put("no", counts.knownNo());
    card.put("blank", counts.blanks());
    for (Metric metric : metrics.all()) {
      if (metric.label().equals(label)) {
        card.put(metric.name(), metric.value());
      }
    }
    card.put("threshold", threshold);
    card.put("found", counts.truePositives());
    card.put("false", counts.falsePositives());
    card.put("ranked", RankedAnswers.of(logits, probabilities, known, threshold).data());
    card.put("reliability", reliability.data());
    card.put("wrong", wrong(threshold, column, probabilities, known, shown));
    return card;
  }

  static float probability(float logit) {
    return (float) (1 / (1 + Math.exp(-(double) logit)));
  }

  /** Returns the wrong answers whose right ones the network found the least probable. */
  private static List<Map<String, Object>> wrong(
      double threshold, int column, float[] probabilities, float[] known, ExampleData shown) {
    return IntStream.range(0, known.length)
        .filter(i -> !Float.isNaN(known[i]) && !Float.isNaN(probabilities[i]))
        .filter(i -> probabilities[i] >= threshold != known[i] >= 0.5f)
        .boxed()
        .sorted(
            Comparator.comparingDouble(
                i -> known[i] >= 0.5f ? probabilities[i] : 1.0 - probabilities[i]))
        .limit(shown.perLabel())
        .map(
            i ->
                shown.entry(
                    i,
                    column,
                    (known[i] >= 0.5f ? "no (" : "yes (") + Figures.of(probabilities[i]) + ")",
                    known[i] >= 0.5f ? "yes" : "no"))
        .toList();
  }
}
