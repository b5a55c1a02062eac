// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.util.Objects;

/**
 * Settings of a transformer's encoder block: {@code TransformerOptions.of(384, 12,
 * 1536).dropout(0.1)}. Immutable; each method returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TransformerOptions {
  private final int width;
  private final int heads;
  private final int feedForward;
  private final String activation;
  private final double dropout;
  private final boolean isNormFirst;
  private final LayerOptions norm;
  private final LayerOptions attention;
  private final String lengths;

  private TransformerOptions(
      int width,
      int heads,
      int feedForward,
      String activation,
      double dropout,
      boolean isNormFirst,
      LayerOptions norm,
      LayerOptions attention,
      String lengths) {
    this.width = width;
    this.heads = heads;
    this.feedForward = feedForward;
    this.activation = activation;
    this.dropout = dropout;
    this.isNormFirst = isNormFirst;
    this.norm = norm;
    this.attention = attention;
    this.lengths = lengths;
  }

  /**
   * Returns a block with gelu, no dropout, and layer norms after each sum.
   *
   * @param width of each position, in and out; 1 to 2^18
   * @param heads of attention, a divisor of the width
   * @param feedForward width between the two dense layers after attention, 1 to 2^20
   * @return the options
   * @throws IllegalArgumentException if a number is out of range
   */
  public static TransformerOptions of(int width, int heads, int feedForward) {
    Arguments.inRange("width", width, 1, 1 << 18);
    Arguments.inRange("heads", heads, 1, width);
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          "heads: expected a divisor of the width " + width + ", got " + heads);
    }
    return new TransformerOptions(
        width,
        heads,
        Arguments.inRange("feedForward", feedForward, 1, 1 << 20),
        "gelu",
        0,
        false,
        LayerOptions.defaults().perPosition(),
        LayerOptions.defaults(),
        "");
  }

  /**
   * Sets the activation between the two dense layers. Default gelu.
   *
   * @param kind for example {@code "relu"}
   * @return changed options
   */
  public TransformerOptions activation(String kind) {
    return new TransformerOptions(
        width,
        heads,
        feedForward,
        NativeCall.text(kind, "kind"),
        dropout,
        isNormFirst,
        norm,
        attention,
        lengths);
  }

  /**
   * Sets dropout of what attention and the two dense layers add. Default 0: none.
   *
   * @param rate probability, 0 to 0.999
   * @return changed options
   */
  public TransformerOptions dropout(double rate) {
    return new TransformerOptions(
        width,
        heads,
        feedForward,
        activation,
        Arguments.inRange("rate", rate, 0, 0.999),
        isNormFirst,
        norm,
        attention,
        lengths);
  }

  /**
   * Puts layer norm before attention and before the two dense layers, not after the sums: Xiong et
   * al. 2020, arXiv:2002.04745.
   *
   * @return changed options
   */
  public TransformerOptions normFirst() {
    return new TransformerOptions(
        width, heads, feedForward, activation, dropout, true, norm, attention, lengths);
  }

  /**
   * Sets what the layer norms add to the variance. Default 1e-5.
   *
   * @param epsilon 1e-12 to 1
   * @return changed options
   */
  public TransformerOptions epsilon(double epsilon) {
    return new TransformerOptions(
        width,
        heads,
        feedForward,
        activation,
        dropout,
        isNormFirst,
        norm.epsilon(epsilon),
        attention,
        lengths);
  }

  /**
   * Lets each position see those up to itself alone.
   *
   * @return changed options
   */
  public TransformerOptions causal() {
    return new TransformerOptions(
        width,
        heads,
        feedForward,
        activation,
        dropout,
        isNormFirst,
        norm,
        attention.causal(),
        lengths);
  }

  /**
   * Names what says how many positions are valid: those from there on count for nothing in
   * attention. Default: all are valid. Where all that mixes positions is told, up to the pooling, a
   * batch is computed only up to its longest example; {@link Predictor#describe} says so.
   *
   * @param name of an int32 {@code [1]}, an input of the network
   * @return changed options
   */
  public TransformerOptions lengths(String name) {
    return new TransformerOptions(
        width,
        heads,
        feedForward,
        activation,
        dropout,
        isNormFirst,
        norm,
        attention,
        NativeCall.text(name, "name"));
  }

  int width() {
    return width;
  }

  /** Returns for example {@code "transformer block 384 wide, 12 heads, feed-forward 1536"}. */
  @Override
  public String toString() {
    return "transformer block " + width + " wide, " + heads + " heads, feed-forward " + feedForward;
  }

  /** Adds the block's layers, of which the first reads {@code input}. */
  NetworkBuilder addTo(NetworkBuilder builder, String name, String input) {
    Objects.requireNonNull(builder);
    String prefix = name + ".";
    LayerOptions perPosition = LayerOptions.defaults().perPosition();
    builder.from(input);
    if (isNormFirst) {
      builder.layerNorm(prefix + "norm1", norm);
    }
    builder.dense(prefix + "qkv", 3 * width, perPosition);
    if (lengths.isEmpty()) {
      builder.attention(prefix + "attention", heads, attention, prefix + "qkv");
    } else {
      builder.attention(prefix + "attention", heads, attention, prefix + "qkv", lengths);
    }
    builder.dense(prefix + "projection", width, perPosition);
    String added = addDropout(builder, prefix + "dropout1", prefix + "projection");
    builder.add(prefix + "sum1", input, added);
    String middle = prefix + (isNormFirst ? "sum1" : "norm1");
    builder.layerNorm(prefix + (isNormFirst ? "norm2" : "norm1"), norm);
    builder
        .dense(prefix + "hidden", feedForward, perPosition)
        .layer(prefix + "activation", activation, LayerOptions.defaults())
        .dense(prefix + "output", width, perPosition);
    added = addDropout(builder, prefix + "dropout2", prefix + "output");
    builder.add(prefix + "sum2", middle, added);
    return isNormFirst ? builder : builder.layerNorm(prefix + "norm2", norm);
  }

  /** Returns the name of the last layer. */
  private String addDropout(NetworkBuilder builder, String name, String before) {
    if (dropout == 0) {
      return before;
    }
    builder.dropout(name, dropout);
    return name;
  }
}
