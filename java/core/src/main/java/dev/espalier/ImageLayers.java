// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;

/**
 * Adds layers for images and sequences, one after the other; see {@link Layers}.
 *
 * @param <B> the builder that the methods return
 * @since 0.1
 */
public abstract sealed class ImageLayers<B extends ImageLayers<B>> extends ActivationLayers<B>
    permits Layers {
  ImageLayers() {}

  /**
   * Adds a convolution with stride 1 and padding {@code same}: {@code [C, H, W]} becomes {@code
   * [channels, H, W]}.
   *
   * @param channels output channels, 1 to 2^20
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @return this
   */
  public B conv2d(int channels, int kernel) {
    return conv2d("", channels, kernel);
  }

  /**
   * Adds a named convolution; see {@link #conv2d(int, int)}.
   *
   * @param name name of the layer, or "" to number it
   * @param channels output channels, 1 to 2^20
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @return this
   */
  public B conv2d(String name, int channels, int kernel) {
    return conv2d(name, channels, kernel, LayerOptions.defaults());
  }

  /**
   * Adds a convolution with options: stride, padding, dilation, groups, bias, initializer.
   *
   * <p><b>Stride 2 and weights of PyTorch.</b> The default padding, {@code same}, gives ceil(n /
   * stride) rows and columns and puts what is odd at the end: a 3x3 kernel with stride 2 on an even
   * size has no zeros at the top and left and one row and column at the bottom and right, as in
   * TensorFlow. PyTorch's {@code padding=1} has one on each side, which gives the same shape but
   * other windows. With its weights say {@code LayerOptions.defaults().stride(2).padding(1)}; in
   * general {@code padding(p)} is {@code padding=p}. With stride 1 and an odd kernel, both are
   * equal.
   *
   * @param name name of the layer, or "" to number it
   * @param channels output channels, 1 to 2^20
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B conv2d(String name, int channels, int kernel, LayerOptions options) {
    LayerOptions withKernel = with("conv2d", name, options, "kernel", window("kernel", kernel));
    return append(name, "conv2d", withKernel, "channels", channels("channels", channels));
  }

  /**
   * Adds a convolution with a kernel that is no square; see {@link #conv2d(String, int, int,
   * LayerOptions)}.
   *
   * @param name name of the layer, or "" to number it
   * @param channels output channels, 1 to 2^20
   * @param rows of the kernel, 1 to 1024
   * @param columns of the kernel, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B conv2d(String name, int channels, int rows, int columns, LayerOptions options) {
    LayerOptions withKernel = with("conv2d", name, options, "kernel", window(rows, columns));
    return append(name, "conv2d", withKernel, "channels", channels("channels", channels));
  }

  /**
   * Adds a convolution along a sequence, with stride 1 and padding {@code same}: {@code [C, L]}
   * becomes {@code [channels, L]}.
   *
   * @param channels output channels, 1 to 2^20
   * @param kernel elements of the kernel, 1 to 1024
   * @return this
   */
  public B conv1d(int channels, int kernel) {
    return conv1d("", channels, kernel, LayerOptions.defaults());
  }

  /**
   * Adds a convolution along a sequence with options: stride, padding (one number, or {@code begin,
   * end}), dilation, groups, bias, initializer. PyTorch's {@code padding=p} is {@code padding(p)}.
   *
   * @param name name of the layer, or "" to number it
   * @param channels output channels, 1 to 2^20
   * @param kernel elements of the kernel, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B conv1d(String name, int channels, int kernel, LayerOptions options) {
    LayerOptions withKernel = with("conv1d", name, options, "kernel", window("kernel", kernel));
    return append(name, "conv1d", withKernel, "channels", channels("channels", channels));
  }

  /**
   * Adds a transposed convolution with options: stride, padding, {@code set("output_padding", n)},
   * dilation, groups, bias, initializer. Without options it is PyTorch's {@code ConvTranspose2d},
   * whose {@code padding=p} is {@code padding(p)}; {@code same()} multiplies height and width by
   * the stride, as in TensorFlow.
   *
   * @param name name of the layer, or "" to number it
   * @param channels output channels, 1 to 2^20
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B convTranspose2d(String name, int channels, int kernel, LayerOptions options) {
    LayerOptions withKernel =
        with("conv_transpose2d", name, options, "kernel", window("kernel", kernel));
    return append(name, "conv_transpose2d", withKernel, "channels", channels("channels", channels));
  }

  /**
   * Adds a convolution of each channel by itself, with stride 1 and padding {@code same}.
   *
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @return this
   */
  public B depthwiseConv2d(int kernel) {
    return depthwiseConv2d("", kernel, LayerOptions.defaults());
  }

  /**
   * Adds a depthwise convolution with options: multiplier, stride, padding, dilation, bias,
   * initializer. With a stride and weights of PyTorch set the padding too; see {@link
   * #conv2d(String, int, int, LayerOptions)}.
   *
   * @param name name of the layer, or "" to number it
   * @param kernel rows and columns of the kernel, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B depthwiseConv2d(String name, int kernel, LayerOptions options) {
    return append(name, "depthwise_conv2d", options, "kernel", window("kernel", kernel));
  }

  /**
   * Adds max pooling; the stride equals the window, rows and columns left over are dropped.
   *
   * @param window rows and columns, 1 to 1024
   * @return this
   */
  public B maxPool2d(int window) {
    return maxPool2d("", window, LayerOptions.defaults());
  }

  /**
   * Adds max pooling with options: stride, padding. The default, no padding, is PyTorch's; its
   * {@code MaxPool2d(3, stride=2, padding=1)} is {@code stride(2).padding(1)}, not {@code
   * stride(2).same()}, which puts what is odd at the end.
   *
   * @param name name of the layer, or "" to number it
   * @param window rows and columns, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B maxPool2d(String name, int window, LayerOptions options) {
    return append(name, "max_pool2d", options, "window", window("window", window));
  }

  /**
   * Adds average pooling; the stride equals the window, rows and columns left over are dropped.
   *
   * @param window rows and columns, 1 to 1024
   * @return this
   */
  public B averagePool2d(int window) {
    return averagePool2d("", window, LayerOptions.defaults());
  }

  /**
   * Adds average pooling with options: stride, padding, whether padding counts. The default, no
   * padding, is PyTorch's; as for max pooling, its {@code padding=p} is {@code padding(p)}.
   *
   * @param name name of the layer, or "" to number it
   * @param window rows and columns, 1 to 1024
   * @param options settings other than the defaults
   * @return this
   */
  public B averagePool2d(String name, int window, LayerOptions options) {
    return append(name, "average_pool2d", options, "window", window("window", window));
  }

  /**
   * Adds the mean over each channel: {@code [C, H, W]} becomes {@code [C]}.
   *
   * @return this
   */
  public B globalAveragePool2d() {
    return globalAveragePool2d("");
  }

  /**
   * Adds the mean over each channel: {@code [C, H, W]} becomes {@code [C]}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B globalAveragePool2d(String name) {
    return append(name, "global_average_pool2d");
  }

  /**
   * Adds the maximum of each channel: {@code [C, H, W]} becomes {@code [C]}.
   *
   * @return this
   */
  public B globalMaxPool2d() {
    return globalMaxPool2d("");
  }

  /**
   * Adds the maximum of each channel: {@code [C, H, W]} becomes {@code [C]}.
   *
   * @param name name of the layer, or "" to number it
   * @return this
   */
  public B globalMaxPool2d(String name) {
    return append(name, "global_max_pool2d");
  }

  /**
   * Makes images larger or smaller by a factor, each element being the nearest of the input:
   * PyTorch's {@code interpolate(scale_factor=scale)}.
   *
   * @param scale of height and width, 1/1024 to 1024
   * @return this
   */
  public B resize(double scale) {
    return layer("", "resize", LayerOptions.defaults().set("scale", scale));
  }

  /**
   * Brings images to a size, with options: {@code set("mode", "bilinear")} instead of the nearest,
   * {@code set("corners", "align_corners")}; docs/model_file.md lists them. PyTorch's {@code
   * interpolate(size=(rows, columns))}.
   *
   * @param name name of the layer, or "" to number it
   * @param rows height of the output, 1 to 2^20
   * @param columns width of the output, 1 to 2^20
   * @param options settings other than the defaults
   * @return this
   */
  public B resize(String name, int rows, int columns, LayerOptions options) {
    List<Integer> size = List.of(channels("rows", rows), channels("columns", columns));
    return append(name, "resize", options, "size", size);
  }

  /**
   * Adds group norm, of each example by itself: Wu and He 2018, arXiv:1803.08494.
   *
   * @param groups of channels, a divisor of their number
   * @return this
   */
  public B groupNorm(int groups) {
    return groupNorm("", groups, LayerOptions.defaults());
  }

  /**
   * Adds group norm with options: epsilon, {@code set("affine", false)} for one without weight and
   * bias.
   *
   * @param name name of the layer, or "" to number it
   * @param groups of channels, a divisor of their number
   * @param options settings other than the defaults
   * @return this
   */
  public B groupNorm(String name, int groups, LayerOptions options) {
    return append(name, "group_norm", options, "groups", channels("groups", groups));
  }

  /**
   * Adds instance norm, of each channel of each example by itself, without weight and bias: Ulyanov
   * et al. 2016, arXiv:1607.08022.
   *
   * @return this
   */
  public B instanceNorm() {
    return instanceNorm("", LayerOptions.defaults());
  }

  /**
   * Adds instance norm with options: epsilon, {@code set("affine", true)} for weight and bias per
   * channel.
   *
   * @param name name of the layer, or "" to number it
   * @param options settings other than the defaults
   * @return this
   */
  public B instanceNorm(String name, LayerOptions options) {
    return layer(name, "instance_norm", options);
  }

  B append(String name, String kind) {
    return layer(name, kind, LayerOptions.defaults());
  }

  B append(String name, String kind, LayerOptions options, String attribute, Object value) {
    return layer(name, kind, with(kind, name, options, attribute, value));
  }

  /** Adds what an argument says to the options, which must not say it as well. */
  static LayerOptions with(
      String kind, String name, LayerOptions options, String attribute, Object value) {
    Object other = Objects.requireNonNull(options, "options").attributes().get(attribute);
    if (other != null) {
      throw new IllegalArgumentException(
          kind
              + " \""
              + name
              + "\": expected "
              + attribute
              + " by the argument alone, got "
              + value
              + " there and "
              + other
              + " in the options");
    }
    return options.with(attribute, value);
  }

  static int channels(String name, int value) {
    return Arguments.inRange(name, value, 1, 1 << 20);
  }

  static int window(String name, int value) {
    return Arguments.inRange(name, value, 1, 1024);
  }

  private static List<Integer> window(int rows, int columns) {
    return List.of(window("rows", rows), window("columns", columns));
  }
}
