// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.FeatureCache;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Split;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Judges layers of a backbone by simple models on their features. */
final class LayerProbes {
  /** Examples of a fold to learn from: more cost the cube. */
  private static final int MOST_EXAMPLES = 300;

  private static final int MOST_JUDGED = 1000;
  private static final int MOST_LAYERS = 12;
  private static final int MOST_QUESTIONS = 20;

  private final List<Question> questions;
  private final List<Split> folds;
  private final PairedBootstrap bootstrap;
  private final double level;

  LayerProbes(List<Question> questions, List<Split> given, long seed, double level) {
    this.questions = mostKnown(questions, given.get(0).first());
    this.folds =
        given.stream()
            .map(
                fold ->
                    Split.of(
                        some(fold.first(), MOST_EXAMPLES, seed),
                        some(fold.second(), MOST_JUDGED, seed)))
            .toList();
    this.level = level;
    int[] sizes = folds.stream().mapToInt(fold -> fold.second().size()).toArray();
    bootstrap = new PairedBootstrap(sizes, seed);
  }

  /** In random order, as data may be sorted. */
  private static Dataset some(Dataset data, int most, long seed) {
    return Datasets.range(Datasets.shuffle(data, seed), 0, Math.min(most, data.size()));
  }

  /** Many labels with blanks would take long: those with the most answers stand for all. */
  private static List<Question> mostKnown(List<Question> questions, Dataset data) {
    if (questions.size() <= MOST_QUESTIONS) {
      return questions;
    }
    float[][] answers = Question.answers(questions, data);
    long[] known = new long[questions.size()];
    for (float[] row : answers) {
      for (int q = 0; q < known.length; q++) {
        known[q] += Float.isNaN(row[q]) ? 0 : 1;
      }
    }
    return IntStream.range(0, known.length)
        .boxed()
        .sorted(Comparator.comparingLong(q -> -known[q]))
        .limit(MOST_QUESTIONS)
        .sorted()
        .map(questions::get)
        .toList();
  }

  /**
   * Returns layers to judge: of each stretch up to the next layer with parameters the last one; the
   * last of all among them, evenly chosen where there are many.
   */
  static List<String> layers(Network backbone) {
    List<String> ends = new ArrayList<>();
    List<LayerSummary> layers =
        backbone.layers().stream()
            .filter(layer -> layer.head().isEmpty() && !layer.kind().equals("constant"))
            .toList();
    for (int i = 0; i < layers.size(); i++) {
      boolean isEnd = i + 1 == layers.size() || layers.get(i + 1).parameterCount() > 0;
      if (isEnd) {
        ends.add(layers.get(i).name());
      }
    }
    int count = Math.min(MOST_LAYERS, ends.size());
    return IntStream.rangeClosed(1, count)
        .mapToObj(k -> ends.get((int) ((long) ends.size() * k / count) - 1))
        .toList();
  }

  /** Judges what a layer computes. */
  LayerProbe.Scores ofLayer(Network network, String layer, FeatureCache cache) {
    return scores(data -> cache.features(network, layer, data));
  }

  /** Judges the raw input. */
  LayerProbe.Scores ofInput() {
    return scores(data -> data);
  }

  private interface Representation {
    Dataset of(Dataset data);
  }

  private LayerProbe.Scores scores(Representation representation) {
    List<Judged> ridge = new ArrayList<>();
    List<Judged> neighbors = new ArrayList<>();
    for (Split fold : folds) {
      GramMatrix gram =
          GramMatrix.of(representation.of(fold.first()), representation.of(fold.second()));
      ridge.add(judged(fold, gram, RidgeProbe::predict));
      neighbors.add(judged(fold, gram, NeighborProbe::predict));
    }
    Interval[] both =
        bootstrap.intervals(
            draw ->
                new double[] {
                  Judged.mean(Judged.values(ridge, draw)),
                  Judged.mean(Judged.values(neighbors, draw))
                },
            2,
            level);
    return new LayerProbe.Scores(both[0], both[1]);
  }

  private interface Model {
    double[][] predict(GramMatrix gram, int[] known, double[][] answers);
  }

  private Judged judged(Split fold, GramMatrix gram, Model model) {
    float[][] answers = Question.answers(questions, fold.first());
    Question last = questions.get(questions.size() - 1);
    float[][] outputs = new float[gram.judged()][last.output() + last.width()];
    for (int q = 0; q < questions.size(); q++) {
      Question question = questions.get(q);
      int column = q;
      int[] known =
          IntStream.range(0, gram.learning())
              .filter(i -> !Float.isNaN(answers[i][column]))
              .toArray();
      double[][] targets = new double[known.length][question.width()];
      for (int k = 0; k < known.length; k++) {
        float answer = answers[known[k]][q];
        boolean isOfClasses = question.task().kind() == Task.Kind.CLASSES;
        targets[k][isOfClasses ? (int) answer : 0] = isOfClasses ? 1 : answer;
      }
      double[][] predictions =
          known.length == 0
              ? new double[outputs.length][question.width()]
              : model.predict(gram, known, targets);
      for (int i = 0; i < outputs.length; i++) {
        for (int c = 0; c < question.width(); c++) {
          outputs[i][question.output() + c] = (float) predictions[i][c];
        }
      }
    }
    return new Judged(questions, outputs, Question.answers(questions, fold.second()));
  }

  /** The earliest layer whose ridge regression is within one standard error of the best one's. */
  static Optional<String> cut(List<LayerProbe> probes) {
    Optional<LayerProbe> best =
        probes.stream().max(Comparator.comparingDouble(probe -> probe.ridge().estimate()));
    if (best.isEmpty()) {
      return Optional.empty();
    }
    Interval interval = best.get().ridge();
    double least = interval.estimate() - standardError(interval);
    return probes.stream()
        .filter(probe -> probe.ridge().estimate() >= least)
        .map(LayerProbe::layer)
        .findFirst();
  }

  /** That of a normal distribution with such an interval of 95 %. */
  private static double standardError(Interval interval) {
    return Double.isNaN(interval.low()) ? 0 : (interval.high() - interval.low()) / (2 * 1.96);
  }
}
