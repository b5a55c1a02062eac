// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * What one head of a network answers.
 *
 * @param name name of the head
 * @param kind what kind of answer it gives
 * @param labels names of its labels, classes or values, in the order of the outputs
 * @param thresholds for a task of labels, the probability from which on each counts as true; for
 *     other kinds empty
 */
public record Task(String name, Kind kind, List<String> labels, List<Double> thresholds) {
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
   * Copies the lists.
   *
   * @param name as for the record
   * @param kind as for the record
   * @param labels as for the record
   * @param thresholds as for the record, or empty: 0.5 for every label
   * @throws NullPointerException if an argument, a label or a threshold is null
   * @throws IllegalArgumentException if there are as many thresholds neither as labels nor none
   */
  public Task {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    labels = List.copyOf(Objects.requireNonNull(labels, "labels"));
    int expected = kind == Kind.LABELS ? labels.size() : 0;
    if (!Objects.requireNonNull(thresholds, "thresholds").isEmpty()
        && thresholds.size() != expected) {
      throw new IllegalArgumentException(
          "thresholds: expected " + expected + ", got " + thresholds.size());
    }
    thresholds =
        List.copyOf(thresholds.isEmpty() ? Collections.nCopies(expected, 0.5) : thresholds);
  }

  /**
   * Makes a task with the usual thresholds.
   *
   * @param name as for the record
   * @param kind as for the record
   * @param labels as for the record
   * @throws NullPointerException if an argument or a label is null
   */
  public Task(String name, Kind kind, List<String> labels) {
    this(name, kind, labels, List.of());
  }

  /**
   * Returns the number of outputs: logits or probabilities of one example.
   *
   * @return the number of labels
   */
  public int width() {
    return labels.size();
  }

  /** Returns true if outputs mean the same, whatever is made of them by thresholds. */
  boolean hasOutputsOf(Task other) {
    return name.equals(other.name) && kind == other.kind && labels.equals(other.labels);
  }
}
