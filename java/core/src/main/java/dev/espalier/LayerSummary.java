// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One row of the table of a network's layers. Immutable; equal to one that says the same.
 *
 * @since 0.1
 */
public final class LayerSummary {
  private final String name;
  private final String kind;
  private final Shape output;
  private final String padding;
  private final long parameterCount;
  private final boolean isFrozen;
  private final boolean adaptsStatistics;
  private final double learningRateScale;
  private final String head;
  private final String int8KeepsFloat;
  private final Fate fate;

  /** Takes what native code says of a layer; cpp/jvm/config_json.h names the fields. */
  LayerSummary(Map<?, ?> layer) {
    name = (String) layer.get("name");
    kind = (String) layer.get("kind");
    output = Descriptions.shape(layer.get("output"));
    padding = (String) layer.get("padding");
    parameterCount = (Long) layer.get("parameters");
    isFrozen = (Boolean) layer.get("frozen");
    adaptsStatistics = (Boolean) layer.get("adapts_statistics");
    learningRateScale = ((Number) layer.get("learning_rate_scale")).doubleValue();
    head = (String) layer.get("head");
    int8KeepsFloat = (String) layer.get("int8_keeps_float");
    fate = Fate.valueOf(((String) layer.get("fate")).toUpperCase(Locale.ROOT));
  }

  /**
   * Returns the name of the layer.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns its kind.
   *
   * @return for example {@code "conv2d"}
   */
  public String kind() {
    return kind;
  }

  /**
   * Returns the shape of its output.
   *
   * @return dimensions for one example
   */
  public Shape output() {
    return output;
  }

  /**
   * Returns how a layer of windows, a convolution or pooling, pads its input.
   *
   * @return "same" (ceil(n / stride) rows and columns, what is odd at the end), or the zeros
   *     around: "1" on each side, or "top, bottom, left, right"; "" for other layers
   */
  public String padding() {
    return padding;
  }

  /**
   * Returns how many weights and biases it has; running statistics don't count.
   *
   * @return the number
   */
  public long parameterCount() {
    return parameterCount;
  }

  /**
   * Returns whether training leaves it alone.
   *
   * @return true if it is frozen
   */
  public boolean isFrozen() {
    return isFrozen;
  }

  /**
   * Returns whether its running statistics adapt although it is frozen.
   *
   * @return true for such a batch norm
   */
  public boolean adaptsStatistics() {
    return adaptsStatistics;
  }

  /**
   * Returns the factor on the optimizer's learning rate.
   *
   * @return 1 unless one was set
   */
  public double learningRateScale() {
    return learningRateScale;
  }

  /**
   * Returns the name of the head that it belongs to.
   *
   * @return the name, or "" for the backbone
   */
  public String head() {
    return head;
  }

  /**
   * Returns what a transfer does to it.
   *
   * @return {@link Fate#KEPT} in a network as it is
   */
  public Fate fate() {
    return fate;
  }

  /** Returns why its weights stay in float with {@link Precision#INT8}; "": they have 8 bits. */
  String int8KeepsFloat() {
    return int8KeepsFloat;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerSummary layer && values().equals(layer.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns for example {@code "conv1: conv2d [8, 28, 28], padding same, 80 parameters"}. */
  @Override
  public String toString() {
    return name
        + ": "
        + kind
        + " "
        + output
        + (padding.isEmpty() ? "" : ", padding " + padding)
        + ", "
        + parameterCount
        + " parameters"
        + (isFrozen ? ", frozen" : "")
        + (fate == Fate.KEPT ? "" : ", " + fate.name().toLowerCase(Locale.ROOT));
  }

  private List<Object> values() {
    return List.of(
        name,
        kind,
        output,
        padding,
        parameterCount,
        isFrozen,
        adaptsStatistics,
        learningRateScale,
        head,
        fate);
  }

  /** What a transfer does to a layer. */
  public enum Fate {
    /** It is copied with its parameters. */
    KEPT,
    /** It is newly initialized. */
    NEW,
    /** It is left out. */
    DROPPED
  }
}
