// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;

/**
 * Not a library: calls that read as many bytes as the network's file has, by the JVM's own vector
 * code. Where weights fill the cache, what disturbs that disturbs predictions alike: the ratio of
 * its p99.9 to its p50 is the machine's.
 */
public final class ReadContender implements Contender {
  /** Makes the contender; the name does not matter. */
  public ReadContender(String name) {}

  @Override
  public String version() {
    return "Java " + Runtime.version();
  }

  @Override
  public void threads(int count) {}

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    int half = Math.toIntExact(Files.size(work.model()) / 2);
    return new Read(new byte[half], new byte[half]);
  }

  /** Comparing equal arrays goes through all of both. */
  private record Read(byte[] first, byte[] second) implements Prediction {
    @Override
    public void run() {
      if (!Arrays.equals(first, second)) {
        throw new IllegalStateException("zeros differ");
      }
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
