// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * What {@link Precision#INT8} makes of each layer of a network, measured on examples. Immutable.
 *
 * <pre>{@code
 * Quantization report = Quantization.measure(network, Datasets.range(validation, 0, 32));
 * logger.info(report.toString());
 * PredictorOptions careful = PredictorOptions.defaults()
 *     .precision(Precision.INT8).keepFloat(report.mostAffected().get(0).name());
 * }</pre>
 *
 * <p>Errors are relative: the square root of the sum of squares of the differences over that of the
 * values in float. Of a layer they are measured with that layer alone in 8 bits, all others in
 * float: what it makes itself ({@link Layer#error}), and what becomes of the network's answers by
 * it ({@link Layer#effect}). A network forgives some layers' errors and enlarges those of others,
 * so the effect says which layers to {@link PredictorOptions#keepFloat keep in float}. Of examples
 * whose length varies all positions count. A few dozen examples are enough; it takes a predictor in
 * 8 bits and half of one in float for each layer.
 *
 * @since 0.1
 */
public final class Quantization {
  private final List<Layer> layers;
  private final double effect;

  /**
   * A layer with weights.
   *
   * @param name of the layer
   * @param kind for example {@code "dense"}
   * @param floatReason why its weights stay in float, for people: {@code "few"}; empty: they have 8
   *     bits
   * @param weights how many there are, biases aside
   * @param bytes that they take
   * @param greatest magnitude of a weight
   * @param spread greatest magnitude of an output's weights over that of the output with the least,
   *     outputs whose weights are all 0 aside: each output has a scale of its own
   * @param error of what it makes, in 8 bits; 0 in float
   * @param effect error of the network's answers, that is of logits, values and the layers that the
   *     options name, with this layer in 8 bits; 0 in float
   * @since 0.1
   */
  public record Layer(
      String name,
      String kind,
      String floatReason,
      long weights,
      long bytes,
      double greatest,
      double spread,
      double error,
      double effect) {
    /**
     * Checks the texts.
     *
     * @param name as above, like all others
     * @param kind so
     * @param floatReason so
     * @param weights so
     * @param bytes so
     * @param greatest so
     * @param spread so
     * @param error so
     * @param effect so
     */
    public Layer {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(floatReason, "floatReason");
    }

    /**
     * Returns whether its weights have 8 bits.
     *
     * @return false for float
     */
    public boolean isInt8() {
      return floatReason.isEmpty();
    }
  }

  Quantization(List<Layer> layers, double effect) {
    this.layers = List.copyOf(layers);
    this.effect = effect;
  }

  /**
   * Measures with {@link PredictorOptions#defaults()}.
   *
   * @param network with a head; stays as it is, and the caller's to close
   * @param examples whose inputs are those of the network; targets are not read
   * @return the report
   * @throws IllegalArgumentException if there are no examples, or the options name a head or layer
   *     that the network has not
   * @throws ShapeException if inputs have the wrong size
   * @throws IllegalStateException if the network is closed, another thread trains it, or it has no
   *     head and the options name no layer
   * @throws NativeMemoryException if there is no memory for two predictors
   */
  public static Quantization measure(Network network, Dataset examples) {
    return measure(network, examples, PredictorOptions.defaults());
  }

  /**
   * Measures for a use of its own, with the exceptions of {@link #measure(Network, Dataset)}.
   *
   * @param network with the heads and layers that the options name; stays as it is, and the
   *     caller's to close
   * @param examples whose inputs are those of the network; targets are not read
   * @param options how the predictor will be made; its precision does not matter, and what it
   *     {@linkplain PredictorOptions#keepFloat keeps in float} is so
   * @return the report
   */
  public static Quantization measure(Network network, Dataset examples, PredictorOptions options) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(examples, "examples");
    Objects.requireNonNull(options, "options");
    return new QuantizationTrial(network, examples, options).run();
  }

  /**
   * Returns all layers with weights that are more than a vector.
   *
   * @return in the network's order
   */
  public List<Layer> layers() {
    return layers;
  }

  /**
   * Returns the layers in 8 bits.
   *
   * @return the one with the greatest {@link Layer#effect} first
   */
  public List<Layer> mostAffected() {
    return layers.stream()
        .filter(Layer::isInt8)
        .sorted(Comparator.comparingDouble(Layer::effect).reversed())
        .toList();
  }

  /**
   * Returns the error of the network's answers with all these layers in 8 bits at once.
   *
   * @return relative
   */
  public double effect() {
    return effect;
  }

  /** Returns a table for people: a line a layer. */
  @Override
  public String toString() {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "layer", "kind", "weights", "form", "KB", "greatest", "spread", "error", "effect"
        });
    for (Layer layer : layers) {
      rows.add(
          new String[] {
            layer.name(),
            layer.kind(),
            String.format(Locale.ROOT, "%,d", layer.weights()),
            layer.isInt8() ? "INT8" : "float: " + layer.floatReason(),
            String.format(Locale.ROOT, "%,.1f", layer.bytes() / 1e3),
            String.format(Locale.ROOT, "%.3g", layer.greatest()),
            String.format(Locale.ROOT, "%.3g", layer.spread()),
            layer.isInt8() ? String.format(Locale.ROOT, "%.5f", layer.error()) : "",
            layer.isInt8() ? String.format(Locale.ROOT, "%.5f", layer.effect()) : ""
          });
    }
    return TextTable.of(rows)
        + String.format(Locale.ROOT, "all of INT8 together: effect %.5f%n", effect);
  }
}
