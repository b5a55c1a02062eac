// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a service waits for before its first answer. */
class StartTest {
  @TempDir Path folder;

  /** The first lambda of a process takes milliseconds, each further one half of one. */
  @Test
  void noLambdaLiesOnTheWayToAnAnswer() {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(3)).dense(4).head("a", Head.labels("x", "y")).build(1)) {
      network.save(model);
    }
    ChildJvm.Result result =
        ChildJvm.run(FirstAnswer.class, List.of("-Xlog:class+load=info:stdout"), model.toString());
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("answered"), result.output());
    assertTrue(result.output().contains("dev.espalier.PredictorCalls"), result.output());
    List<String> lambdas =
        result
            .output()
            .lines()
            .filter(line -> line.contains("dev.espalier") && line.contains("Lambda"))
            .toList();
    assertEquals(List.of(), lambdas);
  }

  /** Loads a model and predicts. */
  static final class FirstAnswer {
    private FirstAnswer() {}

    public static void main(String[] arguments) {
      try (Network network = Network.load(Path.of(arguments[0]));
          Predictor predictor = network.predictor()) {
        predictor.predict(new float[3]);
        System.out.println("answered");
      }
    }
  }
}
