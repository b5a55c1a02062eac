// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A service may leave out OpenBLAS: everything works without its jars on the class path. */
class WithoutOpenBlasTest {
  @Test
  void trainsAndServes() {
    String classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("openblas"))
            .collect(Collectors.joining(File.pathSeparator));
    ChildJvm.Result result =
        ChildJvm.runOn(classPath, Program.class, List.of("-Xmx128m", "-Xcheck:jni"));
    assertEquals("trained, served", result.lastLine());
  }

  /** Large enough that the products of its batches would go to OpenBLAS, were it there. */
  static final class Program {
    private static final int WIDTH = 512;
    private static final int COUNT = 256;

    public static void main(String[] arguments) {
      assertFalse(System.getProperty("java.class.path").contains("openblas"));
      float[] inputs = new float[COUNT * WIDTH];
      int[] classes = new int[COUNT];
      for (int i = 0; i < COUNT; i++) {
        classes[i] = i % 2;
        inputs[i * WIDTH + i % 2] = 1;
      }
      Shape shape = Shape.vector(WIDTH);
      try (Network network =
          Network.builder(shape)
              .dense(WIDTH)
              .relu()
              .dense(WIDTH)
              .relu()
              .head("side", Head.classes(2))
              .build(1)) {
        Dataset data = Datasets.ofClasses(inputs, shape, classes);
        Trainer.of(network).batchSize(COUNT).epochs(5).fit(data);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        network.save(file);
        try (Network loaded = Network.load(file.toByteArray());
            Predictor predictor = loaded.predictor()) {
          float[] answers = predictor.predict(inputs);
          float[] one = predictor.predict(Arrays.copyOf(inputs, WIDTH));
          System.out.println(
              answers[0] > 0.5 && answers[3] > 0.5 && Arrays.equals(one, Arrays.copyOf(answers, 2))
                  ? "trained, served"
                  : Arrays.toString(one));
        }
      }
    }
  }
}
