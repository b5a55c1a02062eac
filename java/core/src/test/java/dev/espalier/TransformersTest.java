// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Transformers of today, built from the library's verbs: published sizes, PyTorch's answers. */
class TransformersTest {
  private static final LayerOptions OPTIONS = LayerOptions.defaults();

  /** BERT: Devlin et al. 2018, arXiv:1810.04805. */
  private static NetworkBuilder bert(
      int length, int words, int positions, int paddingId, int layers, TransformerOptions block) {
    int width = block.width();
    NetworkBuilder builder =
        Network.builder(
                Input.integers("ids", Shape.vector(length)),
                Input.integers("types", Shape.vector(length)),
                Input.integers("lengths", Shape.vector(1)))
            .embedding("words", words, width, OPTIONS.set("padding_id", paddingId))
            .from("types")
            .embedding("types_of", 2, width, OPTIONS)
            .add("embedded", "words", "types_of")
            .positionEmbedding("positions", positions)
            .layerNorm("norm", OPTIONS.perPosition());
    for (int layer = 1; layer <= layers; layer++) {
      builder.transformerEncoder("block" + layer, block.lengths("lengths"));
    }
    return builder.tokenPool("features", TokenPooling.MEAN, "block" + layers + ".norm2", "lengths");
  }

  private static long parameters(Network network) {
    return network.layers().stream().mapToLong(LayerSummary::parameterCount).sum();
  }

  /** As transformers counts MiniLM-L6-H384 (arXiv:2002.10957), without the pooler. */
  @Test
  void miniLmHasItsParameters() {
    try (Network network =
        bert(32, 30522, 512, 0, 6, TransformerOptions.of(384, 12, 1536))
            .head("answer", Head.values("v"))
            .build(1)) {
      assertEquals(22_565_376 + 385, parameters(network));
      assertEquals(Shape.vector(384), shape(network, "features"));
    }
  }

  /** As timm counts vit_tiny_patch16_224: Dosovitskiy et al. 2020, arXiv:2010.11929. */
  @Test
  void vitTinyHasItsParameters() {
    NetworkBuilder builder =
        Network.builder(Shape.image(3, 224, 224))
            .conv2d("patches", 192, 16, OPTIONS.stride(16).valid())
            .layer("rows", "reshape", OPTIONS.set("shape", 192, 196))
            .layer("tokens", "transpose", OPTIONS.set("order", 1, 0))
            .classToken("class")
            .positionEmbedding("positions", 197);
    for (int layer = 1; layer <= 12; layer++) {
      builder.transformerEncoder(
          "block" + layer, TransformerOptions.of(192, 3, 768).normFirst().epsilon(1e-6));
    }
    try (Network network =
        builder
            .layerNorm("norm", OPTIONS.perPosition())
            .tokenPool("features", TokenPooling.FIRST)
            .head("answer", Head.classes(1000))
            .build(1)) {
      assertEquals(5_717_416, parameters(network));
      assertEquals(Shape.of(197, 192), shape(network, "block12.sum2"));
      try (Predictor predictor = network.predictor()) {
        double sum = 0;
        for (float probability : predictor.predict(new float[3 * 224 * 224])) {
          sum += probability;
        }
        assertEquals(1, sum, 1e-5);
      }
    }
  }

  /** Of cpp/testdata/transformer_golden.py: what PyTorch makes of five short texts; from a file. */
  @Test
  void anEncoderAnswersAsPyTorch() throws IOException {
    Map<String, float[]> golden = golden();
    try (Network network =
        bert(7, 13, 9, 0, 2, TransformerOptions.of(12, 3, 20))
            .head("answer", Head.labels("a", "b", "c"))
            .build(1)) {
      for (ParameterSummary parameter : network.parameters()) {
        String path = parameter.path().replace("types_of.", "types.");
        network.setParameter(parameter.path(), golden.get("encoder/initial/" + path));
      }
      float[] logits = golden.get("encoder/logits");
      double error = 0;
      double norm = 0;
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      network.save(file);
      try (Network loaded = Network.load(file.toByteArray());
          Predictor predictor = loaded.predictor(PredictorOptions.defaults().logits())) {
        for (int example = 0; example < 5; example++) {
          InputValues values =
              InputValues.of("ids", integers(golden.get("encoder/inputs/words"), example, 7))
                  .and("types", integers(golden.get("encoder/inputs/types"), example, 7))
                  .and("lengths", integers(golden.get("encoder/inputs/lengths"), example, 1));
          float[] got = predictor.predictNamed(values).values("answer");
          for (int i = 0; i < 3; i++) {
            double expected = logits[3 * example + i];
            error += (got[i] - expected) * (got[i] - expected);
            norm += expected * expected;
          }
        }
      }
      assertTrue(Math.sqrt(error / norm) <= 1e-5, Math.sqrt(error / norm) + " away");
    }
  }

  private static Shape shape(Network network, String layer) {
    return network.layers().stream()
        .filter(l -> l.name().equals(layer))
        .findFirst()
        .orElseThrow()
        .output();
  }

  private static int[] integers(float[] all, int example, int count) {
    int[] integers = new int[count];
    for (int i = 0; i < count; i++) {
      integers[i] = (int) all[example * count + i];
    }
    return integers;
  }

  private static Map<String, float[]> golden() throws IOException {
    Path folder = Path.of(System.getProperty("espalier.root")).resolve("cpp/testdata");
    FloatBuffer data =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve("transformer_golden.bin")))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    Map<String, float[]> golden = new LinkedHashMap<>();
    for (String line : Files.readAllLines(folder.resolve("transformer_golden.txt"))) {
      String[] words = line.split(" ");
      float[] values = new float[Integer.parseInt(words[2])];
      data.get(Integer.parseInt(words[1]), values);
      golden.put(words[0], values);
    }
    return golden;
  }

  /** The padding of a text has no part in what a head says of it. */
  @Test
  void headsPoolTheValidPositionsAlone() {
    try (Network network =
            Network.builder(
                    Input.integers("ids", Shape.vector(6)),
                    Input.integers("length", Shape.vector(1)))
                .embedding("words", 10, 4, OPTIONS)
                .head(
                    "topic",
                    Head.layers(h -> h.tokenPool("", TokenPooling.MEAN, "words", "length"))
                        .labels("a", "b")
                        .initializer(Initializer.STANDARD_UNIFORM))
                .build(1);
        Predictor predictor = network.predictor()) {
      assertArrayEquals(
          predictor.predict(new float[] {1, 2, 3, 0, 0, 0, 3}),
          predictor.predict(new float[] {1, 2, 3, 7, 8, 9, 3}));
      assertTrue(predictor.describe().contains("ids: up to the longest of a batch"));
    }
  }
}
