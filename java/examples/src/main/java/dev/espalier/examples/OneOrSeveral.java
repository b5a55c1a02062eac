// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.Head;
import dev.espalier.Initializer;
import dev.espalier.LayerOptions;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/**
 * Section 4: four questions about a scene, asked of one shared network or of four separate ones.
 */
final class OneOrSeveral {
  static final int[] SIZES = {1000};
  static final int SEEDS = 5;
  static final int TEST_SCENES = 2000;

  /** Of the first convolution, at width 1. */
  static final int CHANNELS = 16;

  /** With one rate for all, ways differ by how many of their seeds have begun to learn. */
  static final TuningRule RULE = new TuningRule(500, 32, 5, 3e-3, 5e-3);

  private static final int VALIDATION_SCENES = 500;
  private static final double HIDDEN = 0.6;
  private static final int TIMED_CALLS = 500;

  /** Scores over the seeds and costs of a way. */
  record Score(
      Spread macroAuc, Spread hamming, long parameters, long steps, double predictMicros) {}

  /** What one seed of a way gave. */
  private record Run(
      double macroAuc, double hamming, long parameters, long steps, double predictMicros) {}

  /** What becomes of hidden answers. */
  private enum Missing {
    UNLABELLED,
    NO,
    NOT_HIDDEN
  }

  private record Way(String key, int width, Missing missing, boolean isSeparate) {}

  private final Dataset garments;
  private final Dataset validation;
  private final Dataset test;
  private final List<Way> ways = new ArrayList<>();

