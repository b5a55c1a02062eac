// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.FeatureCache;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.ParameterSummary;
import dev.espalier.Schedule;
import dev.espalier.Trainer;
import dev.espalier.text.TextDataset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongFunction;

/** Tags of packages from few tagged descriptions: words, features of MiniLM, all of MiniLM. */
final class TagTransfer implements AutoCloseable {
  static final int[] SIZES = {100, 1000, 10_000};
  static final int SEEDS = 5;

  /** Of everything but fine-tuning. */
  static final TuningRule HEADS = new TuningRule(1000, 32, 10, 1e-3, 3e-3, 1e-2);

  /** Steps of all layers, once the head is trained, and the rates that they may have. */
  private static final long TUNING_STEPS = 150;

  private static final double[] TUNING_RATES = {1e-4, 5e-4};

  private static final int TEST = 2000;
  private static final int VALIDATION = 1000;
  private static final int POOL = 12_000;
  private static final int LEAST_TEXTS_OF_A_WORD = 5;
  private static final long SPLIT_SEED = 7;

  /** Mean AUC and average precision of the tags, over the seeds. */
  record Score(Spread macroAuc, Spread meanPrecision) {
    static Score of(List<Evaluation> evaluations) {
      return new Score(over(evaluations, "macro_auc"), over(evaluations, "mean_average_precision"));
    }

    private static Spread over(List<Evaluation> evaluations, String metric) {
      return Spread.of(
          evaluations.stream().map(e -> e.task(Debtags.TASK).metric(metric).value()).toList());
    }
  }

  /** One training: test packages, validation cost, and the head that fine-tuning starts from. */
  private record Run(Evaluation test, double cost, Map<String, float[]> head) {}

  private final Debtags tags;
  private final MiniLm miniLm;
  private final List<DebianPackages.Tagged> packages; // test, validation, pool
  private final FeatureCache cache = FeatureCache.create();
  private final BagOfWords words;
  private final Dataset bags;
  private final Dataset texts;
  private final Dataset features;
  private final double featureSeconds;

  TagTransfer(List<DebianPackages.Tagged> all, Debtags tags, MiniLm miniLm) {
    this.tags = tags;
    this.miniLm = miniLm;
    packages = chosen(all);
    List<String> descriptions = packages.stream().map(DebianPackages.Tagged::description).toList();
    words =
        new BagOfWords(
            descriptions.subList(TEST + VALIDATION, packages.size()), LEAST_TEXTS_OF_A_WORD);
    bags = words.dataset(descriptions);
    long start = System.nanoTime();
    texts = TextDataset.of(miniLm.inputs(), descriptions);
    try (Network network = fullNetwork(0)) {
      features = cache.features(network, "heads." + Debtags.TASK + ".mean", texts);
    }
    featureSeconds = (System.nanoTime() - start) / 1e9;
  }

  /** Packages of one source lie all on one side: they are much alike. */
  private static List<DebianPackages.Tagged> chosen(List<DebianPackages.Tagged> all) {
    List<String> sources =
        DrawByName.order(all.stream().map(DebianPackages.Tagged::source).toList(), SPLIT_SEED);
    Map<String, List<DebianPackages.Tagged>> bySource = new HashMap<>();
    all.forEach(one -> bySource.computeIfAbsent(one.source(), s -> new ArrayList<>()).add(one));
    List<DebianPackages.Tagged> packages = new ArrayList<>();
    int next = 0;
    for (int end : new int[] {TEST, TEST + VALIDATION, TEST + VALIDATION + POOL}) {
      while (packages.size() < end && next < sources.size()) {
        packages.addAll(bySource.get(sources.get(next++)));
      }
      packages = new ArrayList<>(packages.subList(0, Math.min(end, packages.size())));
    }
    if (packages.size() < TEST + VALIDATION + SIZES[SIZES.length - 1]) {
      throw new IllegalStateException(
          "expected "
              + (TEST + VALIDATION + SIZES[SIZES.length - 1])
              + " packages with tags, got "
              + packages.size());
    }
    return packages;
  }

  private Head head() {
    return Head.layers(h -> h.layerNorm()).labels(tags.labels());
  }

  private Network fullNetwork(long seed) {
    Head head = Head.layers(h -> MiniLm.mean(h).layerNorm()).labels(tags.labels());
    return miniLm.withHead(Debtags.TASK, head, seed);
  }

  private Network onFeatures(long seed) {
    return Network.builder(features.inputShape()).head(Debtags.TASK, head()).build(seed);
  }

  private Network onWords(long seed) {
    return Network.builder(bags.inputShape())
        .dense("words", features.inputShape().size())
        .relu()
        .head(Debtags.TASK, head())
        .build(seed);
  }

  private Dataset labelled(Dataset inputs, float blank) {
    return Datasets.withTargets(inputs, Debtags.TASK, tags.names(), tags.answers(packages, blank));
  }

  private Dataset test(Dataset inputs) {
    return Datasets.range(labelled(inputs, Float.NaN), 0, TEST);
  }

  private Dataset validation(Dataset inputs, float blank) {
    return Datasets.range(labelled(inputs, blank), TEST, TEST + VALIDATION);
  }

  /** So many packages of the pool, the same for every arm. */
  private LongFunction<Dataset> training(Dataset inputs, int size, float blank) {
    Dataset all = labelled(inputs, blank);
    return seed -> Datasets.subset(all, drawn(size, seed));
  }

  private int[] drawn(int size, long seed) {
    Map<String, Integer> places = new LinkedHashMap<>();
    for (int i = TEST + VALIDATION; i < packages.size(); i++) {
      places.put(packages.get(i).name(), i);
    }
    return DrawByName.order(List.copyOf(places.keySet()), seed).stream()
        .limit(size)
        .mapToInt(places::get)
        .toArray();
  }

