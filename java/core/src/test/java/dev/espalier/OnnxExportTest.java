// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Exported models answer in ONNX Runtime what the network does, whatever layers it has; so does
 * what is imported of them.
 */
class OnnxExportTest {
  private static final LayerOptions DEFAULTS = LayerOptions.defaults();
  private static final String LAYER = "tested";
  private static final int LENGTH = 7;
  private static final Input[] IMAGE = {Input.floats("image", Shape.of(4, 9, 7))};
  private static final Input[] VECTOR = {Input.floats("vector", Shape.of(6))};
  private static final Input[] TOKENS = {Input.floats("tokens", Shape.of(LENGTH, 12))};
  private static final Input[] TEXT = {
    Input.floats("tokens", Shape.of(LENGTH, 12)), Input.integers("lengths", Shape.of(1))
  };
  private static final Input[] IDS = {Input.integers("ids", Shape.of(LENGTH))};
  private static final Input[] PAIR = {
    Input.floats("first", Shape.of(4, 9, 7)), Input.floats("second", Shape.of(4, 9, 7))
  };

  @TempDir Path folder;

  private final Set<String> exported = new TreeSet<>();
  private final List<String> problems = new ArrayList<>();
  private final List<String> refusals = new ArrayList<>(); // by imports
  private int files;
  private int operatorSet = OnnxExportOptions.defaults().operatorSet();

  private static LayerOptions set(String name, int... values) {
    return DEFAULTS.set(name, values);
  }

  private static NetworkBuilder layer(Input[] inputs, String kind, LayerOptions options) {
    String[] others = Arrays.stream(inputs).skip(1).map(Input::name).toArray(String[]::new);
    return Network.builder(inputs).from(inputs[0].name(), others).layer(LAYER, kind, options);
  }

  /** A value combined with a constant. */
  private static NetworkBuilder withConstant(Input[] inputs, String kind, int... shape) {
    return Network.builder(inputs)
        .layer("constant", "constant", set("shape", shape))
        .from(inputs[0].name(), "constant")
        .layer(LAYER, kind, DEFAULTS);
  }

  private void check(Input[] inputs, String kind, LayerOptions... options) {
    for (LayerOptions each : options) {
      check(kind + " " + each.attributes(), layer(inputs, kind, each));
    }
  }

  private void check(String kind, NetworkBuilder builder) {
    exported.add(kind.split(" ")[0]);
    try (Network network = builder.head("head", Head.labels("a", "b")).build(3)) {
      randomize(network);
      OnnxExportOptions options = OnnxExportOptions.defaults().operatorSet(operatorSet);
      compare(kind, network, options.heads("head").layers(LAYER));
    } catch (Exception error) {
      problems.add(kind + ", operator set " + operatorSet + ": " + error);
    }
  }

  private static void randomize(Network network) {
    SplittableRandom random = new SplittableRandom(5);
    for (ParameterSummary parameter : network.parameters()) {
      float[] values = network.parameter(parameter.path());
      boolean isVariance = parameter.path().endsWith("running_var");
      for (int i = 0; i < values.length; i++) {
        float number = (float) (0.5 * random.nextGaussian());
        values[i] = isVariance ? 0.5f + Math.abs(number) : number;
      }
      network.setParameter(parameter.path(), values);
    }
  }

  private static float[] rows(Network network, int batch, int longest) {
    SplittableRandom random = new SplittableRandom(batch);
    int size = network.inputs().stream().mapToInt(input -> input.shape().size()).sum();
    float[] rows = new float[batch * size];
    int at = 0;
    for (int i = 0; i < batch; i++) {
      for (Input input : network.inputs()) {
        for (int k = 0; k < input.shape().size(); k++) {
          float number = (float) random.nextGaussian();
          if (input.name().equals("lengths")) {
            number = i == 1 ? 0 : i == 0 ? longest : random.nextInt(longest + 1);
          } else if (input.isInteger()) {
            number = random.nextInt(5);
          }
          rows[at++] = number;
        }
      }
    }
    return rows;
  }

