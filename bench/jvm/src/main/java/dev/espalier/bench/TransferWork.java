// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;

/**
 * Workloads X: a head of 256 units and 14 labels on a frozen trunk; that of I4, or MiniLM with the
 * mean of its vectors.
 *
 * @param examples images or texts in all
 * @param epochs how often all are gone through
 */
public record TransferWork(int examples, int epochs) {
  /** Examples per step. */
  public static final int BATCH = 64;

  /** Labels of the head. */
  public static final int LABELS = 14;

  /** What there is of a work that was written. */
  public static TransferWork of(Work work) throws IOException {
    long targets = Files.size(work.targetsFile()) / Float.BYTES;
    return new TransferWork(Math.toIntExact(targets / LABELS), work.isText() ? 5 : 10);
  }

  /** How many examples to write. */
  static int examples(String workload, boolean isQuick) {
    if (workload.equals("X")) {
      return 2000;
    }
    return isQuick ? 2 * BATCH : 10_000;
  }
}
