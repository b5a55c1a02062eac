// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers for images and sequences, and those that change the shapes of values. */
class ImageLayersTest {
  private static final LayerOptions DEFAULTS = LayerOptions.defaults();

  @TempDir Path folder;

  private static Network network() {
    return Network.builder(Shape.image(3, 12, 12))
        .conv2d("wide", 8, 3, 5, DEFAULTS.stride(1, 2))
        .groupNorm(4)
        .relu()
        .convTranspose2d("up", 6, 3, DEFAULTS.stride(2).padding(1).set("output_padding", 1))
        .instanceNorm()
        .resize("small", 8, 6, DEFAULTS.set("mode", "bilinear"))
        .resize(0.5)
        .layer("padded", "pad", DEFAULTS.set("before", 0, 1, 1).set("mode", "reflect"))
        .layer("cut", "slice", DEFAULTS.set("begin", 0, 1, 1).set("end", 6, 5, 4))
        .reshape(6, -1)
        .conv1d(8, 3)
        .transpose(1, 0)
        .layer("picked", "gather", DEFAULTS.set("indices", 3, 0, -1, 5))
        .from("picked", "picked")
        .layer("product", "matmul", DEFAULTS.set("transpose_second", true))
        .layer("mean", "reduce", DEFAULTS.set("axes", -1).set("keep_dimensions", true))
        .layer("wider", "expand", DEFAULTS.set("shape", 4, 4))
        .from("product", "wider", "product")
        .layer("chosen", "where", DEFAULTS)
        .layer("one", "unsqueeze", DEFAULTS.set("axes", 0))
        .layer("none", "squeeze", DEFAULTS.set("axes", 0))
        .concat("both", 1, "none", "wider")
        .from("up")
        .globalMaxPool2d()
        .head("labels", "both", Head.labels("a", "b"))
        .head("values", "global_max_pool2d1", Head.values("v"))
        .build(1);
  }

  @Test
  void buildsPredictsLearnsAndIsSaved() throws Exception {
    try (Network network = network()) {
      Map<String, Shape> shapes =
          network.layers().stream()
              .collect(Collectors.toMap(LayerSummary::name, LayerSummary::output));
      assertEquals(Shape.image(8, 12, 6), shapes.get("wide"));
      assertEquals(Shape.image(6, 24, 12), shapes.get("up"));
      assertEquals(Shape.image(6, 8, 6), shapes.get("small"));
      assertEquals(Shape.image(6, 4, 3), shapes.get("resize1"));
      assertEquals(Shape.image(6, 6, 5), shapes.get("padded"));
      assertEquals(Shape.image(6, 4, 3), shapes.get("cut"));
      assertEquals(Shape.of(8, 12), shapes.get("conv1d1"));
      assertEquals(Shape.of(4, 8), shapes.get("picked"));
      assertEquals(Shape.of(4, 4), shapes.get("chosen"));
      assertEquals(Shape.of(4, 8), shapes.get("both"));
      assertEquals(8 * 3 * 15, network.parameter("wide.weight").length);
      float[] before = network.parameter("wide.weight");
      float[] images = new float[4 * 432];
      for (int i = 0; i < images.length; i++) {
        images[i] = (i * 7 % 23) / 23f;
      }
      Trainer.of(network)
          .epochs(2)
          .fit(
              Datasets.withTargets(
                  Datasets.withTargets(
                      Datasets.of(images, Shape.image(3, 12, 12)),
                      "labels",
                      new float[][] {{1, 0}, {0, 1}, {1, 1}, {0, 0}}),
                  "values",
                  new float[][] {{1}, {2}, {3}, {4}}));
      float[] after = network.parameter("wide.weight");
      assertTrue(before[0] != after[0]);
      Path file = folder.resolve("images.safetensors");
      network.save(file);
      try (Predictor predictor = network.predictor();
          Network loaded = Network.load(file);
          Predictor again = loaded.predictor()) {
        float[] image = new float[432];
        image[17] = 1;
        float[] outputs = predictor.predict(image);
        for (float output : outputs) {
          assertTrue(Float.isFinite(output));
        }
        assertArrayEquals(outputs, again.predict(image));
      }
    }
  }

  /** A kernel of one row and three columns over 2x4, each second column. */
  @Test
  void kernelsAndStridesNeedNotBeSquare() {
    try (Network network =
            Network.builder(Shape.image(1, 2, 4))
                .conv2d("sum", 1, 1, 3, DEFAULTS.stride(1, 2).valid().noBias().constant(1))
                .head("all", Head.values("a", "b"))
                .build(1)
                .setParameter("heads.all.dense.weight", new float[] {1, 0, 0, 1});
        Predictor predictor = network.predictor()) {
      assertArrayEquals(
          new float[] {6, 18}, predictor.predict(new float[] {1, 2, 3, 4, 5, 6, 7, 8}));
    }
  }

  @Test
  void argumentsAreChecked() {
    NetworkBuilder builder = Network.builder(Shape.image(3, 8, 8));
    assertThrows(IllegalArgumentException.class, () -> builder.conv2d("", 1, 0, 3, DEFAULTS));
    assertThrows(IllegalArgumentException.class, () -> builder.groupNorm(0));
    assertThrows(IllegalArgumentException.class, () -> builder.resize("", 0, 3, DEFAULTS));
    assertThrows(IllegalArgumentException.class, () -> builder.resize(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> DEFAULTS.stride(1, 1025));
    assertThrows(IllegalArgumentException.class, () -> builder.concat("", 8, "a", "b"));
    assertThrows(IllegalArgumentException.class, () -> builder.concat("", 1, "a"));
    assertEquals(
        "{a=1, b=1.5, c=true, d=text, e=[1, 2]}",
        DEFAULTS
            .set("a", 1)
            .set("b", 1.5)
            .set("c", true)
            .set("d", "text")
            .set("e", 1, 2)
            .toString());
  }
}
