// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values that are the same for every example: layers of kind {@code constant}. */
class ConstantsTest {
  private static final LayerOptions DEFAULTS = LayerOptions.defaults();

  private static NetworkBuilder builder() {
    return Network.builder(Shape.of(2, 3))
        .layer("table", "constant", DEFAULTS.set("shape", 2, 3).set("initializer_value", 0.5))
        .add("sum", "input", "table")
        .layer("order", "constant", DEFAULTS.set("shape", 3).set("integers", 0, 1, 0))
        .from("order")
        .layer("chosen", "cast", DEFAULTS.set("from", "int32").set("to", "float32"))
        .mul("product", "sum", "chosen")
        .layer("unread", "constant", DEFAULTS.set("shape", 1));
  }

  @Test
  void areAddedToEveryExample() {
    try (Network network =
        builder().head("x", Head.values("a").initializer(Initializer.ZEROS)).build(1)) {
      network.setParameter("heads.x.dense.weight", new float[] {1, 1, 1, 1, 1, 1});
      network.setParameter("table.value", new float[] {1, 2, 3, 4, 5, 6});
      assertEquals(2 * 3 + 1 + 6 + 1, parameters(network));
      try (Predictor predictor = network.predictor()) {
        float[] rows = {0, 10, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0};
        assertArrayEquals(new float[] {37, 7}, predictor.predict(rows), 1e-5f);
      }
      assertArrayEquals(new float[] {0}, network.parameter("unread.value"));
    }
  }

  private static long parameters(Network network) {
    return network.layers().stream().mapToLong(LayerSummary::parameterCount).sum();
  }

  @Test
  void surviveAModelFile() {
    try (Network network = builder().head("x", Head.values("a")).build(1)) {
      network.setParameter("table.value", new float[] {1, 2, 3, 4, 5, 6});
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      network.save(file);
      try (Network loaded = Network.load(file.toByteArray());
          Predictor before = network.predictor();
          Predictor after = loaded.predictor()) {
        assertEquals(network.summary(), loaded.summary());
        float[] row = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f};
        assertArrayEquals(before.predict(row), after.predict(row));
      }
    }
  }

  @Test
  void learnUnlessFrozen() {
    float[][] targets = {{3}, {-2}, {1}};
    float[] rows = new float[18];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (i * 5 % 7) * 0.2f;
    }
    Dataset data = Datasets.forTask(Datasets.of(rows, Shape.of(2, 3), targets), "x");
    for (boolean isFrozen : List.of(true, false)) {
      try (Network network = builder().head("x", Head.values("a")).build(1)) {
        if (isFrozen) {
          network.freeze("table");
        }
        Trainer.of(network).optimizer(Sgd.withLearningRate(0.05)).epochs(2).batchSize(2).fit(data);
        float[] table = network.parameter("table.value");
        assertEquals(isFrozen, Arrays.equals(new float[] {.5f, .5f, .5f, .5f, .5f, .5f}, table));
      }
    }
  }

  @Test
  void areNoLayerBeforeAnother() {
    try (Network network = builder().relu().head("x", Head.values("a")).build(1);
        Network other =
            network.transfer().dropFrom("product").head("y", Head.values("b")).build(2)) {
      List<String> names = other.layers().stream().map(LayerSummary::name).toList();
      assertEquals(List.of("table", "sum", "unread", "heads.y.dense"), names);
    }
  }
}
