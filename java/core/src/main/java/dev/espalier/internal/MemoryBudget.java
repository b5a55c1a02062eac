// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How much of the memory that the system gives this process native code may have, unless it is told
 * another number: what the Java virtual machine may come to take is left to it, so that too large a
 * network is an exception, not the end of the process.
 *
 * <p>budget = max(limit / 8, limit - heap - direct - 160 MiB - heap / 16)
 *
 * <ul>
 *   <li>limit: of the container, or the machine's memory.
 *   <li>heap: {@link Runtime#maxMemory()}.
 *   <li>direct: what {@code -XX:MaxDirectMemorySize} allows, where it is given. Otherwise the part
 *       of the 160 MiB that the JVM leaves, which batches fit many times.
 *   <li>160 MiB: what the JVM takes beside its heap: code, classes, threads, compilers and malloc's
 *       arenas. A JDK 17 that served 40 threads had committed 67 MB of it with a heap of 128 MiB,
 *       42 of them G1's; a service's own code, classes and threads come on top.
 *   <li>heap / 16: the garbage collector's tables. G1 reserves 116 MB for a heap of 2 GiB.
 *   <li>limit / 8: where the heap is as large as the container, which ends in exceptions of one
 *       kind or the other, small networks still work.
 * </ul>
 */
final class MemoryBudget {
  private static final long RESERVE_BYTES = 160L << 20;
  private static final String COMMAND_LINE = "/proc/self/cmdline";
  private static final List<String> VARIABLES =
      List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");
  private static final String DIRECT_OPTION = "-XX:MaxDirectMemorySize=";

  private MemoryBudget() {}

  /** Returns the budget for this JVM. */
  static long forThisProcess(long limitBytes) {
    List<String> options = arguments();
    for (String variable : VARIABLES) {
      String text = System.getenv(variable);
      if (text != null) {
        options.addAll(List.of(text.trim().split("\\s+")));
      }
    }
    return of(limitBytes, Runtime.getRuntime().maxMemory(), directBytes(options).orElse(0));
  }

  // Read here, since the classes of ProcessHandle and of streams add 6 ms to the start of a JVM.
  private static List<String> arguments() {
    try (InputStream stream = new FileInputStream(COMMAND_LINE)) {
      String line = new String(stream.readAllBytes(), StandardCharsets.ISO_8859_1);
      return new ArrayList<>(List.of(line.split("\0")));
    } catch (IOException | SecurityException notShown) {
      return new ArrayList<>();
    }
  }

  static long of(long limitBytes, long heapBytes, long directBytes) {
    long heap = Math.min(heapBytes, limitBytes);
    long direct = Math.min(directBytes, limitBytes);
    return Math.max(limitBytes / 8, limitBytes - heap - direct - RESERVE_BYTES - heap / 16);
  }

  /** Returns what the last option that limits direct memory says; empty for none or 0. */
  static OptionalLong directBytes(List<String> options) {
    OptionalLong bytes = OptionalLong.empty();
    for (String option : options) {
      if (option.startsWith(DIRECT_OPTION)) {
        bytes = bytesOf(option.substring(DIRECT_OPTION.length()));
      }
    }
    return bytes;
  }

  private static OptionalLong bytesOf(String text) {
    int unit =
        text.isEmpty() ? -1 : "kmgt".indexOf(Character.toLowerCase(text.charAt(text.length() - 1)));
    String digits = unit < 0 ? text : text.substring(0, text.length() - 1);
    try {
      long bytes = Math.multiplyExact(Long.parseLong(digits), 1L << 10 * (unit + 1));
      return bytes > 0 ? OptionalLong.of(bytes) : OptionalLong.empty();
    } catch (NumberFormatException | ArithmeticException error) {
      return OptionalLong.empty();
    }
  }
}
