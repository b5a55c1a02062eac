// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Which tensor of a safetensors file is which parameter of a network, for {@link
 * Network#loadWeights} and {@link Network#exportSafetensors}.
 *
 * <p>Rules name tensors by parameters: {@code rename("layer1.*.bn.*", "layer1.*.norm.*")}. In both
 * names {@code *} is any run of characters, as short as will do, and {@code ?} any one; the second
 * name has the same wildcards in the same order, and each is there what it was in the first. The
 * first rule that matches a parameter's path applies, in the order in which they were added; those
 * of a ready map come last. Without one, the tensor has the parameter's path as its name. No two
 * parameters may have one tensor, and a rule of one's own that matches no parameter is an error.
 *
 * <p>Immutable; each method returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class WeightMap {
  private final String known;
  private final String prefix;
  private final List<Map<String, Object>> rules;
  private final List<String> mayStay;
  private final List<String> mayBeUnused;

  private WeightMap(
      String known,
      String prefix,
      List<Map<String, Object>> rules,
      List<String> mayStay,
      List<String> mayBeUnused) {
    this.known = known;
    this.prefix = prefix;
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
    return known("");
  }

  private static WeightMap known(String name) {
    return new WeightMap(name, "", List.of(), List.of(), List.of());
  }

  /**
   * Returns a map that learns from the file which tensor is which parameter: what has the same
   * name; then layers, told apart by the shapes of all their parameters, the words and numbers in
   * their names, or their order where nothing but numbers differs. Nothing is guessed: what more
   * than one choice is left for is an error that lists it, to be said by {@link #rename}. Rules of
   * one's own go first, and parameters that {@link #mayStay} are found by the same name alone.
   * {@link WeightReport#evidence} says why each was taken. {@link Network#exportSafetensors} has
   * nothing to learn from and refuses it.
   *
   * @return a map to start from
   */
  public static WeightMap learned() {
    return known("learned");
  }

  /**
   * Returns torchvision's names of a ResNet whose layers are called as there but for its batch
   * norms, which are called after their convolutions ({@code conv1.bn}, {@code layer2.0.conv1.bn}),
   * and whose projections are {@code layer2.0.downsample} and {@code layer2.0.downsample.bn}. Heads
   * may stay as they are, and {@code fc} need not be used. timm has the same names.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionResNet() {
    return known("torchvision_resnet");
  }

  /**
   * Returns the same for a MobileNetV2: {@code features.0}, {@code features.18}, and in the blocks
   * between {@code expand}, {@code depthwise} and {@code project}, each with its {@code bn}.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionMobileNetV2() {
    return known("torchvision_mobilenet_v2");
  }

  /**
   * Returns the same for the small MobileNetV3, whose blocks have {@code se}, a
   * squeeze-and-excitation, before {@code project}. Its dense layer {@code classifier.0} may stay,
   * too.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionMobileNetV3Small() {
    return known("torchvision_mobilenet_v3_small");
  }

  /**
   * Returns the same for the large MobileNetV3.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionMobileNetV3Large() {
    return known("torchvision_mobilenet_v3_large");
  }

  /**
   * Returns the same for EfficientNet-B0 to B7: {@code features.0}, blocks from {@code
   * features.1.0} to the last of {@code features.7}, {@code features.8}.
   *
   * @return a map to start from
   */
  public static WeightMap torchvisionEfficientNet() {
    return known("torchvision_efficientnet");
  }

  /**
   * Returns timm's names of MobileNetV2, MobileNetV3 and EfficientNet, whose layers are called as
   * there but for batch norms, which are called after their convolutions ({@code conv_stem.bn},
   * {@code blocks.1.0.conv_dw.bn}), and {@code se.reduce} and {@code se.expand} of
   * squeeze-and-excitation. Heads may stay, and {@code classifier} need not be used.
   *
   * @return a map to start from
   */
  public static WeightMap timmMobileNet() {
    return known("timm_mobilenet");
  }

  /**
   * Returns timm's names of a vision transformer: {@code patch_embed.proj}, {@code cls_token},
   * {@code pos_embed}, blocks {@code blocks.0}, {@code blocks.1} … as {@link
   * NetworkBuilder#transformerEncoder} writes them, and {@code norm}. Heads may stay, and {@code
   * head} need not be used.
   *
   * @return a map to start from
   */
  public static WeightMap timmVisionTransformer() {
    return known("timm_vision_transformer");
  }

  /**
   * Returns Hugging Face's names of an encoder like BERT: {@code embeddings.word_embeddings},
   * {@code embeddings.token_type_embeddings}, {@code embeddings.position_embeddings}, {@code
   * embeddings.LayerNorm}, and blocks {@code encoder.layer.0} … as {@link
   * NetworkBuilder#transformerEncoder} writes them. Heads may stay; poolers and ids of positions
   * need not be used.
   *
   * @param prefix what all tensors' names begin with: {@code "bert."} in the files of models with a
   *     head, else an empty text
   * @return a map to start from
   */
  public static WeightMap bert(String prefix) {
    return new WeightMap(
        "bert", Objects.requireNonNull(prefix, "prefix"), List.of(), List.of(), List.of());
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
   * Adds a rule for parameters that are several tensors in the file, the rows of each after those
   * of the one before: {@code join("block.qkv.*", "query.*", "key.*", "value.*")}.
   *
   * @param parameter a parameter's path, or a pattern
   * @param tensors their names, each with the pattern's wildcards, at least one
   * @return a changed map
   * @throws IllegalArgumentException if there is none, or a name is empty or given twice
   */
  public WeightMap join(String parameter, String... tensors) {
    Arguments.names("parameter", parameter);
    List<String> names = List.of(Arguments.names("tensors", tensors));
    return with(
        Map.of(
            "parameter",
            parameter,
            "tensor",
            names.get(0),
            "values",
            "same",
            "joined",
            names.subList(1, names.size())));
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
    return new WeightMap(known, prefix, rules, joined(mayStay, names), mayBeUnused);
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
    return new WeightMap(known, prefix, rules, mayStay, joined(mayBeUnused, names));
  }

  private WeightMap with(String parameter, String tensor, String values) {
    Arguments.names("parameter", parameter);
    Arguments.names("tensor", tensor);
    return with(Map.of("parameter", parameter, "tensor", tensor, "values", values));
  }

  private WeightMap with(Map<String, Object> rule) {
    return new WeightMap(known, prefix, joined(rules, List.of(rule)), mayStay, mayBeUnused);
  }

  private static <T> List<T> joined(List<T> first, List<T> second) {
    List<T> all = new ArrayList<>(first);
    all.addAll(second);
    return List.copyOf(all);
  }

  String toJson() {
    return JsonWriter.write(
        Map.of(
            "known",
            known,
            "prefix",
            prefix,
            "rules",
            rules,
            "may_stay",
            mayStay,
            "may_be_unused",
            mayBeUnused));
  }

  /** Returns for example {@code "torchvision_resnet, 1 rule of one's own"}. */
  @Override
  public String toString() {
    String names = known.isEmpty() ? "same names" : known;
    return names + ", " + rules.size() + (rules.size() == 1 ? " rule" : " rules") + " of one's own";
  }
}
