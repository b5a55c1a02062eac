// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.AsymmetricLoss;
import dev.espalier.Blanks;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.EntropyMaximizationLoss;
import dev.espalier.Evaluation;
import dev.espalier.Head;
import dev.espalier.LabelsHead;
import dev.espalier.Loss;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.Schedule;
import dev.espalier.Target;
import dev.espalier.TaskEvaluation;
import dev.espalier.Trainer;
import dev.espalier.advice.LabelRegime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Function;

/** Losses for what is missing, on pools of labels whose answers are all known. */
final class LabelLosses {
  private static final String TASK = "answers";
  private static final int EXAMPLES = 300;
  private static final double WRITTEN = 0.3;

  private final LabelPool pool;
  private final int seeds;
  private final long firstSeed;

  LabelLosses(LabelPool pool, int seeds, long firstSeed) {
    this.pool = pool;
    this.seeds = seeds;
    this.firstSeed = firstSeed;
  }

  /** A way to train: what is made of the data, head and loss. */
  private record Way(
      Function<Dataset, Dataset> data,
      Function<LabelsHead, LabelsHead> head,
      Function<Dataset, Loss> loss,
      boolean isPriorStart) {
    static Way plain() {
      return new Way(data -> data, head -> head, data -> null, false);
    }

    Way blanksAsNo() {
      return new Way(data -> Blanks.asNo(data, TASK), head, loss, isPriorStart);
    }

    Way smoothing(double smoothing) {
      return new Way(data, before -> before.labelSmoothing(smoothing), loss, isPriorStart);
    }

    Way by(Loss other) {
      return new Way(data, head, any -> other, isPriorStart);
    }
  }

  private record Score(double auc, double hamming) {}

  /** Only yeses are written down, and of those a part. */
  void yesesAlone() {
    Way asNo = Way.plain().blanksAsNo();
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("known yeses alone", Way.plain());
    ways.put("blanks as no", asNo);
    ways.put("blanks as no, smoothing 0.1", asNo.smoothing(0.1));
    ways.put("blanks as no, smoothing 0.3", asNo.smoothing(0.3));
    ways.put("asymmetric loss", asNo.by(AsymmetricLoss.defaults()));
    for (double alpha : new double[] {0.01, 0.1, 0.3, 1}) {
      ways.put("entropy maximization, " + alpha, asNo.by(EntropyMaximizationLoss.of(alpha)));
    }
    compare(
        "yeses alone",
        ways,
        (row, random) -> {
          for (int j = 0; j < row.length; j++) {
            row[j] = row[j] == 1 && random.nextDouble() < WRITTEN ? 1 : Float.NaN;
          }
        });
  }

  /** Examples whose first answer is yes are answered six times as often as others. */
  void askedUnevenly() {
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("masked", Way.plain());
    ways.put(
        "inverse propensity",
        new Way(
            data -> data,
            head -> head,
            data -> LabelRegime.of(data).inversePropensityLoss(),
            false));
    compare(
        "asked unevenly",
        ways,
        (row, random) -> {
          boolean isAsked = random.nextDouble() < (row[0] == 1 ? 0.6 : 0.1);
          for (int j = 0; j < row.length; j++) {
            row[j] = isAsked ? row[j] : Float.NaN;
          }
        });
  }

  /** Half of the answers, and biases that start at 0 or at the shares of yeses. */
  void priorStart() {
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("biases start at 0", Way.plain());
    ways.put("biases start at the priors", new Way(d -> d, h -> h, d -> null, true));
    compare(
        "start of biases",
        ways,
        (row, random) -> {
          for (int j = 0; j < row.length; j++) {
            row[j] = random.nextDouble() < 0.5 ? row[j] : Float.NaN;
          }
        });
  }

  /** Hides answers of a row. */
  private interface Hiding {
    void hide(float[] row, Random random);
  }

  private void compare(String title, Map<String, Way> ways, Hiding hiding) {
    List<Callable<Score>> jobs = new ArrayList<>();
    for (Way way : ways.values()) {
      for (int s = 0; s < seeds; s++) {
        long seed = firstSeed + s;
        jobs.add(() -> score(way, hidden(hiding, seed), seed));
      }
    }
    List<Score> scores = Parallel.run(jobs);
    int at = 0;
    for (String name : ways.keySet()) {
      List<Score> some = scores.subList(at, at + seeds);
      at += seeds;
      System.out.println(
          String.format(
              Locale.ROOT,
              "%-10s  %-15s  %-27s  macro AUC %s, Hamming loss %s",
              pool.name(),
              title,
              name,
              Spread.of(some.stream().map(Score::auc).toList()),
              Spread.of(some.stream().map(Score::hamming).toList())));
    }
  }

  private Dataset hidden(Hiding hiding, long seed) {
    Dataset part = Datasets.range(Datasets.shuffle(pool.pool(), seed), 0, EXAMPLES);
    Target target = part.targets().get(0);
    Random random = new Random(seed);
    float[][] answers = new float[part.size()][];
    for (int i = 0; i < answers.length; i++) {
      answers[i] = Datasets.target(part, target.task(), i);
      hiding.hide(answers[i], random);
    }
    Dataset inputs = Datasets.cache(Datasets.withoutTargets(part));
    return Datasets.withTargets(inputs, TASK, target.names(), answers);
  }

  private Score score(Way way, Dataset hidden, long seed) {
    String[] names = hidden.targets().get(0).names().toArray(String[]::new);
    try (Network network =
        Network.builder(hidden.inputShape())
            .head(TASK, way.head().apply(Head.labels(names)))
            .build(seed)) {
      if (way.isPriorStart()) {
        network.initializeBias(TASK, hidden);
      }
      Trainer trainer =
          Trainer.of(network)
              .optimizer(AdamW.withLearningRate(1e-2).weightDecay(1))
              .schedule(Schedule.cosine())
              .batchSize(32)
              .steps(200)
              .seed(seed);
      Loss loss = way.loss().apply(hidden);
      if (loss != null) {
        trainer.loss(TASK, loss);
      }
      trainer.fit(way.data().apply(hidden));
      Evaluation evaluation = network.evaluate(Datasets.forTask(pool.test(), TASK));
      TaskEvaluation task = evaluation.task(TASK);
      return new Score(
          task.metric(Metric.MACRO_AUC).value(), task.metric(Metric.HAMMING_LOSS).value());
    }
  }
}
