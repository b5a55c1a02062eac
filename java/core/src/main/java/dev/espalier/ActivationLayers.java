// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;

/**
 * Adds activations, functions of each element, one after the other; see {@link Layers}.
 *
 * @param <B> the builder that the methods return
 * @since 0.1
 */
public abstract sealed class ActivationLayers<B extends ActivationLayers<B>> permits ImageLayers {
  ActivationLayers() {}

  /**
   * Adds {@code max(x, 0)}.
   *
   * @return this
   */
  public B relu() {
    return relu("");
  }

  /**
   * Adds {@code max(x, 0)}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B relu(String name) {
    return append(name, "relu");
  }

  /**
   * Adds {@code min(max(x, 0), 6)}.
   *
   * @return this
   */
  public B relu6() {
    return relu6("");
  }

  /**
   * Adds {@code min(max(x, 0), 6)}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B relu6(String name) {
    return append(name, "relu6");
  }

  /**
   * Adds {@code x} where positive, else {@code slope * x}.
   *
   * @param slope factor of negative values, 0 to 1000
   * @return this
   */
  public B leakyRelu(double slope) {
    return leakyRelu("", slope);
  }

  /**
   * Adds {@code x} where positive, else {@code slope * x}.
   *
   * @param name name of the layer, or "" to number it
   * @param slope factor of negative values, 0 to 1000
   * @return this
   */
  public B leakyRelu(String name, double slope) {
    return append(name, "leaky_relu", "slope", Arguments.inRange("slope", slope, 0, 1000));
  }

  /**
   * Adds {@code x * Phi(x)}, Phi being the normal distribution: Hendrycks and Gimpel 2016,
   * arXiv:1606.08415.
   *
   * @return this
   */
  public B gelu() {
    return gelu("");
  }

  /**
   * Adds a named gelu; see {@link #gelu()}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B gelu(String name) {
    return append(name, "gelu");
  }

  /**
   * Adds gelu's approximation {@code 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))},
   * which GPT-2 and other published networks were trained with: Hendrycks and Gimpel 2016,
   * arXiv:1606.08415. It is no faster here than {@link #gelu()}.
   *
   * @return this
   */
  public B geluTanh() {
    return geluTanh("");
  }

  /**
   * Adds a named gelu by tanh; see {@link #geluTanh()}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B geluTanh(String name) {
    return append(name, "gelu_tanh");
  }

  /**
   * Adds {@code x * sigmoid(x)}.
   *
   * @return this
   */
  public B silu() {
    return silu("");
  }

  /**
   * Adds {@code x * sigmoid(x)}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B silu(String name) {
    return append(name, "silu");
  }

  /**
   * Adds {@code 1 / (1 + exp(-x))}.
   *
   * @return this
   */
  public B sigmoid() {
    return sigmoid("");
  }

  /**
   * Adds {@code 1 / (1 + exp(-x))}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B sigmoid(String name) {
    return append(name, "sigmoid");
  }

  /**
   * Adds the hyperbolic tangent.
   *
   * @return this
   */
  public B tanh() {
    return tanh("");
  }

  /**
   * Adds the hyperbolic tangent.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B tanh(String name) {
    return append(name, "tanh");
  }

  /**
   * Adds {@code x * min(max(x + 3, 0), 6) / 6}.
   *
   * @return this
   */
  public B hardSwish() {
    return hardSwish("");
  }

  /**
   * Adds {@code x * min(max(x + 3, 0), 6) / 6}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B hardSwish(String name) {
    return append(name, "hard_swish");
  }

  /**
   * Adds {@code min(max(x + 3, 0), 6) / 6}.
   *
   * @return this
   */
  public B hardSigmoid() {
    return hardSigmoid("");
  }

  /**
   * Adds {@code min(max(x + 3, 0), 6) / 6}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B hardSigmoid(String name) {
    return append(name, "hard_sigmoid");
  }

  /**
   * Adds {@code x} where positive, else {@code exp(x) - 1}.
   *
   * @return this
   */
  public B elu() {
    return elu("", 1);
  }

  /**
   * Adds {@code x} where positive, else {@code alpha * (exp(x) - 1)}.
   *
   * @param name name of the layer, or "" to number it
   * @param alpha factor of negative values, 0 to 1000
   * @return this
   */
  public B elu(String name, double alpha) {
    return append(name, "elu", "alpha", Arguments.inRange("alpha", alpha, 0, 1000));
  }

  /**
   * Adds the self-normalizing elu: Klambauer et al. 2017, arXiv:1706.02515.
   *
   * @return this
   */
  public B selu() {
    return selu("");
  }

  /**
   * Adds the self-normalizing elu: Klambauer et al. 2017, arXiv:1706.02515.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B selu(String name) {
    return append(name, "selu");
  }

  /**
   * Adds {@code log(1 + exp(x))}.
   *
   * @return this
   */
  public B softplus() {
    return softplus("");
  }

  /**
   * Adds {@code log(1 + exp(x))}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B softplus(String name) {
    return append(name, "softplus");
  }

  /**
   * Adds {@code x * tanh(log(1 + exp(x)))}.
   *
   * @return this
   */
  public B mish() {
    return mish("");
  }

  /**
   * Adds {@code x * tanh(log(1 + exp(x)))}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B mish(String name) {
    return append(name, "mish");
  }

  /**
   * Adds {@code x} where positive, else {@code weight * x} with a learned weight, 0.25 at first: He
   * et al. 2015, arXiv:1502.01852.
   *
   * @return this
   */
  public B prelu() {
    return prelu("", LayerOptions.defaults());
  }

  /**
   * Adds prelu with options: {@code set("per_channel", true)} for a weight for each channel,
   * instead of one for all.
   *
   * @param name name of the layer, or "" to number it
   * @param options settings other than the defaults
   * @return this
   */
  public B prelu(String name, LayerOptions options) {
    return layer(name, "prelu", options);
  }

  /**
   * Adds a layer of any kind with any settings, by their names in model files.
   *
   * @param name name of the layer, or "" to number it
   * @param kind for example {@code "conv2d"}
   * @param options the settings
   * @return this
   */
  public abstract B layer(String name, String kind, LayerOptions options);

  private B append(String name, String kind) {
    return layer(name, kind, LayerOptions.defaults());
  }

  private B append(String name, String kind, String attribute, double value) {
    return layer(name, kind, LayerOptions.defaults().with(attribute, value));
  }
}
