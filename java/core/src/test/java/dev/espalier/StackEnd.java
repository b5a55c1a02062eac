// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A call, tried at each of the last frames of a recursion that ends in {@link StackOverflowError}.
 * In a program of its own: what goes wrong here ends the virtual machine.
 */
final class StackEnd {
  private static final int FRAMES = 6000;

  /** Enough for {@link #FRAMES} interpreted frames and more. */
  private static final long STACK_BYTES = 4 << 20;

  /** Where files cost no flushing of disks. */
  private static final Path MEMORY = Path.of("/dev/shm");

  private final Runnable before;
  private final Runnable call;
  private final RuntimeException[] refusals = new RuntimeException[FRAMES + 1];
  private int refusalCount;
  private int results;
  private int overflows;

  /**
   * Makes ready to try.
   *
   * @param before comes before the call each time, and may lack stack as well
   */
  StackEnd(Runnable before, Runnable call) {
    this.before = before;
    this.call = call;
  }

  /** Runs a program with a folder as its argument; it ends with a line "done". */
  static void run(Class<?> program, Path folder, String... options) {
    String preloaded = System.getenv("LD_PRELOAD");
    assumeFalse(
        preloaded != null && preloaded.contains("san"), "a sanitizer makes frames far larger");
    // Each refusal would else note a thousand frames.
    List<String> all = new ArrayList<>(List.of("-XX:MaxJavaStackTraceDepth=16"));
    all.addAll(List.of(options));
    try {
      Path quick =
          Files.isWritable(MEMORY) ? Files.createTempDirectory(MEMORY, "espalier") : folder;
      try {
        ChildJvm.Result result = ChildJvm.run(program, all, quick.toAbsolutePath().toString());
        assertEquals("done", result.lastLine(), result.output());
      } finally {
        if (quick != folder) {
          delete(quick);
        }
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static void delete(Path folder) throws IOException {
    List<Path> files;
    try (var all = Files.walk(folder)) {
      files = new ArrayList<>(all.toList());
    }
    for (int i = files.size() - 1; i >= 0; i--) { // folders last
      Files.delete(files.get(i));
    }
  }

  /** Runs the body of such a program on a large stack; returns if all went well. */
  static void runProgram(Path folder, Runnable body) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, error) -> {
          error.printStackTrace(System.out);
          Runtime.getRuntime().halt(1);
        });
    Thread deep = new Thread(null, body, "deep", STACK_BYTES);
    deep.start();
    deep.join();
    try (var left = Files.list(folder)) {
      left.filter(file -> file.getFileName().toString().contains(".tmp"))
          .forEach(file -> require(false, "left behind: " + file));
    }
    Cleaning.awaitHandles(0);
    require(Espalier.liveHandles() == 0, "handles left: " + Espalier.liveHandles());
    require(Espalier.nativeBytes() == 0, "bytes left: " + Espalier.nativeBytes());
  }

  /** Tries the call at each of the last frames, or one of every so many. */
  void descend(int framesApart) {
    Arrays.fill(refusals, null);
    refusalCount = 0;
    results = 0;
    overflows = 0;
    down(framesApart);
  }

  /** Returns how many frames from the end this one is. */
  private int down(int framesApart) {
    int above;
    try {
      above = down(framesApart) + 1;
    } catch (StackOverflowError end) {
      above = 0;
    }
    if (above <= FRAMES && above % framesApart == 0) {
      attempt();
    }
    return above;
  }

  /** Tries the call. Its catch blocks call nothing, which might not work here. */
  void attempt() {
    try {
      before.run();
      call.run();
      results++;
    } catch (StackOverflowError end) {
      overflows++;
    } catch (RuntimeException refusal) {
      refusals[refusalCount++] = refusal;
    }
  }

  int results() {
    return results;
  }

  int overflows() {
    return overflows;
  }

  List<RuntimeException> refusals() {
    return Arrays.asList(refusals).subList(0, refusalCount);
  }

  static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
