// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.Schedule;
import dev.espalier.Target;
import dev.espalier.Trainer;
import dev.espalier.advice.AdviceOptions;
import dev.espalier.advice.LabelAdvice;
import dev.espalier.advice.OpenAnswer;
import dev.espalier.advice.SuspectAnswer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What {@link LabelAdvice} gains, played on data whose answers are all known: the area under the
 * learning curve against asking at random, and how many of 5 % wrong answers are found.
 */
@Command(name = "label-study", mixinStandardHelpOptions = true)
final class LabelStudy implements Callable<Integer> {
  private static final int FIRST_EXAMPLES = 20;
  private static final int BATCH = 20;
  private static final int BATCHES = 9;
  private static final double WRONG = 0.05;

  @Option(names = "--garments", required = true, description = "folder of Fashion-MNIST's files")
  private Path garments;

  @Option(names = "--emotions", description = "folder of Mulan's emotions: train.csv, test.csv")
  private Path emotions;

  @Option(names = "--seeds", defaultValue = "5", description = "how often (default 5)")
  private int seeds;

  @Option(
      names = "--parts",
      split = ",",
      defaultValue = "play,wrong,losses",
      description = "what to do: play, wrong, losses (default all)")
  private List<String> parts;

  @Option(names = "--first-seed", defaultValue = "100", description = "default 100")
  private int firstSeed;

  /** How one list of suspects did. */
  private record Found(double inFirstTenth, double contradicted, double right) {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new LabelStudy()).execute(arguments));
  }

  @Override
  public Integer call() {
    FashionMnist data = FashionMnist.load(garments);
    List<LabelPool> pools = new ArrayList<>();
    try (Network backbone = LabelPool.backbone(data)) {
      pools.add(LabelPool.attributes(data, backbone));
      pools.add(LabelPool.kinds(data, backbone));
    }
    pools.add(LabelPool.scenes(data));
    if (emotions != null) {
      pools.add(LabelPool.emotions(emotions));
    }
    if (parts.contains("play")) {
      pools.forEach(this::play);
    }
    if (parts.contains("wrong")) {
      pools.forEach(this::findWrong);
    }
    if (parts.contains("losses")) {
      pools.forEach(this::compareLosses);
    }
    return 0;
  }

  private static boolean hasClasses(LabelPool pool) {
    return pool.pool().targets().get(0).isClasses();
  }

  private void play(LabelPool pool) {
    compare(pool, true);
    if (!hasClasses(pool)) {
      compare(pool, false);
    }
  }

  private void findWrong(LabelPool pool) {
    List<Callable<Found>> jobs = new ArrayList<>();
    for (int s = 0; s < seeds; s++) {
      long seed = firstSeed + s;
      jobs.add(() -> find(pool, seed));
    }
    List<Found> found = Parallel.run(jobs);
    print(
        "%-10s  wrong answers in the first tenth: %s of all; contradicted: %s, wrong of those: %s",
        pool.name(),
        Spread.of(found.stream().map(Found::inFirstTenth).toList()),
        Spread.of(found.stream().map(Found::contradicted).toList()),
        Spread.of(found.stream().map(Found::right).toList()));
  }

  private void compareLosses(LabelPool pool) {
    if (!hasClasses(pool)) {
      LabelLosses losses = new LabelLosses(pool, seeds, firstSeed);
      losses.yesesAlone();
      losses.askedUnevenly();
      losses.priorStart();
    }
  }

  private void compare(LabelPool pool, boolean areExamples) {
    List<Callable<Double>> jobs = new ArrayList<>();
    for (int s = 0; s < seeds; s++) {
      long seed = firstSeed + s;
      jobs.add(() -> play(pool, areExamples, false, seed));
      jobs.add(() -> play(pool, areExamples, true, seed));
    }
    List<Double> areas = Parallel.run(jobs);
    List<Double> random = new ArrayList<>();
    List<Double> advised = new ArrayList<>();
    List<Double> gains = new ArrayList<>();
    for (int k = 0; k < areas.size(); k += 2) {
      random.add(areas.get(k));
      advised.add(areas.get(k + 1));
      gains.add(areas.get(k + 1) - areas.get(k));
    }
    Spread gain = Spread.of(gains);
    print(
        "%-10s  asked by %-8s  area at random %s, advised %s, gain %+.4f ± %.4f (standard error),"
            + " above 0 in %d of %d",
        pool.name(),
        areExamples ? "example" : "answer",
        Spread.of(random),
        Spread.of(advised),
        gain.mean(),
        gain.standardDeviation() / Math.sqrt(seeds),
        gains.stream().filter(g -> g > 0).count(),
        seeds);
  }

  /** The mean score after each batch of answers. */
  private static double play(LabelPool pool, boolean areExamples, boolean isAdvised, long seed) {
    PlayedAnswers played = new PlayedAnswers(pool.pool());
    Random random = new Random(seed);
    played.shuffledBlanks(true, random).stream()
        .limit(FIRST_EXAMPLES)
        .forEach(blank -> played.answer(blank, true));
    int count = areExamples ? BATCH : BATCH * played.questions();
    double sum = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
      if (isAdvised) {
        LabelAdvice advice =
            LabelAdvice.of(played.dataset(), AdviceOptions.defaults().folds(2).seed(seed));
        List<OpenAnswer> next =
            areExamples ? advice.nextExamples(count) : advice.nextAnswers(count);
        next.forEach(question -> played.answer(question.example(), question.label()));
      } else {
        played.shuffledBlanks(areExamples, random).stream()
            .limit(count)
            .forEach(blank -> played.answer(blank, areExamples));
      }
      sum += score(pool, played.labelled(), seed);
    }
    return sum / BATCHES;
  }

  private static Found find(LabelPool pool, long seed) {
    PlayedAnswers played = new PlayedAnswers(pool.pool());
    boolean[][] isWrong = played.answerWithMistakes(WRONG, new Random(seed));
    List<SuspectAnswer> suspects =
        LabelAdvice.of(played.dataset(), AdviceOptions.defaults().seed(seed)).suspects();
    int tenth = suspects.size() / 10;
    int all = 0;
    int found = 0;
    int contradicted = 0;
    int right = 0;
    for (int k = 0; k < suspects.size(); k++) {
      SuspectAnswer suspect = suspects.get(k);
      boolean wrong = isWrong[suspect.example()][played.indexOf(suspect.label())];
      all += wrong ? 1 : 0;
      found += wrong && k < tenth ? 1 : 0;
      contradicted += suspect.isContradicted() ? 1 : 0;
      right += suspect.isContradicted() && wrong ? 1 : 0;
    }
    return new Found(
        (double) found / all,
        (double) contradicted / suspects.size(),
        (double) right / Math.max(1, contradicted));
  }

  /** Macro AUC, or of classes accuracy, of a linear head on what is answered. */
  private static double score(LabelPool pool, Dataset labelled, long seed) {
    Target target = pool.pool().targets().get(0);
    String[] names = target.names().toArray(String[]::new);
    Head head = target.isClasses() ? Head.classes(names) : Head.labels(names);
    try (Network network =
        Network.builder(labelled.inputShape()).head("answers", head).build(seed)) {
      Dataset training = Datasets.forTask(labelled, "answers");
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(1e-2).weightDecay(3))
          .schedule(Schedule.cosine())
          .batchSize(64)
          .steps(200)
          .seed(seed)
          .fit(training);
      return network
          .evaluate(Datasets.forTask(pool.test(), "answers"))
          .task("answers")
          .metric(target.isClasses() ? Metric.ACCURACY : Metric.MACRO_AUC)
          .value();
    }
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
