// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A process that asks for more native memory than its container has gets an exception from us, and
 * is not killed. Needs the right to make a control group; where there is none the test says so.
 */
class ContainerMemoryTest {
  private static final long LIMIT_BYTES = 600L << 20;

  /** Makes networks until there is no memory for another, having filled the heap before. */
  static final class Greedy {
    public static void main(String[] arguments) {
      // The heap, too, is all in use.
      List<byte[]> heap = new ArrayList<>();
      while (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory() < 90 << 20) {
        heap.add(new byte[1 << 20]);
      }
      List<Network> networks = new ArrayList<>();
      try {
        while (true) {
          networks.add(
              Network.builder(Shape.vector(1024))
                  .dense("wide", 2048)
                  .head("h", Head.labels("yes"))
                  .build(1));
          if (networks.size() % 8 == 0) {
            networks.get(0).predictor().close();
          }
        }
      } catch (NativeMemoryException expected) {
        System.out.println("refused after " + Espalier.nativeBytes() + " bytes");
      }
      if (heap.isEmpty()) {
        throw new AssertionError();
      }
    }
  }

  @BeforeEach
  void skipUnderSanitizers() {
    String preloaded = System.getenv("LD_PRELOAD");
    assumeFalse(
        preloaded != null && preloaded.contains("san"), "a sanitizer's shadow takes the container");
  }

  @Test
  void aProcessInASmallContainerGetsAnException() {
    try (ControlGroup group = ControlGroup.create(LIMIT_BYTES)) {
      ChildJvm.Result result = ChildJvm.runBy(group.entering(), Greedy.class, List.of("-Xmx128m"));
      assertEquals(0, result.exitCode(), () -> "killed? " + result.output());
      assertTrue(result.output().contains("refused after "), result.output());
      long bytes = Long.parseLong(result.lastLine().replaceAll("refused after (\\d+) bytes", "$1"));
      assertTrue(bytes > LIMIT_BYTES / 3, () -> "too cautious: " + result.output());
    }
  }

  /** A control group for memory, of either version. */
  private record ControlGroup(Path folder) implements AutoCloseable {
    static ControlGroup create(long limitBytes) {
      boolean isFirstVersion = Files.isDirectory(Path.of("/sys/fs/cgroup/memory"));
      Path parent = Path.of(isFirstVersion ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup");
      Path folder = parent.resolve("espalier-test-" + ProcessHandle.current().pid());
      try {
        Files.createDirectory(folder);
        ControlGroup group = new ControlGroup(folder);
        try {
          String file = isFirstVersion ? "memory.limit_in_bytes" : "memory.max";
          Files.writeString(folder.resolve(file), Long.toString(limitBytes));
          return group;
        } catch (IOException error) {
          group.close();
          throw error;
        }
      } catch (IOException error) {
        String reason = "NOT TESTED: no control group for memory can be made here: " + error;
        System.err.println(reason);
        return Assumptions.abort(reason);
      }
    }

    /** The command that a child begins with, to be in the group. */
    List<String> entering() {
      return List.of(
          "/bin/sh", "-c", "echo $$ > " + folder.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
    }

    @Override
    public void close() {
      try {
        Files.delete(folder);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}
