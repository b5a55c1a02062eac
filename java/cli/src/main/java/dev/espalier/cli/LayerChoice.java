// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.Adapted;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Which layer of a published network a head stands on: heads are trained on what each candidate
 * makes of the examples, and validation chooses. The backbone runs once for each example, whatever
 * the number of candidates.
 */
final class LayerChoice {
  /** So many examples of each part are looked at. */
  private static final int MOST_EXAMPLES = 1000;

  private static final double RATE = 1e-2;

  /** A layer and the validation loss of a head on it. */
  record Tried(LayerSummary layer, double loss) {}

  private LayerChoice() {}

  /** Tries layers of images, from the bottom up. */
  static List<Tried> tried(
      Network backbone, List<LayerSummary> layers, Examples examples, Learning.Data data) {
    String[] names = layers.stream().map(LayerSummary::name).toArray(String[]::new);
    try (Predictor predictor = backbone.predictor(PredictorOptions.defaults().layers(names))) {
      Dataset training = means(predictor, layers, some(data.training(), data.seed()));
      Dataset validation = means(predictor, layers, some(data.validation(), data.seed()));
      List<Tried> tried = new ArrayList<>();
      int from = 0;
      for (LayerSummary layer : layers) {
        int channels = layer.output().dims()[0];
        double loss =
            loss(
                examples,
                data.seed(),
                part(training, from, channels),
                part(validation, from, channels));
        tried.add(new Tried(layer, loss));
        from += channels;
      }
      return tried;
    }
  }

  /** Returns the one of the lowest loss; of equals, the last. */
  static LayerSummary best(List<Tried> tried) {
    Tried best = tried.get(0);
    for (Tried one : tried) {
      best = one.loss() <= best.loss() ? one : best;
    }
    return best.layer();
  }

  private static double loss(Examples examples, long seed, Dataset training, Dataset validation) {
    NetworkBuilder builder = Network.builder(training.inputShape());
    for (Question question : examples.questions()) {
      builder.head(question.task(), examples.head(question, head -> head.layerNorm()));
    }
    try (Network network = builder.build(seed);
        Adapted adapted =
            Adaptation.of(network)
                .settings(List.of(AdaptationSetting.headAlone(RATE)))
                .seed(seed)
                .fit(training, validation)) {
      return adapted.report().chosen().value().orElse(Double.POSITIVE_INFINITY);
    }
  }

  private static Dataset part(Dataset means, int from, int channels) {
    return Datasets.map(
        means,
        Shape.vector(channels),
        row -> java.util.Arrays.copyOfRange(row, from, from + channels));
  }

  private static Dataset some(Dataset data, long seed) {
    return data.size() <= MOST_EXAMPLES
        ? data
        : Datasets.range(Datasets.shuffle(data, seed), 0, MOST_EXAMPLES);
  }

  /** Returns the mean of each channel of each layer, one layer after the other. */
  private static Dataset means(Predictor predictor, List<LayerSummary> layers, Dataset data) {
    int width = layers.stream().mapToInt(layer -> layer.output().dims()[0]).sum();
    return Datasets.cache(
        Datasets.map(
            predictor.features(data), Shape.vector(width), row -> means(row, layers, width)));
  }

  private static float[] means(float[] outputs, List<LayerSummary> layers, int width) {
    int values = layers.stream().mapToInt(layer -> layer.output().size()).sum();
    int from = outputs.length - values; // behind the answers of heads, if there are any
    float[] means = new float[width];
    int at = 0;
    for (LayerSummary layer : layers) {
      int[] dimensions = layer.output().dims();
      int area = dimensions[1] * dimensions[2];
      for (int channel = 0; channel < dimensions[0]; channel++) {
        double sum = 0;
        for (int i = 0; i < area; i++) {
          sum += outputs[from++];
        }
        means[at++] = (float) (sum / area);
      }
    }
    return means;
  }
}
