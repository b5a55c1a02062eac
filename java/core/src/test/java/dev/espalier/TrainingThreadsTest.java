// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What {@link Trainer#threads} says of a fit's threads: those of the pool start when first needed,
 * and have the name of the thread that needed them.
 */
class TrainingThreadsTest {
  private static final String NAME = "fitting";

  @Test
  void aFitHasNoMoreThanItMay() {
    ChildJvm.Result result = ChildJvm.run(Program.class, List.of());
    assertEquals("1 1 2 2 4", result.lastLine());
  }

  @Test
  void refusesWhatIsNoNumberOfThreads() {
    try (Network network = Program.network()) {
      Trainer trainer = Trainer.of(network);
      for (int count : new int[] {-1, 0, 257}) {
        IllegalArgumentException error =
            assertThrows(IllegalArgumentException.class, () -> trainer.threads(count));
        assertEquals("threads: expected 1 to 256, got " + count, error.getMessage());
      }
    }
  }

  /** Prints the threads after an adaptation of 1, and fits of 1, of 2, of 1 again and of all 4. */
  static final class Program {
    private static float[] expected;

    private Program() {}

    public static void main(String[] arguments) throws Exception {
      Espalier.setThreads(4);
      FutureTask<String> fits = new FutureTask<>(Program::fits);
      new Thread(fits, NAME).start();
      System.out.println(fits.get());
    }

    private static String fits() {
      adapts();
      int adapted = threads();
      int first = threadsOf(trainer -> trainer.threads(1));
      int second = threadsOf(trainer -> trainer.threads(2));
      int third = threadsOf(trainer -> trainer.threads(1));
      int last = threadsOf(trainer -> trainer);
      return String.format("%d %d %d %d %d", adapted, first, second, third, last);
    }

    private static void adapts() {
      Dataset data = data();
      try (Network network = network()) {
        Adaptation.of(network).headSteps(5).tuningSteps(5).threads(1).fit(data, data).close();
      }
    }

    private static int threadsOf(UnaryOperator<Trainer> setting) {
      Dataset data = data();
      try (Network network = network()) {
        network.freezeThrough("trunk");
        Trainer trainer = Trainer.of(network).epochs(3).batchSize(64).validation(data);
        setting.apply(trainer).fit(data);
        float[] weights = network.parameter("middle.weight");
        if (expected != null && !Arrays.equals(expected, weights)) {
          throw new AssertionError("other bits");
        }
        expected = weights;
      }
      return threads();
    }

    private static Dataset data() {
      SplittableRandom random = new SplittableRandom(1);
      float[] inputs = new float[64 * 256];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = (float) random.nextDouble() - 0.5f;
      }
      int[] classes = new int[64];
      Arrays.setAll(classes, i -> i % 3);
      return Datasets.ofClasses(inputs, Shape.vector(256), classes);
    }

    static Network network() {
      return Network.builder(Shape.vector(256))
          .dense("trunk", 512)
          .relu()
          .dense("middle", 512)
          .relu()
          .head("head", Head.classes(3))
          .build(1);
    }

    private static int threads() {
      try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
        return (int) tasks.filter(Program::isOfFit).count();
      } catch (IOException error) {
        throw new AssertionError(error);
      }
    }

    private static boolean isOfFit(Path task) {
      try {
        return Files.readString(task.resolve("comm")).strip().equals(NAME);
      } catch (IOException over) {
        return false;
      }
    }
  }
}
