// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Espalier;

/** Not a library: one crossing from Java to native code that does nothing but read a number. */
public final class JniContender implements Contender {
  /** Makes the contender; the name does not matter. */
  public JniContender(String name) {}

  @Override
  public String version() {
    return "Java " + Runtime.version();
  }

  @Override
  public void threads(int count) {
    Espalier.setThreads(count);
  }

  @Override
  public Prediction prediction(Work work, int batch) {
    return new Crossing();
  }

  private static final class Crossing implements Prediction {
    private int threads;

    @Override
    public void run() {
      threads = Espalier.threads();
    }

    @Override
    public float[] outputs() {
      return new float[] {threads};
    }

    @Override
    public void close() {}
  }
}
