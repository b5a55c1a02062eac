// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.Version;
import java.util.List;

/**
 * The library as a whole: version, instruction set, threads and native memory. All methods may be
 * called from any thread.
 *
 * @since 0.1
 */
public final class Espalier {
  private static final List<Instrument> INSTRUMENTS =
      List.of(
          Instrument.gauge(
              "espalier.live.handles",
              "Networks, predictors and running trainers that are not closed.",
              Espalier::liveHandles,
              Long::doubleValue),
          Instrument.gauge(
              "espalier.native.bytes",
              "Native memory of networks, plans and caches together.",
              Espalier::nativeBytes,
              Long::doubleValue));

  private Espalier() {}

  /**
   * Returns the version of the library.
   *
   * @return for example {@code "0.1.0"}
   */
  public static String version() {
    return Version.OF_LIBRARY;
  }

  /**
   * Returns the instruction set in use. The environment variable {@code ESPALIER_CPU} forces one.
   *
   * @return {@code "baseline"}, {@code "avx2"}, {@code "avx512"}, {@code "avx512vnni"} or {@code
   *     "neon"}
   * @throws IllegalArgumentException if the variable names an unknown or unsupported one
   */
  public static String cpuTarget() {
    return NativeCall.get(Bridge::cpuTarget);
  }

  /**
   * Returns the threads that one call may use, the caller's included. Initially {@link
   * Runtime#availableProcessors()}, so that limits of containers are respected.
   *
   * @return 1 to 256
   */
  public static int threads() {
    return NativeCall.get(Bridge::threadCount);
  }

  /**
   * Sets the threads that one call may use, the caller's included. Results have the same bits for
   * any number.
   *
   * @param threads 1 to 256
   * @throws IllegalArgumentException if the number is out of range
   */
  public static void setThreads(int threads) {
    Arguments.inRange("threads", threads, 1, 256);
    NativeCall.run(() -> Bridge.setThreadCount(threads));
  }

  /**
   * Returns the native memory of networks, plans and caches together.
   *
   * @return bytes
   */
  public static long nativeBytes() {
    return NativeCall.getLong(Bridge::nativeBytes);
  }

  /**
   * Returns how much native memory there may be. Initially what the container, or the machine, has,
   * less the largest heap, less what {@code -XX:MaxDirectMemorySize} allows where it is given, less
   * 160 MiB and a sixteenth of the heap for what the JVM takes beside; an eighth of all at least.
   *
   * @return bytes
   */
  public static long nativeBytesBudget() {
    return NativeCall.getLong(Bridge::nativeBytesBudget);
  }

  /**
   * Sets how much native memory there may be. What exceeds it is refused by {@link
   * NativeMemoryException}; nothing that exists is taken away.
   *
   * @param bytes at least 0
   * @throws IllegalArgumentException if the number is negative
   */
  public static void setNativeBytesBudget(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes: expected at least 0, got " + bytes);
    }
    NativeCall.run(() -> Bridge.setNativeBytesBudget(bytes));
  }

  /**
   * Returns the number of networks, predictors and running trainers that are not closed.
   *
   * @return 0 if everything was closed
   */
  public static long liveHandles() {
    return NativeCall.getLong(Bridge::liveHandles);
  }

  /**
   * Returns the figures of the whole library for monitoring.
   *
   * @return gauges, whose names begin with {@code "espalier."}
   */
  public static List<Instrument> instruments() {
    return INSTRUMENTS;
  }

  /**
   * Describes version, instruction set, threads and memory.
   *
   * @return a line for people
   */
  public static String describe() {
    return "espalier " + Version.OF_LIBRARY + ", " + NativeCall.get(Bridge::describeRuntime);
  }
}
