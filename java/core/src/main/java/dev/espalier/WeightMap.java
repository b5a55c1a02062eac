// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Which tensor of a safetensors file is which parameter of a network, for {@link
 * Network#loadWeights} and {@link Network#exportSafetensors}.
 *
 * <p>Rules name tensors by parameters: {@code rename("layer1.*.bn.*", "layer1.*.norm.*")}. In both
 * names {@code *} is any run of characters, as short as will do, and {@code ?} any one; the second
 * name has the same wildcards in the same order, and each is there what it was in the first. The
 * first rule that matches a parameter's path applies, in the order in which they were added; those
 * of a ready map come last. Without one, the tensor has the parameter's path as its name. No two
 * parameters may have one tensor.
 *
 * <p>Immutable; each method returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class WeightMap {
  private final String known;
  private final List<Map<String, String>> rules;
  private final List<String> mayStay;
  private final List<String> mayBeUnused;

  private WeightMap(
      String known,
      List<Map<String, String>> rules,
      List<String> mayStay,
      List<String> mayBeUnused) {
    this.known = known;
    this.rules = rules;
    this.mayStay = mayStay;
    this.mayBeUnused = mayBeUnused;
  }

  /**
   * Returns the map of a file that calls all parameters as the network does, with nothing left over
   * on either side.
   *
   * @return a map to start from
   */
  public static WeightMap sameNames() {
    return new WeightMap("", List.of(), List.of(), List.of());
  }

  /**
   * Returns torchvision's names of a ResNet whose layers are called as there but for its batch
   * norms, which are called after their convolutions ({@code conv1.bn}, {@code layer2.0.conv1.bn}),
   * and whose projections are {@code layer2.0.downsample} and {@code layer2.0.downsample.bn}. Heads
   * may stay as they are, and {@code fc} need not be used.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionResNet() {
    return new WeightMap("torchvision_resnet", List.of(), List.of(), List.of());
  }

  /**
   * Returns the same for a MobileNetV2: {@code features.0}, {@code features.18}, and in the blocks
   * between {@code expand}, {@code depthwise} and {@code project}, each with its {@code bn}.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionMobileNetV2() {
    return new WeightMap("torchvision_mobilenet_v2", List.of(), List.of(), List.of());
  }

  /**
   * Adds a rule for values that lie in the file as in the network.
   *
   * @param parameter a parameter's path, or a pattern
   * @param tensor the tensor's name
   * @return a changed map
   * @throws IllegalArgumentException if a name is empty
   */
  public WeightMap rename(String parameter, String tensor) {
    return with(parameter, tensor, "same");
  }

  /**
   * Adds a rule for matrices that are {@code [in, out]} in the file, as TensorFlow has them, and
   * {@code [out, in]} in the network.
   *
   * @param parameter the path of a parameter of two dimensions, or a pattern
   * @param tensor the tensor's name
   * @return a changed map
   * @throws IllegalArgumentException if a name is empty
   */
  public WeightMap transpose(String parameter, String tensor) {
    return with(parameter, tensor, "transposed");
  }

  /**
   * Adds a rule for as many values in another shape: {@code [n, c, 1, 1]} in the file, {@code [n,
   * c]} in the network. It does not say how to write them, so {@link Network#exportSafetensors}
   * refuses it.
   *
   * @param parameter a parameter's path, or a pattern
   * @param tensor the tensor's name
   * @return a changed map
   * @throws IllegalArgumentException if a name is empty
   */
  public WeightMap reshape(String parameter, String tensor) {
    return with(parameter, tensor, "reshaped");
  }

  /**
   * Lets parameters stay as they are where the file has no tensor for them, or one that does not
   * fit: a head of another width.
   *
   * @param parameters paths or patterns, at least one
   * @return a changed map
   * @throws IllegalArgumentException if there is none, or one is empty or given twice
   */
  public WeightMap mayStay(String... parameters) {
    List<String> names = List.of(Arguments.names("parameters", parameters));
    return new WeightMap(known, rules, joined(mayStay, names), mayBeUnused);
  }

  /**
   * Lets tensors of the file be left unread.
   *
   * @param tensors names or patterns, at least one
   * @return a changed map
   * @throws IllegalArgumentException if there is none, or one is empty or given twice
   */
  public WeightMap mayBeUnused(String... tensors) {
    List<String> names = List.of(Arguments.names("tensors", tensors));
    return new WeightMap(known, rules, mayStay, joined(mayBeUnused, names));
  }

  private WeightMap with(String parameter, String tensor, String values) {
    Arguments.names("parameter", parameter);
    Arguments.names("tensor", tensor);
    Map<String, String> rule = Map.of("parameter", parameter, "tensor", tensor, "values", values);
    return new WeightMap(known, joined(rules, List.of(rule)), mayStay, mayBeUnused);
  }

  private static <T> List<T> joined(List<T> first, List<T> second) {
    List<T> all = new ArrayList<>(first);
    all.addAll(second);
    return List.copyOf(all);
  }

  String toJson() {
    return JsonWriter.write(
        Map.of("known", known, "rules", rules, "may_stay", mayStay, "may_be_unused", mayBeUnused));
  }

  /** Returns for example {@code "torchvision_resnet, 1 rule of one's own"}. */
  @Override
  public String toString() {
    String names = known.isEmpty() ? "same names" : known;
    return names + ", " + rules.size() + (rules.size() == 1 ? " rule" : " rules") + " of one's own";
  }
}
