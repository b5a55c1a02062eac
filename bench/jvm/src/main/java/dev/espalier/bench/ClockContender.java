// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

/**
 * Not a library: calls that read the clock until 5 µs are over, about as long as a prediction of
 * I1, and touch no memory. What their p99 and p99.9 exceed that by is the system's doing.
 */
public final class ClockContender implements Contender {
  private static final long NANOS = 5_000;

  /** Makes the contender; the name does not matter. */
  public ClockContender(String name) {}

  @Override
  public String version() {
    return "Java " + Runtime.version();
  }

  @Override
  public void threads(int count) {}

  @Override
  public Prediction prediction(Work work, int batch) {
    return new Wait();
  }

  private static final class Wait implements Prediction {
    @Override
    public void run() {
      final long end = System.nanoTime() + NANOS;
      while (System.nanoTime() < end) {
        // The clock is all that is read.
      }
    }

    @Override
    public float[] outputs() {
      return new float[0];
    }

    @Override
    public Prediction sharing() {
      return new Wait();
    }

    @Override
    public void close() {}
  }
}
