// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
    System.out.println("handles, bytes, growth of resident memory: " + Arrays.toString(figures));
    assertEquals("0", figures[0], "handles that are not closed");
    assertEquals("0", figures[1], "native bytes");
    long growth = Long.parseLong(figures[2]);
    assertTrue(
        growth <= Cycles.MOST_BYTES, growth + " bytes more after " + Cycles.WINDOW + " cycles");
  }

  /**
   * Opens a model from its file, predicts and closes, 100,000 times. Prints handles, native bytes,
   * and by how many bytes anonymous memory grew in the median window: the virtual machine takes and
   * returns memory now and then, a leak takes it all the time.
   */
  static final class Cycles {
    static final int WINDOW = 10_000;

    static final int WINDOWS = 10;

    /** 7 bytes a cycle; the smallest leak of malloc takes 32. */
    static final long MOST_BYTES = 64 << 10;

    public static void main(String[] arguments) throws IOException {
      Path model = Path.of(arguments[0]);
      try (Network network = network()) {
        network.save(model);
      }
      float[] input = new float[INPUT];
      float[] output = new float[3];
      long[] growth = new long[WINDOWS];
      long before = residentBytes();
      for (int window = 0; window < WINDOWS; window++) {
        for (int cycle = 0; cycle < WINDOW; cycle++) {
          try (Network network = Network.load(model);
              Predictor predictor = network.predictor()) {
            predictor.predict(input, output);
          }
        }
        long now = residentBytes();
        growth[window] = now - before;
        before = now;
      }
      System.out.println(Arrays.toString(growth));
      Arrays.sort(growth);
      long median = growth[WINDOWS / 2];
      System.out.println(Espalier.liveHandles() + " " + Espalier.nativeBytes() + " " + median);
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
      for (int i = 0; i < 500 && Espalier.liveHandles() > 0; i++) {
        System.gc();
        TimeUnit.MILLISECONDS.sleep(20);
      }
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
