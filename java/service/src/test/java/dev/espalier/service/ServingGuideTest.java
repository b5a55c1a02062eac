// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.BatchingOptions;
import dev.espalier.BatchingPredictor;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/serving.md shows of the service and of meters compiles; the meters are filled. */
class ServingGuideTest {
  private static final String GUIDE = "docs/serving.md";

  @TempDir Path folder;

  @Test
  void modelsAreLoadedSo() throws Exception {
    Path model = folder.resolve("model.safetensors");
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
    CompiledProgram.ofStatements(
            folder,
            "Loads",
            List.of("dev.espalier.*", "java.nio.file.Path"),
            "Path file, float[] input",
            DocumentedCode.ofSection(GUIDE, "In your own program").get(0))
        .run(new Class<?>[] {Path.class, float[].class}, model, new float[4]);
  }

  @Test
  void theServiceStartsSo() throws Exception {
    CompiledProgram program =
        CompiledProgram.ofStatements(
            folder,
            "Serves",
            List.of("dev.espalier.service.*", "java.nio.file.Path"),
            "Path model",
            DocumentedCode.ofSection(GUIDE, "By HTTP").get(0));
    assertEquals(CompiledProgram.class, program.getClass());
  }

  @Test
  void metersAreBoundSo() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry();
    Class<?>[] types = {
      MeterRegistry.class, Predictor.class, BatchingPredictor.class, float[].class
    };
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1);
        Predictor predictor = network.predictor();
        BatchingPredictor batching = BatchingPredictor.of(predictor, BatchingOptions.defaults())) {
      CompiledProgram.ofStatements(
              folder,
              "Meters",
              List.of(
                  "dev.espalier.*",
                  "dev.espalier.micrometer.*",
                  "io.micrometer.core.instrument.MeterRegistry"),
              "MeterRegistry registry, Predictor predictor, BatchingPredictor batching, float[]"
                  + " input",
              DocumentedCode.ofSection(GUIDE, "Metrics").get(0))
          .run(types, registry, predictor, batching, new float[4]);
      assertEquals(1, registry.get("espalier.predictor.calls").functionCounter().count());
      assertEquals(
          1, registry.get("espalier.prediction").tag("outcome", "success").timer().count());
    }
  }
}
