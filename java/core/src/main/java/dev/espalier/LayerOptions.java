// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Settings of a layer that differ from the defaults: {@code
 * LayerOptions.defaults().stride(2).noBias()}. Immutable; each method returns a changed copy.
 *
 * <p>Which kinds of layer know a setting stands at each method. {@code build} refuses a setting
 * that the layer does not know, and a value outside its range, naming the layer.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class LayerOptions {
  private static final LayerOptions DEFAULTS = new LayerOptions(Map.of());

  private final Map<String, Object> attributes;

  private LayerOptions(Map<String, Object> attributes) {
    this.attributes = attributes;
  }

  /**
   * Returns options that change nothing.
   *
   * @return the defaults of every layer
   */
  public static LayerOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Sets the distance between neighboring windows. Default 1 for convolutions, the window for
   * pooling.
   *
   * @param stride rows and columns, 1 to 1024
   * @return changed options
   */
  public LayerOptions stride(int stride) {
    return with("stride", Arguments.inRange("stride", stride, 1, 1024));
  }

  /**
   * Sets the distances between neighboring windows of images; see {@link #stride(int)}.
   *
   * @param rows from window to window downwards, 1 to 1024
   * @param columns to the right, 1 to 1024
   * @return changed options
   */
  public LayerOptions stride(int rows, int columns) {
    Arguments.inRange("rows", rows, 1, 1024);
    Arguments.inRange("columns", columns, 1, 1024);
    return with("stride", List.of(rows, columns));
  }

  /**
   * Pads a convolution or pooling so that its output has ceil(n/stride) rows and columns; an odd
   * padding has the extra row or column at the end, unlike PyTorch's {@code padding=}, which is
   * {@link #padding}. The default of convolutions.
   *
   * @return changed options
   */
  public LayerOptions same() {
    return with("padding", "same");
  }

  /**
   * Uses no padding in a convolution or pooling. The default of pooling.
   *
   * @return changed options
   */
  public LayerOptions valid() {
    return with("padding", "valid");
  }

  /**
   * Sets an explicit padding of a convolution or pooling.
   *
   * @param padding {@code all}, or {@code height, width}, or {@code top, bottom, left, right}; each
   *     0 to 4096
   * @return changed options
   * @throws IllegalArgumentException if there are not 1, 2 or 4 numbers, or one is out of range
   */
  public LayerOptions padding(int... padding) {
    Objects.requireNonNull(padding, "padding");
    if (padding.length != 1 && padding.length != 2 && padding.length != 4) {
      throw new IllegalArgumentException(
          "padding: expected 1, 2 or 4 numbers, got " + padding.length);
    }
    for (int side : padding) {
      Arguments.inRange("padding", side, 0, 4096);
    }
    return with("padding", list(padding));
  }

  /**
   * Sets the distance between the taps of a convolution's kernel. Default 1.
   *
   * @param dilation rows and columns, 1 to 1024
   * @return changed options
   */
  public LayerOptions dilation(int dilation) {
    return with("dilation", Arguments.inRange("dilation", dilation, 1, 1024));
  }

  /**
   * Splits the channels of a convolution into independent groups. Default 1.
   *
   * @param groups a divisor of both the input's and the output's channels
   * @return changed options
   */
  public LayerOptions groups(int groups) {
    return with("groups", Arguments.inRange("groups", groups, 1, 1 << 20));
  }

  /**
   * Sets the output channels per input channel of a depthwise convolution. Default 1.
   *
   * @param multiplier 1 to 2^20
   * @return changed options
   */
  public LayerOptions multiplier(int multiplier) {
    return with("multiplier", Arguments.inRange("multiplier", multiplier, 1, 1 << 20));
  }

  /**
   * Leaves out the bias of a dense layer or convolution, as before batch norm, or both biases of a
   * GRU or LSTM.
   *
   * @return changed options
   */
  public LayerOptions noBias() {
    return with("bias", false);
  }

  /**
   * Sets how the weights of a dense layer or convolution are drawn.
   *
   * @param initializer the distribution
   * @return changed options
   */
  public LayerOptions initializer(Initializer initializer) {
    Objects.requireNonNull(initializer, "initializer");
    Map<String, Object> changed = new LinkedHashMap<>(attributes);
    changed.remove("initializer_value"); // of constant()
    changed.put("initializer", initializer.specName());
    return new LayerOptions(Collections.unmodifiableMap(changed));
  }

  /**
   * Starts all weights of a dense layer or convolution at one value.
   *
   * @param value the value, -1e30 to 1e30
   * @return changed options
   */
  public LayerOptions constant(double value) {
    return with("initializer", "constant")
        .with("initializer_value", Arguments.inRange("value", value, -1e30, 1e30));
  }

  /**
   * Decides whether average pooling divides by the whole window (true, the default) or by the
   * elements inside the image.
   *
   * @param counted true to count padding
   * @return changed options
   */
  public LayerOptions countPadding(boolean counted) {
    return with("count_include_pad", counted);
  }

  /**
   * Sets the share of the new batch in batch norm's running statistics. Default 0.1.
   *
   * @param momentum 0 to 1
   * @return changed options
   */
  public LayerOptions momentum(double momentum) {
    return with("momentum", Arguments.inRange("momentum", momentum, 0, 1));
  }

  /**
   * Gives a dense layer or layer norm each row of {@code [length, width]} by itself, with the same
   * parameters at each position, instead of all values at once.
   *
   * @return changed options
   */
  public LayerOptions perPosition() {
    return with("per_position", true);
  }

  /**
   * Lets each query of an attention layer see the keys up to its own position alone.
   *
   * @return changed options
   */
  public LayerOptions causal() {
    return with("causal", true);
  }

  /**
   * Sets what an attention layer multiplies the products of queries and keys by. Default 1 /
   * sqrt(width / heads).
   *
   * @param scale 1e-6 to 1e6
   * @return changed options
   */
  public LayerOptions scale(double scale) {
    return with("scale", Arguments.inRange("scale", scale, 1e-6, 1e6));
  }

  /**
   * Lets a GRU or LSTM go both ways: a second one begins at the last (valid) position, and its
   * states stand behind those of the first, which makes the result twice as wide.
   *
   * @return changed options
   */
  public LayerOptions bidirectional() {
    return with("bidirectional", true);
  }

  /**
   * Lets a GRU or LSTM give its last state alone, {@code [hidden]}, not that at each position: the
   * way forward that at the last (valid) position, the way back that at the first.
   *
   * @return changed options
   */
  public LayerOptions lastState() {
    return with("return_sequence", false);
  }

  /**
   * Lets a GRU multiply its state by the reset gate before the state's product with the weights, as
   * in Cho et al. 2014, rather than reset what the product gives, as PyTorch does and the default
   * is. What Keras calls {@code reset_after=False}, and ONNX {@code linear_before_reset = 0}, its
   * default. It takes two products for each position instead of one.
   *
   * @return changed options
   */
  public LayerOptions resetBefore() {
    return with("reset_after", false);
  }

  /**
   * Sets what batch norm and layer norm add to the variance, default 1e-5, and RMS norm to the mean
   * square, default 1e-6.
   *
   * @param epsilon 1e-12 to 1
   * @return changed options
   */
  public LayerOptions epsilon(double epsilon) {
    return with("epsilon", Arguments.inRange("epsilon", epsilon, 1e-12, 1));
  }

  /**
   * Sets any attribute by its name in model files, for {@link Layers#layer}: {@code layer("wide",
   * "conv2d", LayerOptions.defaults().set("channels", 8).set("kernel", 3, 5))}.
   *
   * @param attribute the name, as docs/model_file.md lists them
   * @param values one whole number, or several for a list
   * @return changed options
   * @throws IllegalArgumentException if there is no value
   */
  public LayerOptions set(String attribute, int... values) {
    Objects.requireNonNull(attribute, "attribute");
    Objects.requireNonNull(values, "values");
    if (values.length == 0) {
      throw new IllegalArgumentException(attribute + ": expected at least one value, got none");
    }
    return with(attribute, values.length == 1 ? (Object) values[0] : list(values));
  }

  /**
   * Sets any attribute by its name in model files to a text.
   *
   * @param attribute for example {@code "axis"}
   * @param value the text
   * @return changed options
   */
  public LayerOptions set(String attribute, String value) {
    Objects.requireNonNull(attribute, "attribute");
    return with(attribute, Objects.requireNonNull(value, "value"));
  }

  /**
   * Sets any attribute by its name in model files to true or false.
   *
   * @param attribute for example {@code "per_channel"}
   * @param value whether it holds
   * @return changed options
   */
  public LayerOptions set(String attribute, boolean value) {
    return with(Objects.requireNonNull(attribute, "attribute"), value);
  }

  /**
   * Sets an attribute that is one whole number; see {@link #set(String, int...)}.
   *
   * @param attribute the name, as docs/model_file.md lists them
   * @param value the number
   * @return changed options
   */
  public LayerOptions set(String attribute, int value) {
    return with(Objects.requireNonNull(attribute, "attribute"), value);
  }

  /**
   * Sets an attribute that is a real number; see {@link #set(String, int...)}.
   *
   * @param attribute the name, as docs/model_file.md lists them
   * @param value the number, finite
   * @return changed options
   */
  public LayerOptions set(String attribute, double value) {
    Objects.requireNonNull(attribute, "attribute");
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(attribute + ": expected a finite number, got " + value);
    }
    return with(attribute, value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerOptions options && attributes.equals(options.attributes);
  }

  @Override
  public int hashCode() {
    return attributes.hashCode();
  }

  /** Returns the settings as {@code {stride=2, bias=false}}. */
  @Override
  public String toString() {
    return attributes.toString();
  }

  LayerOptions with(String attribute, Object value) {
    Map<String, Object> changed = new LinkedHashMap<>(attributes);
    changed.put(attribute, value);
    return new LayerOptions(Collections.unmodifiableMap(changed));
  }

  Map<String, Object> attributes() {
    return attributes;
  }

  private static List<Integer> list(int[] numbers) {
    List<Integer> list = new ArrayList<>(numbers.length);
    for (int number : numbers) {
      list.add(number);
    }
    return List.copyOf(list);
  }
}
