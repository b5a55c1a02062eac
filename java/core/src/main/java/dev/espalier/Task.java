// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;

/**
 * What one head of a network answers.
 *
 * @param name name of the head
 * @param kind what kind of answer it gives
 * @param labels names of its labels, classes or values, in the order of the outputs
 */
public record Task(String name, Kind kind, List<String> labels) {
  /** Kinds of tasks. */
  public enum Kind {
    /** Independent yes/no questions: a sigmoid each. */
    LABELS,
    /** One class of several: softmax. */
    CLASSES,
    /** Real numbers: regression. */
    VALUES
  }

  /**
   * Copies the list of labels.
   *
   * @param name as for the record
   * @param kind as for the record
   * @param labels as for the record
   * @throws NullPointerException if an argument or a label is null
   */
  public Task {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    labels = List.copyOf(labels);
  }

  /**
   * Returns the number of outputs: logits or probabilities of one example.
   *
   * @return the number of labels
   */
  public int width() {
    return labels.size();
  }
}
