// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Describes a network layer by layer: {@link Network#builder}. Each layer follows the one before,
 * constants aside, unless {@link #from} moved the place. Nothing native is made before {@link
 * #build}; a builder can build several networks. Belongs to one thread.
 *
 * @since 0.1
 */
public final class NetworkBuilder extends Layers<NetworkBuilder> {
  private static final String INPUT = "input"; // within a block, what it begins with

  private final List<Input> inputs;
  private final List<Map<String, Object>> heads = new ArrayList<>();
  private Map<String, Object> normalization;
  private final List<Block> blocks = new ArrayList<>(); // the innermost last
  private List<String> nextInputs = List.of();

  private record Block(String prefix, String input) {}

  NetworkBuilder(List<Input> inputs) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("inputs: expected at least one, got none");
    }
    this.inputs = inputs;
  }

  /**
   * Normalizes the (first) input, {@code (x - mean) / std}, as part of the network; stored with it.
   *
   * @param mean one number for all, or one a channel (first dimension); finite
   * @param std as many, finite and above 0
   * @return this
   * @throws IllegalArgumentException if the lengths differ or a number is out of range
   */
  public NetworkBuilder normalize(double[] mean, double[] std) {
    Objects.requireNonNull(mean, "mean");
    Objects.requireNonNull(std, "std");
    if (mean.length == 0 || mean.length != std.length) {
      throw new IllegalArgumentException(
          "normalize: expected as many standard deviations as means and at least one, got "
              + mean.length
              + " means and "
              + std.length
              + " standard deviations");
    }
    for (int i = 0; i < mean.length; i++) {
      if (!Double.isFinite(mean[i]) || !(std[i] > 0) || Double.isInfinite(std[i])) {
        throw new IllegalArgumentException(
            "normalize: expected a finite mean and a finite std above 0, got "
                + mean[i]
                + " and "
                + std[i]);
      }
    }
    normalization = new LinkedHashMap<>();
    normalization.put("mean", Arrays.stream(mean).boxed().toList());
    normalization.put("std", Arrays.stream(std).boxed().toList());
    return this;
  }

  /**
   * Normalizes all of the input, {@code (x - mean) / std}.
   *
   * @param mean of all channels, finite
   * @param std of all channels, finite and above 0
   * @return this
   */
  public NetworkBuilder normalize(double mean, double std) {
    return normalize(new double[] {mean}, new double[] {std});
  }

  /**
   * Continues from another layer: a branch. The next layer or head is computed from it.
   *
   * @param layer name of an earlier layer, or an input ({@code "input"} where there is one)
   * @param others further ones, for a {@link #layer} that reads several: {@code from("a",
   *     "b").layer("difference", "sub", LayerOptions.defaults())}
   * @return this
   */
  public NetworkBuilder from(String layer, String... others) {
    List<String> names = new ArrayList<>();
    names.add(resolve(NativeCall.text(layer, "layer")));
    for (String other : Objects.requireNonNull(others, "others")) {
      names.add(resolve(NativeCall.text(other, "others")));
    }
    nextInputs = List.copyOf(names);
    return this;
  }

  /**
   * Adds layers whose names begin with {@code "<name>."}: a part that is repeated, or one with a
   * residual connection. Within it, {@code "input"} is what the block begins with, layers without a
   * name are numbered anew, and names are first looked up in the block, then in what is around it:
   *
   * <pre>{@code
   * builder.block("layer1.0", b -> b
   *     .conv2d("conv1", 64, 3).batchNorm("bn1").relu()
   *     .conv2d("conv2", 64, 3).batchNorm("bn2")
   *     .add("sum", "bn2", "input").relu())
   * }</pre>
   *
   * <p>What follows the block is computed from its last layer. Blocks may have blocks in them.
   *
   * @param name of the block
   * @param layers adds its layers to the builder that it is given, which is this one
   * @return this
   * @throws IllegalArgumentException if the name is empty, or no layer was added
   */
  public NetworkBuilder block(String name, Consumer<? super NetworkBuilder> layers) {
    Objects.requireNonNull(layers, "layers");
    if (NativeCall.text(name, "name").isEmpty()) {
      throw new IllegalArgumentException("block: expected a name, got \"\"");
    }
    int before = specs().size();
    blocks.add(new Block(prefix() + name + ".", currentLayer()));
    try {
      layers.accept(this);
    } finally {
      blocks.remove(blocks.size() - 1);
    }
    if (specs().size() == before) {
      throw new IllegalArgumentException(
          "block \"" + name + "\": expected at least one layer in it, got none");
    }
    return this;
  }

  /**
   * Adds squeeze-and-excitation, which scales each channel by a factor that the averages of all
   * channels decide, with relu and sigmoid: Hu et al. 2017, arXiv:1709.01507.
   *
   * @param name name of the result; the layers before it are {@code "<name>.pool"}, {@code reduce},
   *     {@code activation}, {@code expand} and {@code gate}
   * @param channels of the layer before, which are those of the result, 1 to 2^20
   * @param squeezed channels in between, 1 to 2^20
   * @return this
   */
  public NetworkBuilder squeezeExcitation(String name, int channels, int squeezed) {
    return squeezeExcitation(name, channels, squeezed, "relu", "sigmoid");
  }

  /**
   * Adds squeeze-and-excitation with other functions than relu and sigmoid: {@code "silu"} and
   * {@code "sigmoid"} in EfficientNet, {@code "relu"} and {@code "hard_sigmoid"} in MobileNetV3.
   *
   * @param name name of the result; see {@link #squeezeExcitation(String, int, int)}
   * @param channels of the layer before, which are those of the result, 1 to 2^20
   * @param squeezed channels in between, 1 to 2^20
   * @param activation kind of layer that follows the reduction
   * @param gate kind of layer that makes the factors
   * @return this
   */
  public NetworkBuilder squeezeExcitation(
      String name, int channels, int squeezed, String activation, String gate) {
    LayerOptions options = LayerOptions.defaults();
    String features = currentLayer();
    block(
        name,
        b ->
            b.layer("pool", "global_average_pool2d", options.set("keep_dimensions", true))
                .conv2d("reduce", squeezed, 1)
                .layer("activation", activation, options)
                .conv2d("expand", channels, 1)
                .layer("gate", gate, options));
    nextInputs = List.of(features, prefix() + name + ".gate");
    return layer(name, "mul", options);
  }

  /**
   * Adds the product of two layers, element by element. Their shapes may differ as in NumPy:
   * dimensions are aligned at the right, and one of 1, or a missing one, is repeated. So {@code [C,
   * 1, 1]} scales the channels of {@code [C, H, W]}.
   *
   * @param name name of the layer, or "" to number it
   * @param first name of an earlier layer
   * @param second name of another one
   * @return this
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder mul(String name, String first, String second) {
    return join(name, "mul", first, second);
  }

  /**
   * Adds the sum of layers of equal shape, a residual connection; or of two layers whose shapes
   * differ as those of {@link #mul} may.
   *
   * @param name name of the layer, or "" to number it
   * @param layers names of two or more earlier layers
   * @return this
   * @throws IllegalArgumentException if there are fewer than two
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder add(String name, String... layers) {
    return join(name, "add", layers);
  }

  /**
   * Adds the concatenation of layers along the first dimension; the others have to be equal.
   *
   * @param name name of the layer, or "" to number it
   * @param layers names of two or more earlier layers
   * @return this
   * @throws IllegalArgumentException if there are fewer than two
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder concat(String name, String... layers) {
    return join(name, "concat", layers);
  }

  /**
   * Adds the concatenation of layers along any dimension; the others have to be equal.
   *
   * @param name name of the layer, or "" to number it
   * @param axis the dimension, from 0; negative ones count from the last
   * @param layers names of two or more earlier layers
   * @return this
   * @throws IllegalArgumentException if there are fewer than two, or the axis is not -8 to 7
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder concat(String name, int axis, String... layers) {
    checkSeveral("concat", layers);
    Arguments.inRange("axis", axis, -8, 7);
    return join(name, "concat", LayerOptions.defaults().set("axis", axis), layers);
  }

  /**
   * Adds scaled dot-product attention of several heads: Vaswani et al. 2017, arXiv:1706.03762. Each
   * head has {@code width / heads} of the columns of queries, keys and values, which are projected
   * already; the result is {@code [length of the queries, width]}.
   *
   * @param name name of the layer, or "" to number it
   * @param heads a divisor of the width
   * @param options settings other than the defaults: causal, scale
   * @param layers names of queries, keys and values, {@code [length, width]} each, or of one layer
   *     {@code [length, 3 * width]} that holds them side by side; perhaps followed by that of the
   *     number of valid keys, int32 {@code [1]}
   * @return this
   * @throws IllegalArgumentException if there are not 1 to 4 layers
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder attention(String name, int heads, LayerOptions options, String... layers) {
    Objects.requireNonNull(layers, "layers");
    if (layers.length < 1 || layers.length > 4) {
      throw new IllegalArgumentException("attention: expected 1 to 4 layers, got " + layers.length);
    }
    LayerOptions settings =
        Objects.requireNonNull(options, "options")
            .with("heads", Arguments.inRange("heads", heads, 1, 1 << 20))
            .with("packed", layers.length < 3);
    return join(name, "attention", settings, layers);
  }

  /**
   * Makes one vector of the valid positions: {@code [length, width]} becomes {@code [width]}.
   *
   * @param name name of the layer, or "" to number it
   * @param pooling how
   * @param layer name of the layer
   * @param lengths name of the number of valid positions, int32 {@code [1]}
   * @return this
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder tokenPool(String name, TokenPooling pooling, String layer, String lengths) {
    LayerOptions settings =
        LayerOptions.defaults().with("pool", Objects.requireNonNull(pooling, "pooling").specName());
    return join(name, "token_pool", settings, layer, lengths);
  }

  /**
   * Adds a gated recurrent unit over the valid positions alone: states behind them are 0, and the
   * way back begins at the last of them. See {@link #gru(String, int, LayerOptions)}.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @param options settings other than the defaults
   * @param layer name of the layer that it reads, {@code [length, width]}
   * @param lengths name of the number of valid positions, int32 {@code [1]}
   * @return this
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder gru(
      String name, int hidden, LayerOptions options, String layer, String lengths) {
    return join(
        name,
        "gru",
        with("gru", name, options, "hidden", channels("hidden", hidden)),
        layer,
        lengths);
  }

  /**
   * Adds a long short-term memory over the valid positions alone: states behind them are 0, and the
   * way back begins at the last of them. See {@link #lstm(String, int, LayerOptions)}.
   *
   * @param name name of the layer, or "" to number it
   * @param hidden elements of the state, 1 to 2^20
   * @param options settings other than the defaults
   * @param layer name of the layer that it reads, {@code [length, width]}
   * @param lengths name of the number of valid positions, int32 {@code [1]}
   * @return this
   * @throws IllegalStateException if {@link #from} has just named another place
   */
  public NetworkBuilder lstm(
      String name, int hidden, LayerOptions options, String layer, String lengths) {
    return join(
        name,
        "lstm",
        with("lstm", name, options, "hidden", channels("hidden", hidden)),
        layer,
        lengths);
  }

  /**
   * Adds an encoder block of a transformer over {@code [length, width]}: self-attention, then two
   * dense layers at each position, each added to what it reads. Its layers are {@code <name>.qkv,
   * .attention, .projection, .dropout1, .sum1, .norm1, .hidden, .activation, .output, .dropout2,
   * .sum2} and {@code .norm2}. Weights of PyTorch's {@code TransformerEncoderLayer} fit: {@code
   * in_proj} is {@code qkv}, {@code out_proj} {@code projection}, {@code linear1} {@code hidden},
   * {@code linear2} {@code output}.
   *
   * @param name name of the block
   * @param options its settings
   * @return this
   * @throws IllegalArgumentException if the name is empty
   */
  public NetworkBuilder transformerEncoder(String name, TransformerOptions options) {
    if (NativeCall.text(name, "name").isEmpty()) {
      throw new IllegalArgumentException("transformerEncoder: expected a name, got \"\"");
    }
    Objects.requireNonNull(options, "options");
    String input = currentLayer();
    takeInputs();
    return options.addTo(this, name, input);
  }

  /**
   * Puts a head on the layer that {@link #from} has just named, else on the last layer of the
   * backbone: all such heads stand on the same one, whatever the order of calls.
   *
   * @param name name of the head and its task
   * @param head what it answers
   * @return this
   */
  public NetworkBuilder head(String name, Head head) {
    Objects.requireNonNull(head, "head");
    List<String> from = takeInputs();
    if (from.size() > 1) {
      throw new IllegalStateException(
          "head \"" + name + "\": expected one layer to stand on, got from(" + from + ") before");
    }
    heads.add(head.settings().spec(name, from.isEmpty() ? "" : from.get(0)));
    return this;
  }

  /**
   * Puts a head on any layer.
   *
   * @param name name of the head and its task
   * @param from name of the layer whose output are its features; a network where that is the output
   *     of another head can be served, but not trained
   * @param head what it answers
   * @return this
   */
  public NetworkBuilder head(String name, String from, Head head) {
    heads.add(
        Objects.requireNonNull(head, "head")
            .settings()
            .spec(name, resolve(NativeCall.text(from, "from"))));
    return this;
  }

  /**
   * Checks the description, infers all shapes and initializes the parameters.
   *
   * @param seed of the initial parameters; the same seed gives the same bits
   * @return the network, to be closed by the caller
   * @throws ShapeException if shapes do not fit, naming layer, expected and got
   * @throws IllegalArgumentException if a name or setting is wrong, naming the layer
   * @throws NativeMemoryException if the memory budget is too small
   */
  public Network build(long seed) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("format", 1);
    spec.put("inputs", inputs.stream().map(this::spec).toList());
    spec.put("layers", specs());
    spec.put("heads", heads);
    String json = JsonWriter.write(spec);
    return new Network(NativeHandle.create(() -> Bridge.networkBuild(json, seed)));
  }

  private Map<String, Object> spec(Input input) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("name", input.name());
    spec.put("shape", Arrays.stream(input.shape().dims()).boxed().toList());
    spec.put("type", input.type());
    if (normalization != null && input == inputs.get(0)) {
      spec.put("normalize", normalization);
    }
    return spec;
  }

  /** Returns for example {@code "network of input [1, 28, 28], 5 layers, 2 heads"}. */
  @Override
  public String toString() {
    return "network of input "
        + (inputs.size() == 1 ? inputs.get(0).shape() : inputs)
        + ", "
        + specs().size()
        + " layers, "
        + heads.size()
        + " heads";
  }

  @Override
  NetworkBuilder self() {
    return this;
  }

  @Override
  List<String> takeInputs() {
    List<String> inputs = nextInputs;
    nextInputs = List.of();
    return inputs;
  }

  private NetworkBuilder join(String name, String kind, String... layers) {
    checkSeveral(kind, layers);
    return join(name, kind, LayerOptions.defaults(), layers);
  }

  private static void checkSeveral(String kind, String... layers) {
    Objects.requireNonNull(layers, "layers");
    if (layers.length < 2) {
      throw new IllegalArgumentException(
          kind + ": expected two or more layers, got " + layers.length);
    }
  }

  private NetworkBuilder join(String name, String kind, LayerOptions options, String... layers) {
    List<String> inputs =
        Arrays.stream(layers).map(layer -> resolve(NativeCall.text(layer, "layers"))).toList();
    if (!nextInputs.isEmpty()) {
      throw new IllegalStateException(
          kind
              + " \""
              + name
              + "\": expected its layers by the arguments alone, got from(\""
              + nextInputs.get(0)
              + "\") before");
    }
    nextInputs = inputs;
    return layer(name, kind, options);
  }

  @Override
  String fullName(String name, String kind) {
    if (blocks.isEmpty()) {
      return name;
    }
    String fullName = prefix() + name;
    for (int i = 1; name.isEmpty() && (i == 1 || isNamed(fullName)); i++) {
      fullName = prefix() + kind + i;
    }
    return fullName;
  }

  private String prefix() {
    return blocks.isEmpty() ? "" : blocks.get(blocks.size() - 1).prefix();
  }

  private boolean isNamed(String fullName) {
    return specs().stream().anyMatch(spec -> fullName.equals(spec.get("name")));
  }

  /** Returns the whole name of an earlier layer that is called {@code name} in this block. */
  private String resolve(String name) {
    for (int i = blocks.size() - 1; i >= 0; i--) {
      Block block = blocks.get(i);
      if (name.equals(INPUT)) {
        return block.input();
      }
      if (isNamed(block.prefix() + name)) {
        return block.prefix() + name;
      }
    }
    return name;
  }

  /** Returns what the next layer is computed from. */
  private String currentLayer() {
    if (nextInputs.size() > 1) {
      throw new IllegalStateException(
          "expected from() with one layer, got " + String.join(", ", nextInputs));
    }
    return nextInputs.isEmpty() ? lastLayer() : nextInputs.get(0);
  }

  /** Returns the last layer that takes inputs. If it is to be numbered, that is done now. */
  private String lastLayer() {
    Set<String> taken = new HashSet<>();
    specs().forEach(spec -> taken.add((String) spec.get("name")));
    Map<String, Integer> counts = new HashMap<>();
    String last = inputs.get(0).name();
    Map<String, Object> lastSpec = new HashMap<>();
    for (Map<String, Object> spec : specs()) {
      String kind = (String) spec.get("kind");
      String name = (String) spec.get("name");
      while (name == null || (!spec.containsKey("name") && taken.contains(name))) {
        name = kind + counts.merge(kind, 1, Integer::sum);
      }
      if (takesInputs(kind)) {
        last = name;
        lastSpec = spec;
      }
    }
    lastSpec.put("name", last);
    return last;
  }
}
