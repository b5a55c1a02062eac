// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights under published names make of networks built here what they make in PyTorch. */
class PublishedWeightsTest {
  private static final LayerOptions OPTIONS = LayerOptions.defaults();
  private static final Shape IMAGE = Shape.image(3, 64, 64);

  @TempDir static Path folder;

  @BeforeAll
  static void write() throws Exception {
    PythonWithTorch.run("published_weights.py", folder);
  }

  private static float[] floats(String file) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve(file))).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static Path weights(String name) {
    return folder.resolve(name + ".safetensors");
  }

  /** Builds a network, reads weights, and compares what a layer makes with PyTorch's. */
  private static WeightReport check(
      NetworkBuilder builder, String layer, String name, WeightMap map) throws IOException {
    try (Network network = builder.head("a", Head.classes(2)).build(1)) {
      final WeightReport report = network.loadWeights(weights(name), map);
      float[] expected = floats(name + ".out");
      try (Predictor predictor = network.predictor(PredictorOptions.defaults().layers(layer))) {
        float[] actual = predictor.predict(floats(name + ".in"));
        assertEquals(expected.length, actual.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < actual.length; i++) {
          difference += Math.pow((double) actual[i] - expected[i], 2);
          norm += Math.pow(expected[i], 2);
        }
        double relative = Math.sqrt(difference / norm);
        assertTrue(relative <= 1e-5, () -> name + ": difference " + relative);
      }
      return report;
    }
  }

  /** Loads, compares, exports under the same names and loads that. */
  private static void checkNames(NetworkBuilder builder, String layer, String name, WeightMap map)
      throws IOException {
    WeightReport report = check(builder, layer, name, map);
    assertEquals(List.of("heads.a.dense.weight", "heads.a.dense.bias"), report.kept());
    Path exported = folder.resolve("exported.safetensors");
    try (Network network = builder.build(1);
        Network other = builder.build(2)) {
      network.loadWeights(weights(name), map);
      network.exportSafetensors(exported, map);
      assertEquals(report.matched().size() + 2, other.loadWeights(exported, map).matched().size());
    }
  }

  /** A convolution, its batch norm, an activation if it has a name. */
  private static void unit(
      NetworkBuilder b, String name, int channels, int kernel, int stride, Variant as, String act) {
    LayerOptions options = OPTIONS.noBias().stride(stride).padding(kernel / 2);
    if (channels == 0) {
      b.depthwiseConv2d(name, kernel, options);
    } else {
      b.conv2d(name, channels, kernel, options);
    }
    b.batchNorm(name + as.norm(), OPTIONS.epsilon(as.epsilon()));
    if (!act.isEmpty()) {
      b.layer(name + ".activation", act, OPTIONS);
    }
  }

  /** How layers are called; epsilon is that of batch norms. */
  private record Variant(
      String stem, String expand, String depthwise, String project, String norm, double epsilon) {
    static Variant torchvision(double epsilon) {
      return new Variant("features.0", "expand", "depthwise", "project", ".bn", epsilon);
    }

    static Variant timm(double epsilon) {
      return new Variant("conv_stem", "conv_pw", "conv_dw", "conv_pwl", ".bn", epsilon);
    }

    static Variant own(double epsilon) {
      return new Variant("start", "widen", "filter", "narrow", ".n", epsilon);
    }

    boolean isTimm() {
      return stem.equals("conv_stem");
    }
  }

  /** A block's depthwise kernel, widths, activation, stride; {@code squeezed} may be 0. */
  private record BlockSizes(
      int kernel, int expanded, int channels, int squeezed, String act, int stride) {}

  /** Adds an inverted residual block; returns its channels. */
  private static int block(
      NetworkBuilder builder, String name, int in, BlockSizes sizes, Variant as, String[] squeeze) {
    builder.block(
        name,
        b -> {
          boolean expands = sizes.expanded() != in;
          if (expands) {
            unit(b, as.expand(), sizes.expanded(), 1, 1, as, sizes.act());
          }
          unit(b, as.depthwise(), 0, sizes.kernel(), sizes.stride(), as, sizes.act());
          if (sizes.squeezed() > 0) {
            b.squeezeExcitation("se", sizes.expanded(), sizes.squeezed(), squeeze[0], squeeze[1]);
          }
          // timm calls it otherwise where nothing expands.
          String project = as.isTimm() && !expands ? "conv_pw" : as.project();
          unit(b, project, sizes.channels(), 1, 1, as, "");
          if (sizes.stride() == 1 && in == sizes.channels()) {
            b.add("sum", project + as.norm(), "input");
          }
        });
    return sizes.channels();
  }

  private static final String[] V3 = {"relu", "hard_sigmoid"};

  /** Howard et al. 2019, arXiv:1905.02244, tables 1 and 2. */
  private static NetworkBuilder mobileNetV3(boolean isSmall, Variant as) {
    int[][] rows =
        isSmall
            ? new int[][] {
              {3, 16, 16, 8, 0, 2}, {3, 72, 24, 0, 0, 2}, {3, 88, 24, 0, 0, 1},
              {5, 96, 40, 24, 1, 2}, {5, 240, 40, 64, 1, 1}, {5, 240, 40, 64, 1, 1},
              {5, 120, 48, 32, 1, 1}, {5, 144, 48, 40, 1, 1}, {5, 288, 96, 72, 1, 2},
              {5, 576, 96, 144, 1, 1}, {5, 576, 96, 144, 1, 1}
            }
            : new int[][] {
              {3, 16, 16, 0, 0, 1}, {3, 64, 24, 0, 0, 2}, {3, 72, 24, 0, 0, 1},
              {5, 72, 40, 24, 0, 2}, {5, 120, 40, 32, 0, 1}, {5, 120, 40, 32, 0, 1},
              {3, 240, 80, 0, 1, 2}, {3, 200, 80, 0, 1, 1}, {3, 184, 80, 0, 1, 1},
              {3, 184, 80, 0, 1, 1}, {3, 480, 112, 120, 1, 1}, {3, 672, 112, 168, 1, 1},
              {5, 672, 160, 168, 1, 2}, {5, 960, 160, 240, 1, 1}, {5, 960, 160, 240, 1, 1}
            };
    int[] stages = isSmall ? new int[] {1, 2, 3, 2, 3} : new int[] {1, 2, 3, 4, 2, 3};
    NetworkBuilder builder = Network.builder(IMAGE);
    unit(builder, as.stem(), 16, 3, 2, as, "hard_swish");
    int in = 16;
    int next = 0;
    for (int stage = 0; stage < stages.length; stage++) {
      for (int i = 0; i < stages[stage]; i++) {
        int[] row = rows[next++];
        String act = row[4] == 1 ? "hard_swish" : "relu";
        BlockSizes sizes = new BlockSizes(row[0], row[1], row[2], row[3], act, row[5]);
        String name = as.isTimm() ? "blocks." + stage + "." + i : "features." + next;
        in = block(builder, name, in, sizes, as, V3);
      }
    }
    String last = as.isTimm() ? "blocks." + stages.length + ".0.conv" : "features." + (next + 1);
    unit(builder, last, 6 * in, 1, 1, as, "hard_swish");
    int hidden = isSmall ? 1024 : 1280;
    if (as.isTimm()) {
      builder
          .layer("pool", "global_average_pool2d", OPTIONS.set("keep_dimensions", true))
          .conv2d("conv_head", hidden, 1, OPTIONS)
          .flatten();
    } else {
      builder.globalAveragePool2d().dense("classifier.0", hidden);
    }
    return builder.layer("features", "hard_swish", OPTIONS);
  }

  /**
   * Sandler et al. 2018, arXiv:1801.04381; with EfficientNet's blocks: Tan and Le 2019, 1905.11946.
   */
  private static NetworkBuilder expanding(int[][] stages, boolean squeezes, Variant as) {
    String act = squeezes ? "silu" : "relu6";
    NetworkBuilder builder = Network.builder(IMAGE);
    unit(builder, as.stem(), 32, 3, 2, as, act);
    int in = 32;
    int next = 1;
    for (int stage = 0; stage < stages.length; stage++) {
      int[] row = stages[stage];
      for (int i = 0; i < row[4]; i++) {
        BlockSizes sizes =
            new BlockSizes(
                row[1], in * row[0], row[3], squeezes ? in / 4 : 0, act, i == 0 ? row[2] : 1);
        String name = "features." + (squeezes ? stage + 1 + "." + i : next);
        name = as.isTimm() ? "blocks." + stage + "." + i : name;
        next++;
        in = block(builder, name, in, sizes, as, new String[] {"silu", "sigmoid"});
      }
    }
    String last = as.isTimm() ? "conv_head" : "features." + (squeezes ? 8 : next);
    unit(builder, last, 1280, 1, 1, as, act);
    return builder.layer("features", "global_average_pool2d", OPTIONS);
  }

  private static NetworkBuilder mobileNetV2(Variant as) {
    int[][] stages = {
      {1, 3, 1, 16, 1},
      {6, 3, 2, 24, 2},
      {6, 3, 2, 32, 3},
      {6, 3, 2, 64, 4},
      {6, 3, 1, 96, 3},
      {6, 3, 2, 160, 3},
      {6, 3, 1, 320, 1}
    };
    return expanding(stages, false, as);
  }

  private static NetworkBuilder efficientNetB0(Variant as) {
    int[][] stages = {
      {1, 3, 1, 16, 1},
      {6, 3, 2, 24, 2},
      {6, 5, 2, 40, 2},
      {6, 3, 2, 80, 3},
      {6, 5, 1, 112, 3},
      {6, 5, 2, 192, 4},
      {6, 3, 1, 320, 1}
    };
    return expanding(stages, true, as);
  }

  private static NetworkBuilder resNet18() {
    Variant as = Variant.torchvision(1e-5);
    NetworkBuilder builder = Network.builder(IMAGE);
    unit(builder, "conv1", 64, 7, 2, as, "relu");
    builder.maxPool2d("maxpool", 3, OPTIONS.stride(2).padding(1));
    for (int i = 0; i < 8; i++) {
      int channels = 64 << (i / 2);
      int stride = i % 2 == 0 && i > 0 ? 2 : 1;
      builder.block(
          "layer" + (i / 2 + 1) + "." + i % 2,
          b -> {
            unit(b, "conv1", channels, 3, stride, as, "relu");
            unit(b, "conv2", channels, 3, 1, as, "");
            if (stride > 1) {
              unit(b.from("input"), "downsample", channels, 1, stride, as, "");
            }
            b.add("sum", "conv2.bn", stride > 1 ? "downsample.bn" : "input").relu();
          });
    }
    return builder.layer("features", "global_average_pool2d", OPTIONS);
  }

  private static NetworkBuilder bert() {
    NetworkBuilder builder =
        Network.builder(
                Input.integers("ids", Shape.vector(12)),
                Input.integers("types", Shape.vector(12)),
                Input.integers("lengths", Shape.vector(1)))
            .embedding("embeddings.word_embeddings", 50, 24, OPTIONS)
            .from("types")
            .embedding("embeddings.token_type_embeddings", 2, 24, OPTIONS)
            .add("sum", "embeddings.word_embeddings", "embeddings.token_type_embeddings")
            .positionEmbedding("embeddings.position_embeddings", 20)
            .layerNorm("embeddings.LayerNorm", OPTIONS.perPosition().epsilon(1e-12));
    for (int layer = 0; layer < 3; layer++) {
      builder.transformerEncoder(
          "encoder.layer." + layer,
          TransformerOptions.of(24, 3, 40).epsilon(1e-12).lengths("lengths"));
    }
    return builder.tokenPool("features", TokenPooling.MEAN, "encoder.layer.2.norm2", "lengths");
  }

  private static NetworkBuilder vit() {
    NetworkBuilder builder =
        Network.builder(IMAGE)
            .conv2d("patch_embed.proj", 32, 16, OPTIONS.stride(16).valid())
            .layer("rows", "reshape", OPTIONS.set("shape", 32, 16))
            .layer("tokens", "transpose", OPTIONS.set("order", 1, 0))
            .classToken("cls_token")
            .positionEmbedding("pos_embed", 17);
    for (int layer = 0; layer < 3; layer++) {
      builder.transformerEncoder(
          "blocks." + layer, TransformerOptions.of(32, 4, 128).epsilon(1e-6).normFirst());
    }
    return builder.layerNorm("norm", OPTIONS.perPosition().epsilon(1e-6)).flatten();
  }

  @Test
  void torchvisionsNames() throws IOException {
    Variant as = Variant.torchvision(1e-5);
    Variant ofV3 = Variant.torchvision(1e-3);
    checkNames(resNet18(), "features", "torchvision_resnet18", WeightMap.torchvisionResNet());
    checkNames(
        mobileNetV2(as),
        "features",
        "torchvision_mobilenet_v2",
        WeightMap.torchvisionMobileNetV2());
    checkNames(
        mobileNetV3(true, ofV3),
        "features",
        "torchvision_mobilenet_v3_small",
        WeightMap.torchvisionMobileNetV3Small());
    checkNames(
        mobileNetV3(false, ofV3),
        "features",
        "torchvision_mobilenet_v3_large",
        WeightMap.torchvisionMobileNetV3Large());
    checkNames(
        efficientNetB0(as),
        "features",
        "torchvision_efficientnet_b0",
        WeightMap.torchvisionEfficientNet());
  }

  @Test
  void timmsNames() throws IOException {
    WeightMap map = WeightMap.timmMobileNet();
    checkNames(mobileNetV2(Variant.timm(1e-5)), "features", "timm_mobilenet_v2", map);
    checkNames(mobileNetV3(true, Variant.timm(1e-3)), "features", "timm_mobilenet_v3_small", map);
    checkNames(mobileNetV3(false, Variant.timm(1e-3)), "features", "timm_mobilenet_v3_large", map);
    checkNames(efficientNetB0(Variant.timm(1e-5)), "features", "timm_efficientnet_b0", map);
    checkNames(vit(), "norm", "timm_vit", WeightMap.timmVisionTransformer());
  }

  @Test
  void namesOfBert() throws IOException {
    checkNames(bert(), "features", "bert", WeightMap.bert(""));
    checkNames(bert(), "features", "bert_prefixed", WeightMap.bert("bert."));
  }

  /** No name of these networks' blocks is the file's. */
  @Test
  void namesThatAreLearned() throws IOException {
    WeightMap map = WeightMap.learned().mayStay("heads.*").mayBeUnused("classifier.*", "fc.*");
    Variant as = Variant.own(1e-5);
    Set<String> evidence =
        new TreeSet<>(
            check(efficientNetB0(as), "features", "torchvision_efficientnet_b0", map)
                .evidence()
                .values());
    evidence.addAll(
        check(mobileNetV2(as), "features", "torchvision_mobilenet_v2", map).evidence().values());
    evidence.addAll(check(resNet18(), "features", "torchvision_resnet18", map).evidence().values());
    assertEquals(Set.of("name", "numbers", "order", "shapes", "words"), evidence);
  }

  /** Query, key and value have the same shapes, and nothing else tells which is which. */
  @Test
  void nothingIsGuessed() {
    WeightMap map = WeightMap.learned().mayStay("heads.*").mayBeUnused("pooler.*");
    try (Network network = bert().head("a", Head.classes(2)).build(1)) {
      String message =
          assertThrows(ModelFileException.class, () -> network.loadWeights(weights("bert"), map))
              .getMessage();
      assertTrue(message.contains("'encoder.layer.0.attention.self.key'"), message);
    }
  }
}
