// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is opened and closed, or forgotten, many times leaves nothing behind. */
@Timeout(600)
class LeakTest {
  private static final int INPUT = 24;
  private static final Path STATUS = Path.of("/proc/self/smaps_rollup");

  @TempDir Path folder;

  private static Network network() {
    return Network.builder(Shape.vector(INPUT))
        .dense(16)
        .relu()
        .head("x", Head.labels("a", "b", "c"))
        .build(1);
  }

  @Test
  void openingAndClosingLeavesNothingBehind() {
    assumeTrue(Files.exists(STATUS), "resident memory is read from " + STATUS);
    // In a process whose heap is resident from the start, so that growth is the library's.
    String[] figures =
        ChildJvm.run(
                Cycles.class,
                List.of("-Xms48m", "-Xmx48m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch"),
                folder.resolve("model.safetensors").toString())
            .lastLine()
            .split(" ");
    System.out.println("handles, bytes, windows missing: " + Arrays.toString(figures));
    assertEquals("0", figures[0], "handles that are not closed");
    assertEquals("0", figures[1], "native bytes");
    assertEquals("0", figures[2], "windows too few without growth");
  }

  /**
   * Opens a model from its file, predicts and closes, 100,000 times and more. Prints handles,
   * native bytes, and how many windows were missing for a majority in which anonymous memory hardly
   * grew: the virtual machine takes and returns memory now and then, for as long as it compiles, a
   * leak takes it all the time.
   */
  static final class Cycles {
    static final int WINDOW = 10_000;

    static final int FEWEST_WINDOWS = 10;

    static final int MOST_WINDOWS = 60;

    /** 7 bytes a cycle; the smallest leak of malloc takes 32. */
    static final long MOST_BYTES = 64 << 10;

    public static void main(String[] arguments) throws IOException {
      Path model = Path.of(arguments[0]);
      try (Network network = network()) {
        network.save(model);
      }
      float[] input = new float[INPUT];
      float[] output = new float[3];
      List<Long> growths = new ArrayList<>();
      long before = residentBytes();
      int missing;
      do {
        for (int cycle = 0; cycle < WINDOW; cycle++) {
          try (Network network = Network.load(model);
              Predictor predictor = network.predictor()) {
            predictor.predict(input, output);
          }
        }
        long now = residentBytes();
        growths.add(now - before);
        before = now;
        int quiet = (int) growths.stream().filter(growth -> growth <= MOST_BYTES).count();
        missing = Math.max(0, growths.size() / 2 + 1 - quiet);
      } while (growths.size() < FEWEST_WINDOWS || (missing > 0 && growths.size() < MOST_WINDOWS));
      System.out.println(growths);
      System.out.println(Espalier.liveHandles() + " " + Espalier.nativeBytes() + " " + missing);
    }
  }

  @Test
  void theCollectorKeepsUpWithWhatIsForgotten() {
    String[] figures =
        ChildJvm.run(Forgetful.class, List.of("-Xmx64m", "-XX:+UseSerialGC")).lastLine().split(" ");
    System.out.println("handles, bytes, most handles: " + Arrays.toString(figures));
    assertEquals("0", figures[0], "handles that are not closed");
    assertEquals("0", figures[1], "native bytes");
    // Nobody asked the collector meanwhile: the heap's own need has to free handles as well.
    assertTrue(Long.parseLong(figures[2]) < Forgetful.PAIRS / 2, figures[2] + " handles at once");
  }

  /**
   * Forgets 100,000 networks with a predictor each, in a small heap. Prints handles, native bytes,
   * and the most handles there were.
   */
  static final class Forgetful {
    static final int PAIRS = 100_000;

    public static void main(String[] arguments) throws InterruptedException {
      float[] input = new float[INPUT];
      long most = 0;
      for (int i = 0; i < PAIRS; i++) {
        network().predictor().predict(input);
        most = Math.max(most, Espalier.liveHandles());
      }
      Cleaning.awaitHandles(0);
      System.out.println(Espalier.liveHandles() + " " + Espalier.nativeBytes() + " " + most);
    }
  }

  @Test
  void aPredictorThatCannotBeWarmedUpIsClosed() {
    assertEquals(
        "NativeMemoryException, 1 handle",
        ChildJvm.run(NoDirectMemory.class, List.of("-Xmx64m", "-XX:MaxDirectMemorySize=1"))
            .lastLine());
  }

  /**
   * Makes the first predictor where its warm-up gets no direct buffer; only the network is left.
   */
  static final class NoDirectMemory {
    public static void main(String[] arguments) {
      try (Network network = network()) {
        try {
          network.predictor();
        } catch (NativeMemoryException error) {
          System.out.println(
              error.getClass().getSimpleName() + ", " + Espalier.liveHandles() + " handle");
        }
      }
    }
  }

  private static long residentBytes() throws IOException {
    try (var lines = Files.lines(STATUS)) {
      String line = lines.filter(text -> text.startsWith("Anonymous:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
    }
  }
}