  private void compare(String what, Network network, OnnxExportOptions options) throws Exception {
    Path file = folder.resolve("model" + files++ + ".onnx");
    network.exportOnnx(file, options);
    PredictorOptions same = PredictorOptions.defaults();
    same = options.isLogits() ? same.logits() : same;
    same = options.heads().isEmpty() ? same : same.heads(options.heads().toArray(new String[0]));
    same = options.layers().isEmpty() ? same : same.layers(options.layers().toArray(new String[0]));
    boolean isText = network.inputs().stream().anyMatch(input -> input.name().equals("lengths"));
    try (Predictor predictor = network.predictor(same);
        OnnxRun run = new OnnxRun(file)) {
      for (int batch : new int[] {1, 3}) {
        for (int positions : isText ? new int[] {LENGTH, 3} : new int[] {LENGTH}) {
          float[] rows = rows(network, batch, positions);
          Map<String, float[]> outputs = run.run(network.inputs(), rows, batch, positions);
          float[] expected = predictor.predict(rows);
          compareRows(what + ", batch " + batch, expected, outputs, batch);
        }
      }
      float[] rows = rows(network, 3, LENGTH);
      Map<String, float[]> imported = imported(what, file, rows, run.hasFreeLength());
      if (!imported.isEmpty()) {
        compareRows(what + ", imported", predictor.predict(rows), imported, 3);
      }
    }
  }

  /** What the network of the model answers, by output; nothing where there is none. */
  private Map<String, float[]> imported(String what, Path file, float[] rows, boolean hasLength) {
    AtomicReference<ImportReport> report = new AtomicReference<>();
    ImportOptions options = ImportOptions.defaults().report(report::set);
    Map<String, float[]> answers = new LinkedHashMap<>();
    try (Network network =
        Network.importOnnx(file, hasLength ? options.dimension("length", LENGTH) : options)) {
      for (Map.Entry<String, String> output : report.get().outputs().entrySet()) {
        try (Predictor predictor =
            network.predictor(PredictorOptions.defaults().layers(output.getValue()))) {
          answers.put(output.getKey(), predictor.predict(rows));
        }
      }
    } catch (ModelFileException refused) {
      refusals.add(what + ": " + refused.getMessage());
    }
    return answers;
  }

  /** Of a layer whose length was free only what all examples have is compared. */
  private void compareRows(String what, float[] expected, Map<String, float[]> outputs, int batch) {
    int size = expected.length / batch;
    int offset = 0;
    for (Map.Entry<String, float[]> output : outputs.entrySet()) {
      int columns = output.getValue().length / batch;
      int width = output.getKey().equals(LAYER) ? size - offset : columns;
      double most = output.getKey().equals(LAYER) ? 0 : 1; // probabilities may all be small
      double worst = 0;
      for (int i = 0; i < batch; i++) {
        for (int k = 0; k < columns; k++) {
          float own = expected[i * size + offset + k];
          most = Math.max(most, Math.abs(own));
          double difference = Math.abs(own - output.getValue()[i * columns + k]);
          worst = Math.max(worst, Double.isNaN(difference) ? Double.MAX_VALUE : difference);
        }
      }
      if (!(worst <= 1e-5 * most)) {
        problems.add(what + ", " + output.getKey() + ": " + worst + " of " + most);
      }
      offset += width;
    }
    assertEquals(size, offset, what);
  }

