// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Java and C++ give the same bits: the same work as in cpp/example/parity.cc, whose program the
 * system property {@code espalier.cpp.parity} names. So the defaults of the optimizers agree, too.
 */
class ParityTest {
  private static final String PROPERTY = "espalier.cpp.parity";
  private static final int EXAMPLES = 48;

  private final float[] inputs = new float[EXAMPLES * 64];
  private final int[] kinds = new int[EXAMPLES];
  private final float[][] sides = new float[EXAMPLES][2];
  private long state = 2026;

  ParityTest() {
    for (int i = 0; i < EXAMPLES; i++) {
      for (int p = 0; p < 64; p++) {
        inputs[i * 64 + p] = next();
      }
      float kind = next();
      kinds[i] = kind < 0.2f ? -1 : (int) (kind * 4);
      for (int side = 0; side < 2; side++) {
        float answer = next();
        sides[i][side] = answer < 0.3f ? Float.NaN : answer < 0.6f ? 0 : 1;
      }
    }
  }

  private float next() {
    state = state * 6364136223846793005L + 1442695040888963407L;
    return (state >>> 40) * 0x1p-24f;
  }

  private static long hash(long hash, float[] values) {
    for (float value : values) {
      int bits = Float.floatToRawIntBits(value);
      for (int shift = 0; shift < 32; shift += 8) {
        hash = (hash ^ ((bits >>> shift) & 0xff)) * 1099511628211L;
      }
    }
    return hash;
  }

  private String run(long seed) {
    Dataset data =
        Datasets.withTargets(
            Datasets.withClasses(Datasets.of(inputs, Shape.image(1, 8, 8)), "kind", kinds),
            "side",
            sides);
    try (Network network =
        Network.builder(Shape.image(1, 8, 8))
            .normalize(0.5, 0.25)
            .conv2d("conv1", 4, 3)
            .batchNorm()
            .relu()
            .maxPool2d(2)
            .dropout(0.25)
            .dense("features", 16)
            .relu()
            .head("kind", Head.classes(4))
            .head("side", Head.labels("a", "b"))
            .build(seed)) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(0.01))
          .schedule(Schedule.cosine())
          .batchSize(16)
          .epochs(3)
          .seed(5)
          .shuffle(false)
          .clipNorm(1)
          .fit(data);
      network.freezeThrough("features");
      Trainer.of(network)
          .optimizer(Sgd.withLearningRate(0.05).nesterov(0.9))
          .batchSize(16)
          .epochs(2)
          .shuffle(false)
          .fit(data);
      network.unfreezeThrough("features");
      Trainer.of(network)
          .optimizer(Adam.withLearningRate(0.01))
          .schedule(Schedule.step(2, 0.5))
          .batchSize(16)
          .epochs(1)
          .shuffle(false)
          .fit(data);
      Trainer.of(network)
          .optimizer(RmsProp.withLearningRate(0.001).layerDecay(0.5))
          .schedule(Schedule.exponential(0.9).warmup(2))
          .batchSize(16)
          .epochs(1)
          .shuffle(false)
          .fit(data);
      long hash = 0xcbf29ce484222325L;
      for (ParameterSummary parameter : network.parameters()) {
        hash = hash(hash, network.parameter(parameter.path()));
      }
      try (Predictor predictor = network.predictor()) {
        hash = hash(hash, predictor.predict(inputs));
      }
      return String.format("%s %016x", Espalier.cpuTarget(), hash);
    }
  }

  @Test
  void javaAndCppGiveTheSameBits() throws Exception {
    String program = System.getProperty(PROPERTY, "");
    assumeTrue(
        Files.isRegularFile(Path.of(program)),
        "SKIPPED: the system property " + PROPERTY + " names no program, but \"" + program + "\"");
    Process process =
        new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, process.waitFor());
    assertEquals(output, run(11));
  }

  @Test
  void theHashTellsOtherBitsApart() {
    assertEquals(run(11), run(11));
    assertNotEquals(run(11), run(12));
  }
}