  /** One way to tag: an arm and what it reads. */
  private record Way(Arm arm, Dataset inputs) {}

  /** Scores by arm. */
  Map<String, Score> run(int size) {
    List<Way> ways =
        List.of(
            new Way(new Arm("bag_of_words", false, Arm.Training.FROM_SCRATCH, this::onWords), bags),
            new Way(
                new Arm("frozen", false, Arm.Training.FROM_SCRATCH, this::onFeatures), features),
            new Way(
                new Arm("missing_as_no", true, Arm.Training.FROM_SCRATCH, this::onFeatures),
                features));
    List<Comparison.Case> cases = new ArrayList<>();
    for (Way way : ways) {
      float blank = way.arm().countsMissingAsNo() ? 0 : Float.NaN;
      cases.add(
          new Comparison.Case(
              way.arm(), training(way.inputs(), size, blank), validation(way.inputs(), blank)));
    }
    List<List<Run>> runs = new ArrayList<>();
    try (Progress progress =
        new Progress(size + " packages", Comparison.steps(cases, HEADS, SEEDS))) {
      runs.addAll(Comparison.run(cases, HEADS, SEEDS, progress, this::judged));
    }
    Map<String, Score> scores = new LinkedHashMap<>();
    for (int w = 0; w < ways.size(); w++) {
      scores.put(ways.get(w).arm().key(), score(runs.get(w)));
    }
    scores.put("fine_tuned", score(fineTuned(size, runs.get(1))));
    return scores;
  }

  private static Score score(List<Run> runs) {
    return Score.of(runs.stream().map(Run::test).toList());
  }

  private Run judged(TuningRule.Trained trained) {
    try (Network network = trained.network()) {
      Dataset inputs = network.inputShape().equals(bags.inputShape()) ? bags : features;
      return judged(network, inputs);
    }
  }

  private Run judged(Network network, Dataset inputs) {
    Map<String, float[]> head = new LinkedHashMap<>();
    for (ParameterSummary parameter : network.parameters()) {
      if (parameter.path().startsWith("heads.")) {
        head.put(parameter.path(), network.parameter(parameter.path()));
      }
    }
    return new Run(
        network.evaluate(test(inputs)),
        network.evaluate(validation(inputs, Float.NaN)).loss(),
        head);
  }

  /** Chooses a rate as the rule does: by validation cost, on the first seed. */
  private List<Run> fineTuned(int size, List<Run> frozen) {
    long runs = TUNING_RATES.length + SEEDS - 1;
    try (Progress progress = new Progress(size + " fine-tuned", runs * TUNING_STEPS)) {
      List<Callable<Run>> first = new ArrayList<>();
      for (double rate : TUNING_RATES) {
        first.add(() -> fineTuned(size, frozen.get(0), 0, rate, progress));
      }
      List<Run> byRate = Parallel.run(first);
      int best = 0;
      for (int i = 1; i < byRate.size(); i++) {
        best = byRate.get(i).cost() < byRate.get(best).cost() ? i : best;
      }
      double rate = TUNING_RATES[best];
      List<Callable<Run>> others = new ArrayList<>();
      for (int seed = 1; seed < SEEDS; seed++) {
        int s = seed;
        others.add(() -> fineTuned(size, frozen.get(s), s, rate, progress));
      }
      List<Run> tuned = new ArrayList<>(List.of(byRate.get(best)));
      tuned.addAll(Parallel.run(others));
      return tuned;
    }
  }

  /**
   * Puts a head that was trained on features onto MiniLM and trains all of it; where that does not
   * lower the validation cost, the frozen one is the answer.
   */
  private Run fineTuned(int size, Run frozen, long seed, double rate, Progress progress) {
    try (Network network = fullNetwork(seed)) {
      frozen.head().forEach(network::setParameter);
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(rate))
          .schedule(Schedule.oneCycle())
          .batchSize(HEADS.batchSize())
          .groupByLength("lengths")
          .steps(TUNING_STEPS)
          .seed(seed)
          .listener(progress)
          .fit(training(texts, size, Float.NaN).apply(seed));
      Run tuned = judged(network, texts);
      return tuned.cost() < frozen.cost() ? tuned : frozen;
    }
  }

  /** How it was done, for people. */
  String method() {
    return String.format(
        Locale.ROOT,
        "%,d packages are held out to be judged and %,d to choose by; %,d are there to draw from."
            + " Heads and words are trained for %,d steps of %d packages, at one of %d rates: that"
            + " of the lowest cost on the packages to choose by, with the first of %d seeds. Words"
            + " are the %,d that %d packages to draw from have; a dense layer makes %d features of"
            + " them. Fine-tuning puts the trained head of the frozen network onto MiniLM and"
            + " trains all layers for %d more steps at one of %d rates, chosen in the same way;"
            + " where that does not lower the cost on the packages to choose by, the frozen one"
            + " stays. It has few steps, for one step of MiniLM takes as long as hundreds of a"
            + " head. Features are read from one cache by all heads.",
        TEST,
        VALIDATION,
        packages.size() - TEST - VALIDATION,
        HEADS.steps(),
        HEADS.batchSize(),
        HEADS.learningRates().length,
        SEEDS,
        words.size(),
        LEAST_TEXTS_OF_A_WORD,
        features.inputShape().size(),
        TUNING_STEPS,
        TUNING_RATES.length);
  }

  /** Packages that were read, and how long all features of them took. */
  int packages() {
    return packages.size();
  }

  double featureSeconds() {
    return featureSeconds;
  }

  int words() {
    return words.size();
  }

  @Override
  public void close() {
    cache.close();
  }
}
