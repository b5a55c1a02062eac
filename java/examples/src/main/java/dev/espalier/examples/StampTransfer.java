// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.FeatureCache;
import dev.espalier.Head;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Questions about photographs from few of them, most of whose answers are hidden. */
final class StampTransfer implements AutoCloseable {
  /** What is chosen by, and judged. */
  private static final String METRIC = "macro_auc";

  static final int[] SIZES = {20, 60, 200};
  static final int SEEDS = 5;
  static final double HIDDEN = 0.6;
  static final Shape PICTURE = Shape.image(3, 96, 96);
  static final TuningRule RULE = new TuningRule(60, 32, 4, 3e-3, 1e-2).choosingBy(METRIC);

  static final int SHOWN = 15;

  private static final int MOST = SIZES[SIZES.length - 1];
  private static final long VALIDATION_SEED = 99;
  private static final long RANDOM_WEIGHTS_SEED = 5;
  private static final int[] CHANNELS_FROM_SCRATCH = {16, 32, 64, 128};

  /** Hamming loss and macro AUC over the seeds. */
  record Score(Spread hamming, Spread macroAuc) {
    static Score of(List<Run> runs) {
      return new Score(over(runs, "hamming_loss"), over(runs, METRIC));
    }

    private static Spread over(List<Run> runs, String metric) {
      return Spread.of(runs.stream().map(run -> run.metric(metric)).toList());
    }
  }

  /** A layer where the trunk may end, and how its features do on validation data. */
  record Cut(String layer, int channels, Spread cost, Spread macroAuc) {}

  /** One training: on test pictures, and its answers to the first of them. */
  private record Run(Evaluation evaluation, double cost, float[][] said) {
    double metric(String name) {
      return evaluation.task(Stamps.TASK).metric(name).value();
    }
  }

  /** One way to answer: an arm, and what it reads. */
  private record Way(Arm arm, Dataset inputs) {}

  private final Stamps stamps;
  private final Path model;
  private final FeatureCache cache = FeatureCache.create();
  private final Map<String, float[][]> firstAnswers = new HashMap<>();
  private Detector detector; // null: not cut yet
  private List<Way> ways = List.of();

  StampTransfer(Stamps stamps, Path model) {
    this.stamps = stamps;
    this.model = model;
  }

  /** What a trunk makes of each picture: computed once, for all arms, sizes and seeds. */
  private Dataset features(Detector trunk) {
    try (Network network = trunk.withHead(Stamps.TASK, Stamps.labels(), 0)) {
      return cache.features(network, Detector.features(Stamps.TASK), stamps.pictures());
    }
  }

  /**
   * Judges each layer where the trunk may end on validation pictures, with the most to learn from.
   */
  List<Cut> cuts() {
    List<Cut> cuts = new ArrayList<>();
    List<Way> trunks = new ArrayList<>();
    for (String layer : Detector.CUTS) {
      try (Detector one = Detector.upTo(layer, model, PICTURE)) {
        trunks.add(frozen("frozen", features(one)));
      }
    }
    List<List<Run>> runs = run("where to cut", trunks, MOST, stamps::validation);
    for (int i = 0; i < trunks.size(); i++) {
      cuts.add(
          new Cut(
              Detector.CUTS[i],
              trunks.get(i).inputs().inputShape().size(),
              Spread.of(runs.get(i).stream().map(Run::cost).toList()),
              Score.over(runs.get(i), METRIC)));
    }
    return cuts;
  }

  /** The one whose features have the highest validation AUC. */
  static Cut best(List<Cut> cuts) {
    return cuts.stream()
        .max(Comparator.comparingDouble(cut -> cut.macroAuc().mean()))
        .orElseThrow();
  }

  /** Cuts the trunk there, from now on; its features and those of random weights are computed. */
  void cutAt(Cut cut) {
    detector = Detector.upTo(cut.layer(), model, PICTURE);
    Dataset features = features(detector);
    try (Detector random = detector.randomized(RANDOM_WEIGHTS_SEED)) {
      ways =
          List.of(
              new Way(
                  new Arm(
                      "scratch",
                      false,
                      Arm.Training.FROM_SCRATCH,
                      seed -> fromScratch(Stamps.TASK, seed)),
                  stamps.pictures()),
              frozen("random_trunk", features(random)),
              frozen("frozen", features),
              new Way(
                  new Arm("fine_tuned", false, Arm.Training.HEAD_FIRST, this::withTrunk),
                  stamps.pictures()),
              new Way(missingAsNo(features), features));
    }
  }

