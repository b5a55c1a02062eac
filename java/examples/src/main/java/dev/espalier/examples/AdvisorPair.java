// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Head;
import dev.espalier.Network;

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
 */
record AdvisorPair(
    String name,
    boolean isToHurtFrozen,
    Network backbone,
    Head head,
    Dataset pool,
    Dataset test,
    int size) {
  /** The only task of all pools and tests. */
  static final String TASK = "new";
}
