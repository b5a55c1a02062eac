// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Networks of layers of all kinds, with settings, inputs and order by chance: what can be built
 * answers with the same bits alone and in a batch, trains or says why not, and survives a model
 * file. The environment variable ESPALIER_STORM_SECONDS makes it long.
 */
class RandomLayersTest {
  private static final long NANOS =
      TimeUnit.SECONDS.toNanos(
          Long.parseLong(System.getenv().getOrDefault("ESPALIER_STORM_SECONDS", "5")));
  private static final int EXAMPLES = 3;

  /** Parameters of a network whose file the heap has room for. */
  private static final int MOST_SAVED = 1 << 24;

  /** Kinds with the attributes that are tried; the first ones have to be there. */
  private static final Map<String, List<String>> KINDS =
      Map.ofEntries(
          kind("dense", "units", "bias", "per_position"),
          kind("conv2d", "channels", "kernel", "stride", "padding", "dilation", "groups"),
          kind("depthwise_conv2d", "kernel", "multiplier", "stride", "padding"),
          kind("conv_transpose2d", "channels", "kernel", "stride", "padding", "output_padding"),
          kind("conv1d", "channels", "kernel", "stride", "padding", "dilation", "groups"),
          kind("max_pool2d", "window", "stride", "padding"),
          kind("average_pool2d", "window", "stride", "padding", "count_include_pad"),
          kind("global_average_pool2d"),
          kind("global_max_pool2d"),
          kind("resize", "size", "mode", "corners"),
          kind("batch_norm"),
          kind("layer_norm", "epsilon", "per_position"),
          kind("group_norm", "groups", "affine"),
          kind("instance_norm", "affine"),
          kind("rms_norm"),
          kind("attention", "heads", "causal", "packed"),
          kind("constant", "shape", "initializer_value"),
          kind("embedding", "count", "width", "padding_id"),
          kind("position_embedding", "max_length"),
          kind("token_pool", "pool"),
          kind("gru", "hidden", "bidirectional", "return_sequence", "bias", "reset_after"),
          kind("lstm", "hidden", "bidirectional", "return_sequence", "bias"),
          kind("dropout", "rate"),
          kind("relu"),
          kind("gelu"),
          kind("gelu_tanh"),
          kind("hard_swish"),
          kind("elu", "alpha"),
          kind("prelu", "per_channel"),
          kind("softmax", "axis"),
          kind("tanh"),
          kind("exp"),
          kind("add"),
          kind("mul"),
          kind("div"),
          kind("where"),
          kind("concat", "axis"),
          kind("flatten"),
          kind("reshape", "shape"),
          kind("transpose", "order"),
          kind("squeeze", "axes"),
          kind("unsqueeze", "axes"),
          kind("expand", "shape"),
          kind("reduce", "axes", "reduction", "keep_dims"),
          kind("slice", "begin", "end", "step"),
          kind("gather", "indices", "axis"),
          kind("pad", "before", "after", "mode"),
          kind("arg_max", "axis", "keep_dims"),
          kind("top_k", "k", "axis", "largest"),
          kind("top_k_indices", "k", "axis", "largest"),
          kind("remainder"),
          kind("less"),
          kind("cast", "to", "from"),
          kind("matmul", "transpose_first", "transpose_second"));

  private static final Set<String> FLAGS =
      Set.of(
          "bias",
          "bidirectional",
          "return_sequence",
          "reset_after",
          "per_position",
          "count_include_pad",
          "affine",
          "causal",
          "packed",
          "per_channel",
          "keep_dims",
          "largest",
          "transpose_first",
          "transpose_second");
  private static final Set<String> LISTS =
      Set.of("shape", "order", "axes", "begin", "end", "step", "indices", "before", "after");
  private static final List<String> WORDS =
      List.of(
          "same",
          "valid",
          "mean",
          "max",
          "first",
          "sum",
          "l2",
          "bilinear",
          "nearest",
          "align_corners",
          "half_pixel",
          "float32",
          "int32",
          "last",
          "channels",
          "reflect",
          "edge");

  private final Set<String> built = new TreeSet<>();
  private int fits;

  private record Layer(String name, String kind, LayerOptions options, List<String> from) {
    void addTo(NetworkBuilder builder) {
      String[] others = from.subList(1, from.size()).toArray(new String[0]);
      if (!kind.equals("constant")) {
        builder.from(from.get(0), others);
      }
      builder.layer(name, kind, options);
    }
  }

  private static Map.Entry<String, List<String>> kind(String name, String... attributes) {
    return Map.entry(name, List.of(attributes));
  }

  private static int number(SplittableRandom random) {
    return switch (random.nextInt(12)) {
      case 0 -> -1 - random.nextInt(3);
      case 1 -> 0;
      case 2 -> random.nextInt(70);
      case 3 -> 1 << random.nextInt(21);
      default -> 1 + random.nextInt(5);
    };
  }

