// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.JsonWriter;
import java.util.List;
import java.util.Map;

/**
 * What {@link Network#exportOnnx(java.nio.file.Path, OnnxExportOptions)} writes.
 *
 * <ul>
 *   <li>Inputs have the network's names and shapes {@code [batch, shape]}, the batch of any size;
 *       integers are int64. Normalization is part of the model. Where an input says how many
 *       positions count, the length of the others is free, up to that of the network: the longest
 *       of a batch's examples is enough.
 *   <li>Outputs are named after heads and layers. Those of heads, {@code [batch, width]}, are what
 *       a {@link Predictor} answers: probabilities, or logits, and values.
 *   <li>The metadata {@code espalier.tasks} is JSON: of each head its name, kind, labels,
 *       thresholds, and whether its output is "probabilities" or "logits".
 * </ul>
 *
 * <p>Dropout, and what no output needs, is left out. Immutable; each method returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class OnnxExportOptions {
  private static final OnnxExportOptions DEFAULTS =
      new OnnxExportOptions(false, List.of(), List.of(), 17, false);

  private final boolean isLogits;
  private final List<String> heads;
  private final List<String> layers;
  private final int operatorSet;
  private final boolean isInt8Weights;

  private OnnxExportOptions(
      boolean isLogits,
      List<String> heads,
      List<String> layers,
      int operatorSet,
      boolean isInt8Weights) {
    this.isLogits = isLogits;
    this.heads = heads;
    this.layers = layers;
    this.operatorSet = operatorSet;
    this.isInt8Weights = isInt8Weights;
  }

  /**
   * Returns the defaults: probabilities of all heads, in operator set 17.
   *
   * @return the options
   */
  public static OnnxExportOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Writes logits instead of probabilities.
   *
   * @return changed options
   */
  public OnnxExportOptions logits() {
    return new OnnxExportOptions(true, heads, layers, operatorSet, isInt8Weights);
  }

  /**
   * Writes these heads alone (and {@link #layers}), in the network's order.
   *
   * @param names names of heads, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public OnnxExportOptions heads(String... names) {
    return new OnnxExportOptions(
        isLogits, List.of(Arguments.names("heads", names)), layers, operatorSet, isInt8Weights);
  }

  /**
   * Makes outputs of what layers make, {@code [batch, shape]}, and of no head but those named by
   * {@link #heads}: features, say.
   *
   * @param names names of layers, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public OnnxExportOptions layers(String... names) {
    return new OnnxExportOptions(
        isLogits, heads, List.of(Arguments.names("layers", names)), operatorSet, isInt8Weights);
  }

  /**
   * Writes a model of this operator set of ONNX. Programs read sets up to that of their own time,
   * so a low one is read by most; newer ones have one operator for what is several before: Mish
   * (from 18 on), gelu (20) and group norms (21).
   *
   * @param version from 17 to 22
   * @return changed options
   * @throws IllegalArgumentException if it is another
   */
  public OnnxExportOptions operatorSet(int version) {
    if (version < 17 || version > 22) {
      throw new IllegalArgumentException("operatorSet: expected from 17 to 22, got " + version);
    }
    return new OnnxExportOptions(isLogits, heads, layers, version, isInt8Weights);
  }

  /**
   * Writes the weights that {@link SaveOptions#int8Weights()} writes in 8 bits so here, too: bytes
   * with a scale for each output, which {@code DequantizeLinear} makes floats of as the model runs,
   * and tables of which only the rows that are read become floats. About a quarter of the bytes for
   * a transformer. As written the model computes in float with the rounded weights: its answers are
   * those of the network loaded from such a file. {@link Network#importOnnx} gives the same bytes
   * and scales again.
   *
   * <p>ONNX Runtime makes products of its own with such weights, which are faster and round their
   * inputs, too; with the session option {@code session.disable_quant_qdq} as {@code 1} it makes
   * floats of them once, as it loads the model.
   *
   * @return changed options
   */
  public OnnxExportOptions int8Weights() {
    return new OnnxExportOptions(isLogits, heads, layers, operatorSet, true);
  }

  /**
   * Returns whether the outputs of heads are logits.
   *
   * @return false for probabilities
   */
  public boolean isLogits() {
    return isLogits;
  }

  /**
   * Returns the heads that are written.
   *
   * @return their names, in the order given; empty for all heads, or none where {@link #layers} are
   *     given
   */
  public List<String> heads() {
    return heads;
  }

  /**
   * Returns the layers whose values are outputs.
   *
   * @return names; empty for none
   */
  public List<String> layers() {
    return layers;
  }

  /**
   * Returns the operator set that the model is of.
   *
   * @return its version
   */
  public int operatorSet() {
    return operatorSet;
  }

  /**
   * Returns whether weights are written in 8 bits where a predictor can have them so.
   *
   * @return false for floats
   */
  public boolean isInt8Weights() {
    return isInt8Weights;
  }

  String toJson() {
    return JsonWriter.write(
        Map.of(
            "logits",
            isLogits,
            "heads",
            heads,
            "layers",
            layers,
            "operator_set",
            operatorSet,
            "int8_weights",
            isInt8Weights));
  }

  /** Returns for example {@code "probabilities, all heads, operator set 17"}. */
  @Override
  public String toString() {
    String which = heads.isEmpty() ? (layers.isEmpty() ? ", all heads" : "") : ", heads " + heads;
    return (isLogits ? "logits" : "probabilities")
        + which
        + (layers.isEmpty() ? "" : ", layers " + layers)
        + ", operator set "
        + operatorSet
        + (isInt8Weights ? ", weights in 8 bits" : "");
  }
}
