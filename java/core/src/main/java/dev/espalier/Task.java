// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * What one head of a network answers. Immutable; equal to another one that says the same.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Task {
  private final String name;
  private final Kind kind;
  private final List<String> outputNames;
  private final List<Double> thresholds;

  private Task(String name, Kind kind, List<String> outputNames, List<Double> thresholds) {
    this.name = name;
    this.kind = kind;
    this.outputNames = outputNames;
    this.thresholds = thresholds;
  }

  /**
   * Makes a task; one of labels has the usual thresholds, 0.5.
   *
   * @param name name of the head
   * @param kind what kind of answer it gives
   * @param outputNames names of its labels, classes or values, in the order of the outputs
   * @return the task
   * @throws NullPointerException if an argument or a name is null
   */
  public static Task of(String name, Kind kind, List<String> outputNames) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    for (String output : Objects.requireNonNull(outputNames, "outputNames")) {
      Objects.requireNonNull(output, "outputNames");
    }
    int count = kind == Kind.LABELS ? outputNames.size() : 0;
    return new Task(name, kind, List.copyOf(outputNames), Collections.nCopies(count, 0.5));
  }

  /**
   * Sets from which probability on each label counts as true.
   *
   * @param thresholds one a label; or none, for 0.5 each
   * @return changed task
   * @throws NullPointerException if the list or a threshold is null
   * @throws IllegalArgumentException if there are as many thresholds neither as labels nor none
   */
  public Task thresholds(List<Double> thresholds) {
    for (Double threshold : Objects.requireNonNull(thresholds, "thresholds")) {
      Objects.requireNonNull(threshold, "thresholds");
    }
    int expected = kind == Kind.LABELS ? width() : 0;
    if (thresholds.isEmpty()) {
      return of(name, kind, outputNames);
    }
    if (thresholds.size() != expected) {
      throw new IllegalArgumentException(
          "thresholds: expected " + expected + ", got " + thresholds.size());
    }
    return new Task(name, kind, outputNames, List.copyOf(thresholds));
  }

  /**
   * Returns the name of the head.
   *
   * @return the name that it was given in the network
   */
  public String name() {
    return name;
  }

  /**
   * Returns what kind of answer it gives.
   *
   * @return labels, classes or values
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the names of its labels, classes or values, in the order of the outputs.
   *
   * @return one name an output
   */
  public List<String> outputNames() {
    return outputNames;
  }

  /**
   * Returns from which probability on each label counts as true.
   *
   * @return one a label; empty for other kinds
   */
  public List<Double> thresholds() {
    return thresholds;
  }

  /**
   * Returns the number of outputs: logits or probabilities of one example.
   *
   * @return the number of names
   */
  public int width() {
    return outputNames.size();
  }

  /** Returns true if outputs mean the same, whatever is made of them by thresholds. */
  boolean hasOutputsOf(Task other) {
    return name.equals(other.name) && kind == other.kind && outputNames.equals(other.outputNames);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Task task && hasOutputsOf(task) && thresholds.equals(task.thresholds);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, kind, outputNames, thresholds);
  }

  /** Returns for example {@code "garment: classes [shirt, shoe]"}. */
  @Override
  public String toString() {
    return name + ": " + kind.specName() + " " + outputNames;
  }

  /** Kinds of tasks. */
  public enum Kind {
    /** Independent yes/no questions: a sigmoid each. */
    LABELS,
    /** One class of several: softmax. */
    CLASSES,
    /** Real numbers: regression. */
    VALUES;

    String specName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
