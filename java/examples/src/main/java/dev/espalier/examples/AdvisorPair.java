// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.advice.TransferStudy;
import java.util.function.UnaryOperator;

/**
 * What a network learned, and what it is to answer next.
 *
 * @param name for people
 * @param isToHurtFrozen whether the advisor has to say that the frozen backbone hurts
 * @param backbone the trained network
 * @param head of the new task
 * @param pool where examples come from
 * @param test what the outcome is judged by
 * @param size examples that there are to learn from
 * @param settings what the studies of the pair are told beside that
 */
record AdvisorPair(
    String name,
    boolean isToHurtFrozen,
    Network backbone,
    Head head,
    Dataset pool,
    Dataset test,
    int size,
    UnaryOperator<TransferStudy> settings) {
  /** The only task of all pools and tests. */
  static final String TASK = "new";

  /** One whose studies are as all are by default. */
  AdvisorPair(
      String name,
      boolean isToHurtFrozen,
      Network backbone,
      Head head,
      Dataset pool,
      Dataset test,
      int size) {
    this(name, isToHurtFrozen, backbone, head, pool, test, size, UnaryOperator.identity());
  }

  /** A study of it, all at one size. */
  TransferStudy study() {
    return settings
        .apply(TransferStudy.of(backbone).head(TASK, head))
        .halvings(0) // the verdict is that of all examples
        .probes(false);
  }
}
