// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.Head;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Target;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongFunction;

/**
 * Several tasks of one network, each a head.
 *
 * @param network a new one, from a seed
 * @param training what to learn from, by seed: others of the pool, and other answers hidden
 * @param metrics of each task, whose mean on the test data is the score
 */
record BalanceProblem(
    String name,
    LongFunction<Network> network,
    LongFunction<Dataset> training,
    Dataset test,
    Map<String, String> metrics,
    long steps) {
  private static final int TEST = 2000;
  private static final String[] MEASURES = {"ink", "row", "column"};
  private static final float[] UNKNOWN = {Float.NaN, Float.NaN, Float.NaN};

  /** Four questions about scenes, 60 % of the answers hidden: the quick start's network. */
  static BalanceProblem scenes(FashionMnist data) {
    Dataset garments =
        Datasets.range(
            data.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    return new BalanceProblem(
        "scenes",
        seed -> heads(OneOrSeveral.backbone(OneOrSeveral.CHANNELS), Scenes.QUESTIONS).build(seed),
        seed -> Scenes.mirrored(split(Scenes.of(garments, 1000, seed), 0.6, seed), seed),
        split(Scenes.of(data.test(), TEST, 2000), 0, 0),
        macroAuc(Scenes.QUESTIONS),
        500);
  }

  /** Six attributes of 200 garments, half of the answers hidden. */
  static BalanceProblem attributes(FashionMnist data) {
    String[] names = GarmentAttributes.names();
    return new BalanceProblem(
        "attributes",
        seed -> heads(Pretraining.backbone(), names).build(seed),
        seed -> split(GarmentAttributes.label(some(data, 200, seed)), 0.5, seed),
        split(GarmentAttributes.label(Datasets.range(data.test(), 0, TEST)), 0, 0),
        macroAuc(names),
        200);
  }

  /** Six emotions of 391 songs, half of the answers hidden. */
  static BalanceProblem emotions(Path folder) {
    LabelPool pool = LabelPool.emotions(folder);
    String[] names = pool.pool().targets().get(0).names().toArray(String[]::new);
    return new BalanceProblem(
        "emotions",
        seed ->
            heads(Network.builder(pool.pool().inputShape()).dense("features", 64).relu(), names)
                .build(seed),
        seed -> split(pool.pool(), 0.5, seed),
        split(pool.test(), 0, 0),
        macroAuc(names),
        200);
  }

  /** The kind of 500 garments, and three measures of them in pixels: losses of unequal size. */
  static BalanceProblem units(FashionMnist data) {
    return new BalanceProblem(
        "units",
        seed ->
            Pretraining.backbone()
                .head("garment", Head.classes(FashionMnist.CLASSES.toArray(String[]::new)))
                .head("measures", Head.values(MEASURES))
                .build(seed),
        seed -> measured(some(data, 500, seed), 0.5, seed),
        measured(Datasets.range(data.test(), 0, TEST), 0, 0),
        Map.of("garment", Metric.ACCURACY, "measures", Metric.R2),
        300);
  }

  double score(Network network) {
    Evaluation evaluation = network.evaluate(test);
    return metrics.entrySet().stream()
        .mapToDouble(of -> evaluation.task(of.getKey()).metric(of.getValue()).value())
        .average()
        .orElseThrow();
  }

  private static NetworkBuilder heads(NetworkBuilder backbone, String... names) {
    for (String name : names) {
      backbone.head(task(name), Head.labels(name));
    }
    return backbone;
  }

  private static Map<String, String> macroAuc(String... names) {
    Map<String, String> metrics = new LinkedHashMap<>();
    for (String name : names) {
      metrics.put(task(name), Metric.MACRO_AUC);
    }
    return metrics;
  }

  /** What a head for a question may be called. */
  private static String task(String question) {
    return question.replaceAll("[^A-Za-z0-9]+", "_");
  }

  private static Dataset some(FashionMnist data, int count, long seed) {
    int first = FashionMnist.PRETRAINING_VALIDATION_END;
    Dataset pool = Datasets.range(data.training(), first, FashionMnist.POOL_END);
    return Datasets.range(Datasets.shuffle(pool, seed), 0, count);
  }

  /** A task for each label, of whose answers a share is hidden. */
  private static Dataset split(Dataset labelled, double hidden, long seed) {
    Target target = labelled.targets().get(0);
    Dataset result = Datasets.withoutTargets(labelled);
    Random random = new Random(seed);
    for (int j = 0; j < target.names().size(); j++) {
      float[][] answers = new float[labelled.size()][1];
      for (int i = 0; i < answers.length; i++) {
        float answer = Datasets.target(labelled, target.task(), i)[j];
        answers[i][0] = random.nextDouble() < hidden ? Float.NaN : answer;
      }
      String name = target.names().get(j);
      result = Datasets.withTargets(result, task(name), List.of(name), answers);
    }
    return result;
  }

  /** Kinds, and how bright and where pictures are in pixels; a share of either is hidden. */
  private static Dataset measured(Dataset pictures, double hidden, long seed) {
    Random random = new Random(seed);
    float[][] measures = new float[pictures.size()][];
    int[] classes = FashionMnist.classes(pictures);
    int pixels = pictures.inputShape().size();
    float[] inputs = new float[pictures.size() * pixels];
    for (int i = 0; i < measures.length; i++) {
      float[] picture = Datasets.input(pictures, i);
      System.arraycopy(picture, 0, inputs, i * pixels, pixels);
      measures[i] = random.nextDouble() < hidden ? UNKNOWN : measures(picture);
      classes[i] = random.nextDouble() < hidden ? -1 : classes[i];
    }
    Dataset kinds = Datasets.ofClasses(inputs, pictures.inputShape(), classes);
    return Datasets.withTargets(
        Datasets.forTask(kinds, "garment"), "measures", List.of(MEASURES), measures);
  }

  private static float[] measures(float[] picture) {
    double ink = 1e-6;
    double row = 0;
    double column = 0;
    for (int p = 0; p < picture.length; p++) {
      ink += picture[p];
      row += picture[p] * (p / 28);
      column += picture[p] * (p % 28);
    }
    return new float[] {
      (float) (100 * ink / picture.length), (float) (row / ink), (float) (column / ink)
    };
  }
}