  private static Set<String> allKinds() {
    NetworkBuilder builder = Network.builder(Shape.of(1)).layer("", "no such kind", DEFAULTS);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> builder.head("x", Head.labels("a")).build(1))
            .getMessage();
    String list = message.substring(message.indexOf("known are ") + "known are ".length());
    return new TreeSet<>(Arrays.asList(list.split(";")[0].split(", ")));
  }

  @Test
  void everyKindOfLayerInEachOperatorSet() {
    for (operatorSet = 17; operatorSet <= 22; operatorSet++) {
      everyKindOfLayer();
    }
  }

  private void everyKindOfLayer() {
    elements();
    images();
    norms();
    shapes();
    products();
    sequences();
    constants();
    assertEquals(List.of(), problems, () -> "operator set " + operatorSet);
    // Imports want sizes that do not depend on the batch's.
    refusals.removeIf(refusal -> refusal.startsWith("resize {mode=nearest, corners=align_corners"));
    assertEquals(List.of(), refusals);
    Set<String> missing = new TreeSet<>(allKinds());
    missing.removeAll(exported);
    assertEquals(Set.of(), missing, "kinds without an export");
  }

  private void elements() {
    List<String> simple =
        List.of(
            "abs",
            "neg",
            "erf",
            "exp",
            "reciprocal",
            "relu",
            "relu6",
            "gelu",
            "gelu_tanh",
            "silu",
            "sigmoid",
            "tanh",
            "hard_swish",
            "hard_sigmoid",
            "selu",
            "softplus",
            "mish",
            "dropout");
    for (String kind : simple) {
      check(IMAGE, kind, DEFAULTS);
      check(VECTOR, kind, DEFAULTS);
    }
    for (String kind : List.of("sqrt", "log")) {
      NetworkBuilder positive = Network.builder(IMAGE).layer("", "abs", DEFAULTS);
      check(kind, positive.layer(LAYER, kind, DEFAULTS));
    }
    check(IMAGE, "leaky_relu", DEFAULTS, DEFAULTS.set("slope", 0.3));
    check(IMAGE, "elu", DEFAULTS, DEFAULTS.set("alpha", 0.4));
    check(IMAGE, "prelu", DEFAULTS, DEFAULTS.set("per_channel", true));
    check(VECTOR, "prelu", DEFAULTS, DEFAULTS.set("per_channel", true));
    for (String kind : List.of("softmax", "log_softmax")) {
      check(IMAGE, kind, DEFAULTS, DEFAULTS.set("axis", "channels"));
      check(VECTOR, kind, DEFAULTS);
    }
    Input[] broadcast = {
      Input.floats("first", Shape.of(7)), Input.floats("second", Shape.of(4, 9, 1))
    };
    for (String kind : List.of("add", "sub", "mul", "div", "min", "max")) {
      check(PAIR, kind, DEFAULTS);
      check(broadcast, kind, DEFAULTS);
      check(kind + " of a constant", withConstant(IMAGE, kind, 9, 1));
    }
    for (String kind : List.of("fmod", "remainder", "less", "greater")) {
      check(PAIR, kind, DEFAULTS);
      check(broadcast, kind, DEFAULTS);
    }
    check("equal", Network.builder(IMAGE).from("image", "image").layer(LAYER, "equal", DEFAULTS));
    Input[] three = {PAIR[0], PAIR[1], Input.floats("third", Shape.of(4, 9, 7))};
    check(three, "add", DEFAULTS);
    Input[] condition = {Input.floats("if", Shape.of(7)), PAIR[0], PAIR[1]};
    UnaryOperator<NetworkBuilder> halves =
        b -> b.from("if").layer("positive", "relu", DEFAULTS).from("positive", "first", "second");
    check("where", halves.apply(Network.builder(condition)).layer(LAYER, "where", DEFAULTS));
    check(
        "pow",
        Network.builder(PAIR)
            .layer("base", "abs", DEFAULTS)
            .from("base", "second")
            .layer(LAYER, "pow", DEFAULTS));
    check(
        "cast",
        Network.builder(VECTOR)
            .layer("", "cast", DEFAULTS.set("to", "int32"))
            .layer(LAYER, "cast", DEFAULTS.set("from", "int32").set("to", "float32")));
  }

  private void images() {
    LayerOptions three = set("channels", 6).set("kernel", 3);
    for (LayerOptions options :
        List.of(
            three,
            three.set("stride", 2),
            three.set("stride", 2, 3).set("padding", "valid"),
            three.set("padding", 2, 0, 1, 1).set("dilation", 2, 1),
            three.set("groups", 2).set("bias", false),
            set("channels", 3).set("kernel", 2, 5).set("padding", "same"))) {
      check(IMAGE, "conv2d", options);
    }
    check(IMAGE, "depthwise_conv2d", set("kernel", 3), set("kernel", 3, 1).set("multiplier", 2));
    check(
        IMAGE,
        "conv_transpose2d",
        three,
        three.set("stride", 2).set("padding", "same"),
        three.set("stride", 2).set("output_padding", 1).set("padding", 1),
        three.set("stride", 3).set("padding", 1, 2, 0, 1).set("groups", 2),
        set("channels", 2).set("kernel", 1).set("stride", 2).set("padding", "same"));
    Input[] sequence = {Input.floats("sequence", Shape.of(4, 11))};
    check(
        sequence,
        "conv1d",
        three,
        three.set("stride", 2).set("padding", 2, 1).set("dilation", 2),
        three.set("groups", 2).set("bias", false).set("padding", "valid"));
    LayerOptions window = set("window", 3);
    for (String kind : List.of("max_pool2d", "average_pool2d")) {
      check(
          IMAGE,
          kind,
          set("window", 2),
          window.set("stride", 2).set("padding", "same"),
          window.set("stride", 2, 1).set("padding", 1, 0, 2, 1));
    }
    check(IMAGE, "average_pool2d", window.set("padding", 1).set("count_include_pad", false));
    for (String kind : List.of("global_average_pool2d", "global_max_pool2d")) {
      check(IMAGE, kind, DEFAULTS, DEFAULTS.set("keep_dimensions", true));
    }
    for (String mode : List.of("nearest", "bilinear")) {
      for (String corners : List.of("half_pixel", "align_corners", "asymmetric")) {
        LayerOptions options = DEFAULTS.set("mode", mode).set("corners", corners);
        check(
            IMAGE,
            "resize",
            options.set("scale", 2.0),
            options.set("scale", 0.7),
            options.set("size", 13, 5));
      }
    }
  }

  private void norms() {
    check(IMAGE, "batch_norm", DEFAULTS, DEFAULTS.set("epsilon", 0.1));
    check(VECTOR, "batch_norm", DEFAULTS);
    check(IMAGE, "layer_norm", DEFAULTS);
    check(TOKENS, "layer_norm", DEFAULTS.set("per_position", true).set("epsilon", 1e-3));
    check(IMAGE, "group_norm", set("groups", 2), set("groups", 4).set("affine", false));
    check(IMAGE, "instance_norm", DEFAULTS, DEFAULTS.set("affine", true));
    check(TOKENS, "rms_norm", DEFAULTS);
  }

  private void shapes() {
    check(IMAGE, "reshape", set("shape", 6, -1), set("shape", 2, 3, 2, 21));
    check(IMAGE, "flatten", DEFAULTS);
    check(IMAGE, "transpose", set("order", 2, 0, 1));
    Input[] thin = {Input.floats("thin", Shape.of(4, 1, 7, 1))};
    check(thin, "squeeze", DEFAULTS, set("axes", -1));
    check(IMAGE, "unsqueeze", set("axes", 0, -1));
    check(thin, "expand", set("shape", -1, 3, -1, 1), set("shape", 2, 4, 5, -1, 2));
    for (String reduction : List.of("mean", "sum", "max", "min", "l2")) {
      LayerOptions options = DEFAULTS.set("reduction", reduction);
      check(
          IMAGE,
          "reduce",
          options,
          options.set("axes", 0, -1),
          options.set("axes", 1).set("keep_dimensions", true));
    }
    for (LayerOptions options :
        List.of(DEFAULTS, set("axis", 0), set("axis", 1).set("keep_dimensions", true))) {
      check("arg_max", places("arg_max", IMAGE, options));
    }
    check("arg_max", places("arg_max", VECTOR, DEFAULTS));
    for (LayerOptions options :
        List.of(set("k", 2), set("k", 3).set("axis", 0).set("largest", false))) {
      check(IMAGE, "top_k", options);
      check("top_k_indices", places("top_k_indices", IMAGE, options));
    }
    check(IMAGE, "slice", set("begin", 1, -4, 0), set("begin", 0, 8, 1).set("end", 3, 9, -1));
    check(IMAGE, "slice", set("begin", 0, 1, 0).set("step", 1, 3, 2));
    check(IMAGE, "gather", set("indices", 2, 0, -1, 2), set("indices", 8, 1).set("axis", -2));
    LayerOptions pads = set("before", 1, 2, 0);
    check(
        IMAGE,
        "pad",
        pads,
        pads.set("after", 0, 1, 3).set("value", 1.5),
        pads.set("mode", "reflect"),
        pads.set("mode", "edge"));
    check(PAIR, "concat", DEFAULTS, set("axis", -1));
  }

  private static NetworkBuilder places(String kind, Input[] inputs, LayerOptions options) {
    return Network.builder(inputs)
        .layer("place", kind, options)
        .layer(LAYER, "cast", DEFAULTS.set("from", "int32").set("to", "float32"));
  }

  private void products() {
    check(IMAGE, "dense", set("units", 5), set("units", 5).set("bias", false));
    check(TOKENS, "dense", set("units", 5).set("per_position", true));
    check(IMAGE, "dense", set("units", 5).set("per_position", true).set("bias", false));
    Input[] pair = {
      Input.floats("first", Shape.of(3, 5, 4)), Input.floats("second", Shape.of(3, 4, 6))
    };
    check(pair, "matmul", DEFAULTS);
    Input[] turned = {
      Input.floats("first", Shape.of(3, 4, 5)), Input.floats("second", Shape.of(3, 6, 4))
    };
    check(turned, "matmul", DEFAULTS.set("transpose_first", true).set("transpose_second", true));
    Input[] shared = {
      Input.floats("first", Shape.of(3, 5, 4)), Input.floats("second", Shape.of(6, 4))
    };
    check(shared, "matmul", DEFAULTS.set("transpose_second", true));
    check("matmul of a constant", withConstant(TOKENS, "matmul", 12, 3));
  }

  private void sequences() {
    check(IDS, "embedding", set("count", 9).set("width", 4));
    check(TOKENS, "position_embedding", set("max_length", 10), set("max_length", LENGTH));
    check(TOKENS, "class_token", DEFAULTS);
    for (Input[] inputs : List.of(TOKENS, TEXT)) {
      for (String pool : List.of("mean", "max", "first")) {
        check(inputs, "token_pool", DEFAULTS.set("pool", pool));
      }
      for (String kind : List.of("gru", "lstm")) {
        LayerOptions hidden = set("hidden", 5);
        check(
            inputs,
            kind,
            hidden,
            hidden.set("bidirectional", true),
            hidden.set("return_sequence", false).set("bias", false),
            hidden.set("return_sequence", false).set("bidirectional", true));
      }
      LayerOptions before = set("hidden", 5).resetBefore();
      check(inputs, "gru", before, before.bidirectional().noBias(), before.lastState());
      LayerOptions packed = set("heads", 2).set("packed", true);
      check(inputs, "attention", packed, packed.set("causal", true), packed.set("scale", 0.2));
    }
    for (String kind : List.of("gru", "lstm", "attention")) {
      LayerOptions options =
          kind.equals("attention") ? set("heads", 2).set("packed", true) : set("hidden", 5);
      check(
          kind + " of a varying length",
          Network.builder(TEXT)
              .from("tokens", "lengths")
              .layer("sequence", kind, options)
              .tokenPool(LAYER, TokenPooling.MEAN, "sequence", "lengths"));
    }
    check(
        "position_embedding of a varying length",
        Network.builder(TEXT)
            .layer("places", "position_embedding", set("max_length", 10))
            .tokenPool(LAYER, TokenPooling.MAX, "places", "lengths"));
    Input[] cross = {
      Input.floats("queries", Shape.of(5, 12)),
      Input.floats("keys", Shape.of(LENGTH, 12)),
      Input.floats("values", Shape.of(LENGTH, 12)),
      Input.integers("lengths", Shape.of(1))
    };
    LayerOptions heads = set("heads", 3);
    check(cross, "attention", heads, heads.set("causal", true));
    check(Arrays.copyOf(cross, 3), "attention", heads);
    check(
        "attention of a dense layer",
        Network.builder(TEXT)
            .layer("qkv", "dense", set("units", 36).set("per_position", true))
            .attention(LAYER, 4, DEFAULTS, "qkv", "lengths"));
  }

  private void constants() {
    for (String kind : List.of("add", "mul", "concat")) {
      check("constant in " + kind, withConstant(TOKENS, kind, LENGTH, 12));
    }
    check(
        "constant alone",
        Network.builder(VECTOR).layer(LAYER, "constant", set("shape", 2, 3)).from(LAYER));
    check(
        "constant of integers",
        Network.builder(VECTOR)
            .layer("integers", "constant", set("shape", 6).set("integers", 3, -1, 0, 7, 5, 5))
            .from("integers")
            .layer("real", "cast", DEFAULTS.set("from", "int32").set("to", "float32"))
            .add(LAYER, "vector", "real"));
    check(
        "constant of a varying length",
        Network.builder(TEXT)
            .layer("places", "constant", set("shape", LENGTH, 12))
            .add("placed", "tokens", "places")
            .tokenPool(LAYER, TokenPooling.MEAN, "placed", "lengths"));
  }

  private static Network transformer() {
    Network network =
        Network.builder(
                Input.integers("ids", Shape.of(LENGTH)),
                Input.integers("types", Shape.of(LENGTH)),
                Input.integers("lengths", Shape.of(1)))
            .from("ids")
            .layer("words", "embedding", set("count", 9).set("width", 12))
            .from("types")
            .layer("kinds", "embedding", set("count", 5).set("width", 12))
            .add("embedded", "words", "kinds")
            .layer("positions", "position_embedding", set("max_length", 20))
            .layer("norm", "layer_norm", DEFAULTS.set("per_position", true))
            .transformerEncoder(
                "block1", TransformerOptions.of(12, 3, 20).lengths("lengths").normFirst())
            .transformerEncoder("block2", TransformerOptions.of(12, 3, 20).lengths("lengths"))
            .tokenPool("features", TokenPooling.MEAN, "block2.norm2", "lengths")
            .head("topic", Head.classes("x", "y", "z"))
            .head("tags", Head.labels("p", "q"))
            .head("size", Head.values("cm"))
            .build(1);
    randomize(network);
    return network;
  }

  @Test
  void textsOfAnyLength() throws Exception {
    try (Network network = transformer()) {
      OnnxExportOptions all = OnnxExportOptions.defaults();
      compare("probabilities", network, all);
      compare("logits", network, all.logits());
      compare("features", network, all.layers("features"));
      compare("a head", network, all.heads("tags"));
      compare("of the newest operators", network, all.operatorSet(22));
    }
    assertEquals(List.of(), problems);
    assertEquals(List.of(), refusals);
  }

  @Test
  void inputsAreNormalized() throws Exception {
    for (double[] mean : new double[][] {{0.4, 0.5, 0.6}, {0.5}}) {
      double[] std = mean.length == 1 ? new double[] {0.3} : new double[] {0.2, 0.3, 0.4};
      try (Network network =
          Network.builder(Shape.of(3, 8, 8))
              .normalize(mean, std)
              .conv2d("conv", 4, 3)
              .batchNorm("norm")
              .relu()
              .dropout(0.2)
              .head("x", Head.labels("a", "b"))
              .build(1)) {
        randomize(network);
        compare("normalized", network, OnnxExportOptions.defaults());
      }
    }
    assertEquals(List.of(), problems);
  }

  @Test
  void tellsItsTasks() throws Exception {
    try (Network network = transformer()) {
      network.setThresholds("tags", 0.25, 0.5);
      network.setMetadata("owner", "ward 3");
      Path file = folder.resolve("tasks.onnx");
      network.exportOnnx(file);
      try (OnnxRun run = new OnnxRun(file)) {
        assertEquals(
            "[{\"name\":\"topic\",\"kind\":\"classes\",\"labels\":[\"x\",\"y\",\"z\"],"
                + "\"output\":\"probabilities\"},{\"name\":\"tags\",\"kind\":\"labels\","
                + "\"labels\":[\"p\",\"q\"],\"thresholds\":[0.25,0.5],"
                + "\"output\":\"probabilities\"},{\"name\":\"size\",\"kind\":\"values\","
                + "\"labels\":[\"cm\"]}]",
            run.session().getMetadata().getCustomMetadata().get("espalier.tasks"));
        assertEquals("ward 3", run.session().getMetadata().getCustomMetadata().get("owner"));
        assertEquals("espalier", run.session().getMetadata().getProducerName());
      }
    }
  }

  @Test
  void namesWhatItDoesNotFind() {
    try (Network network = transformer()) {
      Path file = folder.resolve("no.onnx");
      OnnxExportOptions options = OnnxExportOptions.defaults().heads("tag");
      String message =
          assertThrows(IllegalArgumentException.class, () -> network.exportOnnx(file, options))
              .getMessage();
      assertTrue(message.contains("'tag'") && message.contains("tags"), message);
      assertTrue(!file.toFile().exists());
    }
  }
}
