// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Objects;

/**
 * One row of the table of a network's layers.
 *
 * @param name name of the layer
 * @param kind for example {@code "conv2d"}
 * @param output shape of its output for one example
 * @param parameterCount number of weights and biases; running statistics don't count
 * @param isFrozen true if training leaves it alone
 * @param adaptsStatistics true for a frozen batch norm whose running statistics still adapt
 * @param learningRateScale factor on the optimizer's learning rate
 * @param head name of the head that it belongs to, or "" for the backbone
 * @param fate what a transfer does to it; {@link Fate#KEPT} in a network as it is
 */
public record LayerSummary(
    String name,
    String kind,
    Shape output,
    long parameterCount,
    boolean isFrozen,
    boolean adaptsStatistics,
    double learningRateScale,
    String head,
    Fate fate) {

  /** What a transfer does to a layer. */
  public enum Fate {
    /** It is copied with its parameters. */
    KEPT,
    /** It is newly initialized. */
    NEW,
    /** It is left out. */
    DROPPED
  }

  /**
   * Checks for nulls.
   *
   * @param name as for the record
   * @param kind as for the record
   * @param output as for the record
   * @param parameterCount as for the record
   * @param isFrozen as for the record
   * @param adaptsStatistics as for the record
   * @param learningRateScale as for the record
   * @param head as for the record
   * @param fate as for the record
   * @throws NullPointerException if a component is null
   */
  public LayerSummary {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(head, "head");
    Objects.requireNonNull(fate, "fate");
  }
}
