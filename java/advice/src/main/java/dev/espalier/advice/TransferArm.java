// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * A way to get from examples to a network, of those that a {@link TransferStudy} compares.
 *
 * @since 0.1
 */
public enum TransferArm {
  /** A network of newly initialized weights. */
  SCRATCH("from scratch"),
  /** New heads on the backbone as it is. */
  FROZEN("frozen"),
  /** New heads first, then all (Kumar et al. 2022, arXiv:2202.10054); or all at once. */
  FINE_TUNED("fine-tuned");

  private final String text;

  TransferArm(String text) {
    this.text = text;
  }

  /** Returns for example {@code "from scratch"}. */
  @Override
  public String toString() {
    return text;
  }
}