  /** All ways with so many pictures: scores by arm. */
  Map<String, Score> run(int size) {
    List<List<Run>> runs = run(size + " pictures", ways, size, stamps::test);
    Map<String, Score> scores = new LinkedHashMap<>();
    for (int w = 0; w < ways.size(); w++) {
      String arm = ways.get(w).arm().key();
      scores.put(arm, Score.of(runs.get(w)));
      firstAnswers.put(arm + size, runs.get(w).get(0).said());
    }
    return scores;
  }

  /** What the first seed of a way says of the first test pictures: probabilities of all labels. */
  float[][] firstAnswers(String arm, int size) {
    return firstAnswers.get(arm + size);
  }

  private List<List<Run>> run(
      String title, List<Way> ways, int size, Function<Dataset, Dataset> judged) {
    Map<Comparison.Case, Dataset> cases = new LinkedHashMap<>();
    for (Way way : ways) {
      Arm arm = way.arm();
      Dataset pool = stamps.pool(way.inputs());
      Dataset validation = hide(stamps.validation(way.inputs()), VALIDATION_SEED);
      cases.put(
          new Comparison.Case(
              arm,
              seed -> missing(arm, Datasets.fewShot(hide(pool, seed), size, seed)),
              missing(arm, validation)),
          judged.apply(way.inputs()));
    }
    List<Comparison.Case> all = List.copyOf(cases.keySet());
    try (Progress progress = new Progress(title, Comparison.steps(all, RULE, SEEDS))) {
      return Comparison.runCases(
          all, RULE, SEEDS, progress, (one, trained) -> judge(trained, cases.get(one)));
    }
  }

  private static Dataset hide(Dataset labelled, long seed) {
    return GarmentAttributes.hide(labelled, Stamps.TASK, HIDDEN, Float.NaN, seed);
  }

  /** What an arm makes of missing answers, the same pictures being chosen for each. */
  private static Dataset missing(Arm arm, Dataset hidden) {
    if (!arm.countsMissingAsNo()) {
      return hidden;
    }
    float[][] answers = new float[hidden.size()][];
    for (int i = 0; i < answers.length; i++) {
      answers[i] = Datasets.target(hidden, Stamps.TASK, i);
      for (int j = 0; j < answers[i].length; j++) {
        answers[i][j] = Float.isNaN(answers[i][j]) ? 0 : answers[i][j];
      }
    }
    return Datasets.withTargets(hidden, Stamps.TASK, List.of(Stamps.labels()), answers);
  }

  private static Run judge(TuningRule.Trained trained, Dataset data) {
    try (Network network = trained.network();
        Predictor predictor = network.predictor()) {
      float[][] said = new float[Math.min(SHOWN, data.size())][];
      for (int i = 0; i < said.length; i++) {
        said[i] = predictor.predict(Datasets.input(data, i));
      }
      return new Run(network.evaluate(data), trained.cost(), said);
    }
  }

  private static Way frozen(String key, Dataset features) {
    return new Way(
        new Arm(key, false, Arm.Training.FROM_SCRATCH, seed -> onFeatures(features, seed)),
        features);
  }

  private static Arm missingAsNo(Dataset features) {
    return new Arm(
        "missing_as_no", true, Arm.Training.FROM_SCRATCH, seed -> onFeatures(features, seed));
  }

  private static Network onFeatures(Dataset features, long seed) {
    Head head = Head.layers(Detector::onMeans).labels(Stamps.labels());
    return Network.builder(features.inputShape()).head(Stamps.TASK, head).build(seed);
  }

  private Network withTrunk(long seed) {
    return detector.withHead(Stamps.TASK, Stamps.labels(), seed);
  }

  /** Four convolutions, each halved and normalized, and the means of their channels. */
  static Network fromScratch(String task, long seed) {
    NetworkBuilder network = Network.builder(PICTURE);
    for (int channels : CHANNELS_FROM_SCRATCH) {
      network.conv2d("", channels, 3, LayerOptions.defaults().stride(2).same()).batchNorm().relu();
    }
    return network.globalAveragePool2d().head(task, Head.labels(Stamps.labels())).build(seed);
  }

  @Override
  public void close() {
    cache.close();
    if (detector != null) {
      detector.close();
    }
  }
}