  private static Object value(SplittableRandom random, String attribute) {
    if (random.nextInt(8) == 0) { // of any type
      return List.of(random.nextBoolean(), 0.5, "nonsense", List.of(), -7).get(random.nextInt(5));
    }
    if (FLAGS.contains(attribute)) {
      return random.nextBoolean();
    }
    if (Set.of("mode", "corners", "pool", "reduction", "to", "from").contains(attribute)
        || Set.of("padding", "axis").contains(attribute) && random.nextBoolean()) {
      return WORDS.get(random.nextInt(WORDS.size()));
    }
    if (LISTS.contains(attribute)) {
      List<Integer> numbers = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        numbers.add(attribute.equals("order") || attribute.equals("axes") ? i : number(random));
      }
      return numbers;
    }
    if (attribute.equals("hidden")) { // its square counts
      return Math.min(number(random), 200);
    }
    return number(random);
  }

  private static Input input(SplittableRandom random, String name) {
    int[] dimensions = random.ints(1 + random.nextInt(3), 1, 8).toArray();
    Shape shape = Shape.of(dimensions);
    return random.nextInt(5) == 0 ? Input.integers(name, shape) : Input.floats(name, shape);
  }

  private static Layer layer(SplittableRandom random, String name, List<String> before) {
    List<String> kinds = List.copyOf(new TreeSet<>(KINDS.keySet()));
    String kind = kinds.get(random.nextInt(kinds.size()));
    LayerOptions options = LayerOptions.defaults();
    for (String attribute : KINDS.get(kind)) {
      boolean isFirst = attribute.equals(KINDS.get(kind).get(0));
      if (random.nextInt(10) < (isFirst ? 9 : 4)) {
        options = options.with(attribute, value(random, attribute));
      }
    }
    List<String> from = new ArrayList<>();
    for (int i = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0; i >= 0; i--) {
      from.add(before.get(before.size() - 1 - random.nextInt(Math.min(3, before.size()))));
    }
    return new Layer(name, kind, options, from);
  }

  private static NetworkBuilder builder(Input[] inputs, List<Layer> layers) {
    NetworkBuilder builder = Network.builder(inputs);
    layers.forEach(layer -> layer.addTo(builder));
    return builder;
  }

  /** Returns true if it can be built; else there has to be a reason. */
  private static boolean canBuild(NetworkBuilder builder) {
    try {
      builder.build(1).close();
      return true;
    } catch (IllegalArgumentException | EspalierException refused) {
      assertTrue(refused.getMessage().length() > 10, refused.getMessage());
      return false;
    }
  }

  @Test
  void whatCanBeBuiltWorks() {
    long end = System.nanoTime() + NANOS;
    int networks = 0;
    for (long seed = 0; System.nanoTime() < end || networks < 100; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Input[] inputs = new Input[1 + random.nextInt(2)];
      List<String> names = new ArrayList<>();
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = input(random, "input" + i);
        names.add("input" + i);
      }
      List<Layer> layers = new ArrayList<>();
      for (int attempt = 0; attempt < 20 && layers.size() < 4; attempt++) {
        Layer layer = layer(random, "layer" + layers.size(), names);
        layers.add(layer);
        if (canBuild(builder(inputs, layers))) {
          names.add(layer.name());
          built.add(layer.kind());
        } else {
          layers.remove(layers.size() - 1);
        }
      }
      NetworkBuilder whole = builder(inputs, layers).head("task", Head.labels("a", "b"));
      if (canBuild(whole)) {
        networks++;
        try (Network network = whole.build(seed)) {
          use(network, inputs, random, "seed " + seed + ", " + layers);
        }
      }
    }
    System.out.printf("%d random networks of %s, %d fits%n", networks, built, fits);
    assertTrue(built.size() > 30, built.toString());
  }

  private void use(Network network, Input[] inputs, SplittableRandom random, String what) {
    float[] rows = rows(inputs, random);
    try (Predictor predictor =
        network.predictor(PredictorOptions.defaults().logits().maxBatchSize(2))) {
      int[] together = Dots.bits(predictor.predict(rows));
      int size = rows.length / EXAMPLES;
      for (int i = 0; i < EXAMPLES; i++) {
        int[] alone =
            Dots.bits(predictor.predict(Arrays.copyOfRange(rows, i * size, (i + 1) * size)));
        for (int k = 0; k < alone.length; k++) {
          assertSameNumber(together[i * alone.length + k], alone[k], what);
        }
      }
    } catch (IllegalArgumentException | EspalierException refused) {
      return; // integers out of range, or memory
    }
    fit(network, inputs, rows);
    if (network.layers().stream().mapToLong(LayerSummary::parameterCount).sum() > MOST_SAVED) {
      return;
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    network.save(file);
    try (Network loaded = Network.load(file.toByteArray())) {
      assertEquals(network.summary(), loaded.summary(), what);
    } catch (ModelFileException pastALimit) {
      assertTrue(pastALimit.getMessage().contains("limit of"), pastALimit + ", " + what);
    }
  }

  /** NaN has many bits, and which one comes out is nobody's promise. */
  private static void assertSameNumber(int expected, int actual, String what) {
    boolean areNan =
        Float.isNaN(Float.intBitsToFloat(expected)) && Float.isNaN(Float.intBitsToFloat(actual));
    assertTrue(areNan || expected == actual, what);
  }

  private static float[] rows(Input[] inputs, SplittableRandom random) {
    int size = Arrays.stream(inputs).mapToInt(input -> input.shape().size()).sum();
    float[] rows = new float[EXAMPLES * size];
    int at = 0;
    for (int i = 0; i < EXAMPLES; i++) {
      for (Input input : inputs) {
        for (int k = 0; k < input.shape().size(); k++) {
          rows[at++] = input.isInteger() ? random.nextInt(4) : (float) random.nextGaussian();
        }
      }
    }
    return rows;
  }

  private void fit(Network network, Input[] inputs, float[] rows) {
    if (inputs.length > 1 || inputs[0].isInteger()) {
      return;
    }
    float[][] answers = {{1, 0}, {0, Float.NaN}, {1, 1}};
    Dataset data = Datasets.of(rows, inputs[0].shape(), answers);
    try {
      Trainer.of(network)
          .optimizer(Sgd.withLearningRate(1e-3))
          .epochs(2)
          .batchSize(2)
          .fit(Datasets.forTask(data, "task"));
      network.evaluate(Datasets.forTask(data, "task"));
      fits++;
    } catch (IllegalArgumentException | IllegalStateException | EspalierException refused) {
      assertTrue(refused.getMessage().length() > 10, refused.getMessage());
    }
  }
}
