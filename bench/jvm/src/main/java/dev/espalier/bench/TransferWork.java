// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

/** Workload X: a head of 256 units and 14 labels on the frozen trunk of I4. */
public final class TransferWork {
  /** Images in all. */
  public static final int EXAMPLES = 2000;

  /** Examples per step. */
  public static final int BATCH = 64;

  /** How often all images are gone through. */
  public static final int EPOCHS = 10;

  private TransferWork() {}
}