  OneOrSeveral(FashionMnist data, boolean isFull) {
    garments =
        Datasets.range(
            data.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    validation =
        Scenes.of(
            Datasets.range(data.training(), FashionMnist.POOL_END, data.training().size()),
            VALIDATION_SCENES,
            1000);
    test = Scenes.of(data.test(), TEST_SCENES, 2000);
    ways.add(new Way("shared_width1", 1, Missing.UNLABELLED, false));
    ways.add(new Way("shared_width2", 2, Missing.UNLABELLED, false));
    if (isFull) {
      ways.add(new Way("shared_width4", 4, Missing.UNLABELLED, false));
    }
    ways.add(new Way("separate", 1, Missing.UNLABELLED, true));
    ways.add(new Way("shared_missing_as_no", 1, Missing.NO, false));
    ways.add(new Way("shared_fully_labelled", 1, Missing.NOT_HIDDEN, false));
  }

  Map<String, Map<String, Score>> run() {
    long networks =
        ways.stream().mapToLong(w -> w.isSeparate() ? Scenes.QUESTIONS.length : 1).sum();
    Map<String, Map<String, Score>> scores = new LinkedHashMap<>();
    try (Progress progress =
        new Progress(
            "4 one or several",
            SIZES.length * SEEDS * networks * RULE.stepsFor(Arm.Training.FROM_SCRATCH, 1))) {
      for (int size : SIZES) {
        List<Callable<Run>> jobs = new ArrayList<>();
        for (Way way : ways) {
          for (int seed = 0; seed < SEEDS; seed++) {
            long s = seed;
            jobs.add(
                () ->
                    way.isSeparate()
                        ? separate(way, size, s, progress)
                        : shared(way, size, s, progress));
          }
        }
        List<Run> runs = Parallel.run(jobs);
        Map<String, Score> ofSize = new LinkedHashMap<>();
        for (int w = 0; w < ways.size(); w++) {
          ofSize.put(ways.get(w).key(), summarize(runs.subList(w * SEEDS, (w + 1) * SEEDS)));
        }
        scores.put(Integer.toString(size), ofSize);
      }
    }
    return scores;
  }

  private static Score summarize(List<Run> runs) {
    return new Score(
        Spread.of(runs.stream().map(Run::macroAuc).toList()),
        Spread.of(runs.stream().map(Run::hamming).toList()),
        runs.get(0).parameters(),
        runs.get(0).steps(),
        runs.stream()
            .mapToDouble(Run::predictMicros)
            .sorted()
            .skip(runs.size() / 2)
            .findFirst()
            .orElseThrow());
  }

  /**
   * Convolutions of so many channels, twice and four times as many, each halved, and as many
   * features as the last has. From few scenes, weights that start smaller than usual learn more.
   */
  static NetworkBuilder backbone(int channels) {
    LayerOptions small = LayerOptions.defaults().initializer(Initializer.STANDARD_UNIFORM);
    return Network.builder(Shape.image(1, Scenes.SIDE, Scenes.SIDE))
        .conv2d("conv1", channels, 3, small)
        .relu()
        .maxPool2d(2)
        .conv2d("conv2", 2 * channels, 3, small)
        .relu()
        .maxPool2d(2)
        .conv2d("conv3", 4 * channels, 3, small)
        .relu()
        .maxPool2d(2)
        .dense("features", 4 * channels, small)
        .relu();
  }

  static Network network(int width, long seed, String... questions) {
    return backbone(CHANNELS * width).head(Scenes.TASK, Head.labels(questions)).build(seed);
  }

  private Run shared(Way way, int size, long seed, Progress progress) {
    Dataset scenes = hide(Scenes.of(garments, size, seed), way.missing(), seed);
    Dataset partly = hide(validation, way.missing(), 99);
    try (Network network =
        trained(network(way.width(), seed, Scenes.QUESTIONS), scenes, partly, seed, progress)) {
      Evaluation evaluation = network.evaluate(test);
      return new Run(
          evaluation.task(Scenes.TASK).metric("macro_auc").value(),
          evaluation.task(Scenes.TASK).metric("hamming_loss").value(),
          parameters(network),
          RULE.steps(),
          predictMicros(network));
    }
  }

  /** Four networks, each trained on the scenes in which its own question is answered. */
  private Run separate(Way way, int size, long seed, Progress progress) {
    Dataset scenes = hide(Scenes.of(garments, size, seed), way.missing(), seed);
    Dataset partly = hide(validation, way.missing(), 99);
    double auc = 0;
    double hamming = 0;
    long parameters = 0;
    double micros = 0;
    int count = Scenes.QUESTIONS.length;
    for (int question = 0; question < count; question++) {
      try (Network network =
          trained(
              network(way.width(), seed, Scenes.QUESTIONS[question]),
              answered(scenes, question),
              answered(partly, question),
              seed,
              progress)) {
        Evaluation evaluation = network.evaluate(answered(test, question));
        auc += evaluation.task(Scenes.TASK).metric("macro_auc").value() / count;
        hamming += evaluation.task(Scenes.TASK).metric("hamming_loss").value() / count;
        parameters += parameters(network);
        micros += predictMicros(network);
      }
    }
    return new Run(auc, hamming, parameters, count * RULE.steps(), micros);
  }

  /** Trains a network by the rule, each scene as it is or mirrored; the one given is closed. */
  private static Network trained(
      Network network, Dataset scenes, Dataset partly, long seed, Progress progress) {
    Dataset mirrored = Scenes.mirrored(scenes, seed);
    return RULE.trainByBest(network, Arm.Training.FROM_SCRATCH, mirrored, partly, seed, progress)
        .network();
  }

  private static Dataset hide(Dataset scenes, Missing missing, long seed) {
    return missing == Missing.NOT_HIDDEN
        ? scenes
        : GarmentAttributes.hide(
            scenes, Scenes.TASK, HIDDEN, missing == Missing.NO ? 0 : Float.NaN, seed);
  }

  /** The scenes with an answer to a question, with that answer alone. */
  private static Dataset answered(Dataset scenes, int question) {
    int[] known =
        IntStream.range(0, scenes.size())
            .filter(i -> !Float.isNaN(Datasets.target(scenes, Scenes.TASK, i)[question]))
            .toArray();
    float[][] answers = new float[known.length][];
    for (int i = 0; i < known.length; i++) {
      answers[i] = new float[] {Datasets.target(scenes, Scenes.TASK, known[i])[question]};
    }
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.subset(scenes, known)),
        Scenes.TASK,
        List.of(Scenes.QUESTIONS[question]),
        answers);
  }

  private static long parameters(Network network) {
    return network.layers().stream().mapToLong(LayerSummary::parameterCount).sum();
  }

  /** Median time of a prediction of one scene. */
  private double predictMicros(Network network) {
    float[] scene = Datasets.input(test, 0);
    try (Predictor predictor = network.predictor()) {
      float[] answers = new float[predictor.outputSize()];
      long[] nanos = new long[TIMED_CALLS];
      for (int i = 0; i < TIMED_CALLS; i++) {
        long start = System.nanoTime();
        predictor.predict(scene, answers);
        nanos[i] = System.nanoTime() - start;
      }
      java.util.Arrays.sort(nanos);
      return nanos[TIMED_CALLS / 2] / 1e3;
    }
  }

  /** The share of test answers that are yes. */
  double alwaysNo() {
    double yes = 0;
    for (int i = 0; i < test.size(); i++) {
      for (float answer : Datasets.target(test, Scenes.TASK, i)) {
        yes += answer;
      }
    }
    return yes / test.size() / Scenes.QUESTIONS.length;
  }

  Dataset test() {
    return test;
  }
}
