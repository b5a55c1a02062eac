// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;

/**
 * Not libraries: calls whose p99 and p99.9, and whose throughput from several callers, say what the
 * system and the machine do to predictions.
 *
 * <ul>
 *   <li>{@code clock} reads the clock until 5 µs are over, about as long as a prediction of I1, and
 *       touches no memory. What it exceeds that by is the system's doing.
 *   <li>{@code read} reads as many bytes as the network's file has, by the JVM's own vector code.
 *       Where weights fill the cache, what disturbs that disturbs predictions alike.
 * </ul>
 */
public final class ControlContender implements Contender {
  private static final long NANOS = 5_000;

  private final String name;

  /**
   * Makes the control.
   *
   * @param name "clock" or "read"
   */
  public ControlContender(String name) {
    this.name = name;
  }

  @Override
  public String version() {
    return "Java " + Runtime.version();
  }

  @Override
  public void threads(int count) {}

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    return switch (name) {
      case "clock" -> new Control(ControlContender::wait5Micros);
      case "read" -> {
        int half = Math.toIntExact(Files.size(work.model()) / 2);
        byte[] first = new byte[half];
        byte[] second = new byte[half];
        yield new Control(() -> requireEqual(first, second));
      }
      default -> throw new IllegalArgumentException("unknown " + name);
    };
  }

  private static void wait5Micros() {
    final long end = System.nanoTime() + NANOS;
    while (System.nanoTime() < end) {
      // The clock is all that is read.
    }
  }

  /** Goes through all of both. */
  private static void requireEqual(byte[] first, byte[] second) {
    if (!Arrays.equals(first, second)) {
      throw new IllegalStateException("zeros differ");
    }
  }

  private record Control(Runnable call) implements Prediction {
    @Override
    public void run() {
      call.run();
    }

    @Override
    public float[] outputs() {
      return new float[0];
    }

    @Override
    public Prediction sharing() {
      return this;
    }

    @Override
    public void close() {}
  }
}
