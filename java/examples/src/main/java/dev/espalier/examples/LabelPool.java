// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Schedule;
import dev.espalier.Trainer;
import dev.espalier.data.Table;
import dev.espalier.data.TableInputs;
import dev.espalier.data.TableOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Features of examples whose answers are all known, so that labelling them can be played.
 *
 * @param name what they are
 * @param pool what may be asked about
 * @param test what tells how much was learned
 */
record LabelPool(String name, Dataset pool, Dataset test) {
  private static final int POOL = 2000;
  private static final int TEST = 3000;
  private static final int KNOWN_CLASSES = 5;
  private static final String FEATURES = "features";
  private static final int[] OTHER_GARMENTS = {0, 2, 4, 5, 6, 9}; // that Scenes does not ask for

  /** Six attributes of garments, by a network that knows half of their kinds. */
  static LabelPool attributes(FashionMnist data, Network backbone) {
    return ofLayer(
        "attributes",
        backbone,
        GarmentAttributes.label(garments(data)),
        GarmentAttributes.label(Datasets.range(data.test(), 0, TEST)));
  }

  /** Which of the ten kinds a garment is, by the same network. */
  static LabelPool kinds(FashionMnist data, Network backbone) {
    return ofLayer("kinds", backbone, garments(data), Datasets.range(data.test(), 0, TEST));
  }

  /** A network that tells the first five kinds of garments apart. */
  static Network backbone(FashionMnist data) {
    return Pretraining.run(data, c -> c < KNOWN_CLASSES, 2, 1, "five kinds of garments").network();
  }

  private static Dataset garments(FashionMnist data) {
    int first = FashionMnist.PRETRAINING_VALIDATION_END;
    return Datasets.range(data.training(), first, first + POOL);
  }

  /** Four questions about scenes, by a network that was trained to answer six others. */
  static LabelPool scenes(FashionMnist data) {
    List<String> others =
        Arrays.stream(OTHER_GARMENTS).mapToObj(FashionMnist.CLASSES::get).toList();
    Dataset known = Datasets.range(data.training(), 0, FashionMnist.PRETRAINING_END);
    Dataset scenes = Scenes.of(known, 10_000, 7, others, OTHER_GARMENTS);
    Dataset unknown =
        Datasets.range(
            data.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    try (Network network =
        Network.builder(scenes.inputShape())
            .conv2d("conv1", 32, 3)
            .relu()
            .maxPool2d(2)
            .conv2d("conv2", 64, 3)
            .relu()
            .maxPool2d(2)
            .conv2d("conv3", 64, 3)
            .relu()
            .maxPool2d(2)
            .dense(FEATURES, 128)
            .relu()
            .head(Scenes.TASK, Head.labels(others.toArray(String[]::new)))
            .build(1)) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(2e-3))
          .schedule(Schedule.oneCycle())
          .batchSize(64)
          .epochs(6)
          .fit(scenes);
      return ofLayer(
          "scenes", network, Scenes.of(unknown, POOL, 11), Scenes.of(data.test(), TEST, 12));
    }
  }

  /** Six emotions of songs, from 72 numbers about each, as Mulan's files have them. */
  static LabelPool emotions(Path folder) {
    TableOptions options =
        TableOptions.defaults().number("Mean_*", "Std_*", "BH_*", "BHSUM*").labels("", "*_*");
    Table training = Table.csv(folder.resolve("train.csv"), options);
    TableInputs inputs = TableInputs.fit(training);
    Table test = Table.csv(folder.resolve("test.csv"), options);
    return new LabelPool(
        "emotions", Datasets.cache(inputs.dataset(training)), Datasets.cache(inputs.dataset(test)));
  }

  private static LabelPool ofLayer(String name, Network network, Dataset pool, Dataset test) {
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(FEATURES))) {
      Dataset features = predictor.features(pool);
      UnaryOperator<float[]> scaling = scaling(features);
      return new LabelPool(
          name,
          Datasets.cache(Datasets.map(features, scaling)),
          Datasets.cache(Datasets.map(predictor.features(test), scaling)));
    }
  }

  /** To mean 0 and standard deviation 1. */
  private static UnaryOperator<float[]> scaling(Dataset features) {
    int width = features.inputShape().size();
    double[] means = new double[width];
    double[] squares = new double[width];
    for (int i = 0; i < features.size(); i++) {
      float[] row = Datasets.input(features, i);
      for (int j = 0; j < width; j++) {
        means[j] += row[j] / features.size();
        squares[j] += (double) row[j] * row[j] / features.size();
      }
    }
    return row -> {
      for (int j = 0; j < width; j++) {
        double variance = squares[j] - means[j] * means[j];
        row[j] = variance > 1e-9 ? (float) ((row[j] - means[j]) / Math.sqrt(variance)) : 0;
      }
      return row;
    };
  }
}
