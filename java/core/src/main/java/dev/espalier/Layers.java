// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Adds layers one after the other; each is computed from the one before, constants aside. A layer
 * without a name is numbered by its kind: {@code dense1}, {@code relu2}. Names consist of letters,
 * digits and {@code _ . -}, at most 128 of them.
 *
 * <p>Shapes and settings are checked as a whole when the network is built. Options that set what a
 * method's own argument says, such as the kernel of {@code conv2d}, are refused with {@link
 * IllegalArgumentException}. Belongs to one thread.
 *
 * @param <B> the builder that the methods return
 * @since 0.1
 */
public abstract sealed class Layers<B extends Layers<B>> extends ImageLayers<B>
    permits NetworkBuilder, HeadLayers {
  private final List<Map<String, Object>> specs = new ArrayList<>();

  Layers() {}

  /** Returns false for a kind that reads nothing. */
  static boolean takesInputs(String kind) {
    return !kind.equals("constant");
  }

  abstract B self();

  /** Returns the names of layers that the next layer is computed from; empty: the one before. */
  abstract List<String> takeInputs();

  /** Returns the whole name of a layer that is called {@code name} here; "": to be numbered. */
  abstract String fullName(String name, String kind);

  /**
   * Adds a dense layer, which flattens its input in C,H,W order: {@code y = W x + b}.
   *
   * @param units outputs, 1 to 2^20
   * @return this
   */
  public B dense(int units) {
    return dense("", units);
  }

  /**
   * Adds a named dense layer; see {@link #dense(int)}.
   *
   * @param name name of the layer, or "" to number it
   * @param units outputs, 1 to 2^20
   * @return this
   */
  public B dense(String name, int units) {
    return dense(name, units, LayerOptions.defaults());
  }

  /**
   * Adds a dense layer with options: bias, initializer, per position.
   *
   * @param name name of the layer, or "" to number it
   * @param units outputs, 1 to 2^20
   * @param options settings other than the defaults
   * @return this
   */
  public B dense(String name, int units, LayerOptions options) {
    return append(name, "dense", options, "units", channels("units", units));
  }

  /**
   * Adds batch norm per channel (first dimension): Ioffe and Szegedy 2015, arXiv:1502.03167. In
   * prediction and where frozen it uses its running statistics.
   *
   * @return this
   */
  public B batchNorm() {
    return batchNorm("");
  }

  /**
   * Adds a named batch norm; see {@link #batchNorm()}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B batchNorm(String name) {
    return batchNorm(name, LayerOptions.defaults());
  }

  /**
   * Adds batch norm with options: momentum, epsilon.
   *
   * @param name name of the layer, or "" to number it
   * @param options settings other than the defaults
   * @return this
   */
  public B batchNorm(String name, LayerOptions options) {
    return layer(name, "batch_norm", options);
  }

  /**
   * Adds layer norm over all of an example's values: Ba et al. 2016, arXiv:1607.06450.
   *
   * @return this
   */
  public B layerNorm() {
    return layerNorm("");
  }

  /**
   * Adds a named layer norm; see {@link #layerNorm()}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B layerNorm(String name) {
    return layerNorm(name, LayerOptions.defaults());
  }

  /**
   * Adds layer norm with options: epsilon, per position.
   *
   * @param name name of the layer, or "" to number it
   * @param options settings other than the defaults
   * @return this
   */
  public B layerNorm(String name, LayerOptions options) {
    return layer(name, "layer_norm", options);
  }

  /**
   * Adds RMS norm over the last dimension, {@code weight * x / sqrt(mean(x^2) + epsilon)}: Zhang
   * and Sennrich 2019, arXiv:1910.07467.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B rmsNorm(String name) {
    return rmsNorm(name, LayerOptions.defaults());
  }

  /**
   * Adds RMS norm with options: epsilon.
   *
   * @param name name of the layer, or "" to number it
   * @param options settings other than the defaults
   * @return this
   */
  public B rmsNorm(String name, LayerOptions options) {
    return layer(name, "rms_norm", options);
  }

  /**
   * Adds a vector for each id: int32 {@code [length]} becomes {@code [length, width]}. The vectors
   * start from N(0, 1), as PyTorch's; the option {@code set("padding_id", id)} names an id whose
   * vector starts at 0 and is not trained.
   *
   * @param name name of the layer, or "" to number it
   * @param count ids, 0 to {@code count - 1}; 1 to 2^20 of them
   * @param width of the vectors, 1 to 2^20
   * @param options settings other than the defaults
   * @return this
   */
  public B embedding(String name, int count, int width, LayerOptions options) {
    LayerOptions withWidth = with("embedding", name, options, "width", channels("width", width));
    return append(name, "embedding", withWidth, "count", channels("count", count));
  }

  /**
   * Adds a trained vector to each position of {@code [length, width]}, to tell them apart.
   *
   * @param name name of the layer, or "" to number it
   * @param maxLength positions that have a vector, at least the length; 1 to 2^20
   * @return this
   */
  public B positionEmbedding(String name, int maxLength) {
    return append(
        name,
        "position_embedding",
        LayerOptions.defaults(),
        "max_length",
        channels("maxLength", maxLength));
  }

  /**
   * Puts a trained vector before all positions: {@code [length, width]} becomes {@code [length + 1,
   * width]}. What a transformer makes of it, {@link TokenPooling#FIRST}, stands for the whole.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B classToken(String name) {
    return append(name, "class_token");
  }

  /**
   * Makes one vector of all positions: {@code [length, width]} becomes {@code [width]}.
   *
   * @param name name of the layer, or "" to number it
   * @param pooling how
   * @return this
   */
  public B tokenPool(String name, TokenPooling pooling) {
    return append(
        name,
        "token_pool",
        LayerOptions.defaults(),
        "pool",
        Objects.requireNonNull(pooling, "pooling").specName());
  }

  /**
   * Adds a gated recurrent unit, whose state goes from position to position: {@code [length,
   * width]} becomes {@code [length, hidden]}. Cho et al. 2014, arXiv:1406.1078, in PyTorch's form.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @return this
   */
  public B gru(String name, int hidden) {
    return gru(name, hidden, LayerOptions.defaults());
  }

  /**
   * Adds a gated recurrent unit with options: bidirectional, last state, bias, reset before.
   * Weights and biases start uniform in ±1 / sqrt(hidden), as PyTorch's, whose parameters fit:
   * docs/model_file.md.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @param options settings other than the defaults
   * @return this
   */
  public B gru(String name, int hidden, LayerOptions options) {
    return append(name, "gru", options, "hidden", channels("hidden", hidden));
  }

  /**
   * Adds a long short-term memory, whose state goes from position to position: {@code [length,
   * width]} becomes {@code [length, hidden]}. Hochreiter and Schmidhuber 1997, in PyTorch's form.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @return this
   */
  public B lstm(String name, int hidden) {
    return lstm(name, hidden, LayerOptions.defaults());
  }

  /**
   * Adds a long short-term memory with options: bidirectional, last state, bias. Weights and biases
   * start uniform in ±1 / sqrt(hidden), as PyTorch's, whose parameters fit: docs/model_file.md.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @param options settings other than the defaults
   * @return this
   */
  public B lstm(String name, int hidden, LayerOptions options) {
    return append(name, "lstm", options, "hidden", channels("hidden", hidden));
  }

  /**
   * Adds dropout: in training each value is 0 with probability {@code rate}, else divided by {@code
   * 1 - rate}; in prediction and where frozen nothing happens.
   *
   * @param rate probability, 0 to 0.999
   * @return this
   */
  public B dropout(double rate) {
    return dropout("", rate);
  }

  /**
   * Adds a named dropout; see {@link #dropout(double)}.
   *
   * @param name name of the layer, or "" to number it
   * @param rate probability, 0 to 0.999
   * @return this
   */
  public B dropout(String name, double rate) {
    return append(
        name,
        "dropout",
        LayerOptions.defaults(),
        "rate",
        Arguments.inRange("rate", rate, 0, 0.999));
  }

  /**
   * Makes a vector of an image, in C,H,W order.
   *
   * @return this
   */
  public B flatten() {
    return flatten("");
  }

  /**
   * Makes a vector of an image, in C,H,W order.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B flatten(String name) {
    return append(name, "flatten");
  }

  /**
   * Gives the same elements, in row-major order, another shape.
   *
   * @param shape 1 to 8 dimensions; one of them may be -1: what is left for it
   * @return this
   */
  public B reshape(int... shape) {
    return layer("", "reshape", LayerOptions.defaults().set("shape", shape));
  }

  /**
   * Puts the dimensions in another order.
   *
   * @param order for each dimension of the output which of the input it is, from 0
   * @return this
   */
  public B transpose(int... order) {
    return layer("", "transpose", LayerOptions.defaults().set("order", order));
  }

  @Override
  public B layer(String name, String kind, LayerOptions options) {
    NativeCall.text(name, "name");
    NativeCall.text(kind, "kind");
    Objects.requireNonNull(options, "options");
    Map<String, Object> spec = new LinkedHashMap<>();
    String fullName = fullName(name, kind);
    if (!fullName.isEmpty()) {
      spec.put("name", fullName);
    }
    spec.put("kind", kind);
    List<String> inputs = takesInputs(kind) ? takeInputs() : List.of();
    if (!inputs.isEmpty()) {
      spec.put("inputs", inputs);
    }
    spec.put("attributes", options.attributes());
    specs.add(spec);
    return self();
  }

  List<Map<String, Object>> specs() {
    return specs;
  }
}
