// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;

/** Measures what each layer of a network loses in 8 bits. */
final class QuantizationTrial {
  /** Values that are compared at once, about: what a layer makes of some examples. */
  private static final int MOST_VALUES = 1 << 22;

  private final Network network;
  private final Dataset examples;
  private final PredictorOptions options;
  private final List<LayerSummary> summaries;

  /** Layers in 8 bits, if any is. */
  private final List<String> candidates;

  QuantizationTrial(Network network, Dataset examples, PredictorOptions options) {
    if (examples.size() == 0) {
      throw new IllegalArgumentException("examples: expected one at least, got none");
    }
    this.network = network;
    this.examples = examples;
    this.options = options.logits();
    summaries = network.layers();
    candidates =
        summaries.stream()
            .filter(layer -> reason(layer).isEmpty())
            .map(LayerSummary::name)
            .toList();
  }

  Quantization run() {
    float[][] answers;
    try (Predictor exact = network.predictor(options.precision(Precision.FP32))) {
      answers = exact.predict(examples);
    }
    double effect = effect(answers, List.of());
    List<Quantization.Layer> layers = new ArrayList<>();
    List<ParameterSummary> parameters = network.parameters();
    for (LayerSummary layer : summaries) {
      List<ParameterSummary> weights =
          parameters.stream().filter(parameter -> isWeightOf(layer, parameter)).toList();
      if (!weights.isEmpty()) {
        layers.add(measure(layer, weights, answers));
      }
    }
    return new Quantization(layers, effect);
  }

  private static boolean isWeightOf(LayerSummary layer, ParameterSummary parameter) {
    String path = parameter.path();
    return !parameter.isBuffer()
        && parameter.shape().rank() > 1
        && path.substring(0, path.lastIndexOf('.')).equals(layer.name());
  }

  private String reason(LayerSummary layer) {
    return options.keepFloat().contains(layer.name()) ? "as asked for" : layer.int8KeepsFloat();
  }

  private Quantization.Layer measure(
      LayerSummary layer, List<ParameterSummary> weights, float[][] answers) {
    String reason = reason(layer);
    long count = 0;
    long rows = 0;
    double greatest = 0;
    double least = Double.POSITIVE_INFINITY;
    for (ParameterSummary weight : weights) {
      float[] values = network.parameter(weight.path());
      int outputs = weight.shape().dims()[0];
      int width = values.length / outputs;
      count += values.length;
      rows += outputs;
      for (int first = 0; first < values.length; first += width) {
        float most = 0;
        for (int i = first; i < first + width; i++) {
          most = Math.max(most, Math.abs(values[i]));
        }
        greatest = Math.max(greatest, most);
        least = most > 0 ? Math.min(least, most) : least;
      }
    }
    boolean isInt8 = reason.isEmpty();
    List<String> others = candidates.stream().filter(name -> !name.equals(layer.name())).toList();
    return new Quantization.Layer(
        layer.name(),
        layer.kind(),
        reason,
        count,
        isInt8 ? count + Float.BYTES * rows : Float.BYTES * count,
        greatest,
        greatest > 0 ? greatest / least : 1,
        isInt8 ? error(layer.name(), others) : 0,
        isInt8 ? effect(answers, others) : 0);
  }

  /** Returns the error of what a layer makes, all but {@code kept} in 8 bits. */
  private double error(String layer, List<String> kept) {
    PredictorOptions own = PredictorOptions.defaults().layers(layer);
    if (options.threads().isPresent()) {
      own = own.threads(options.threads().getAsInt());
    }
    Difference difference = new Difference();
    try (Predictor exact = network.predictor(own);
        Predictor rounded = network.predictor(inInt8(own, kept))) {
      int chunk = Math.max(1, Math.min(examples.size(), MOST_VALUES / exact.outputSize()));
      for (int first = 0; first < examples.size(); first += chunk) {
        int end = Math.min(examples.size(), first + chunk);
        Dataset some = Datasets.range(examples, first, end);
        difference.add(exact.predict(some), rounded.predict(some));
      }
    }
    return difference.relative();
  }

  /** Returns the error of the answers, all but {@code kept} in 8 bits. */
  private double effect(float[][] answers, List<String> kept) {
    Difference difference = new Difference();
    try (Predictor rounded = network.predictor(inInt8(options, kept))) {
      difference.add(answers, rounded.predict(examples));
    }
    return difference.relative();
  }

  private PredictorOptions inInt8(PredictorOptions options, List<String> kept) {
    List<String> all = new ArrayList<>(this.options.keepFloat());
    all.addAll(kept);
    return options.precision(Precision.INT8).keepFloat(all);
  }

  private static final class Difference {
    private double squares;
    private double differences;

    void add(float[][] expected, float[][] got) {
      for (int i = 0; i < expected.length; i++) {
        for (int j = 0; j < expected[i].length; j++) {
          double difference = (double) got[i][j] - expected[i][j];
          differences += difference * difference;
          squares += (double) expected[i][j] * expected[i][j];
        }
      }
    }

    double relative() {
      return differences == 0 ? 0 : Math.sqrt(differences / squares);
    }
  }
}
