// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeCall;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The metrics of one task, with what they were counted from: of a network ({@link
 * Network#evaluate}), or of predictions from anywhere ({@link #ofProbabilities}, {@link
 * #ofLogits}). Immutable. {@link Metric} has the convention of each.
 *
 * <p>A label counts as predicted where its probability, a float, is at least the task's threshold
 * of it, as in {@link Prediction#labels(String)}; a class where it is the first of the most
 * probable ones, as in {@link Prediction#best}. What goes by rank compares logits: in float all of
 * those above 17 have the probability 1.
 *
 * @since 0.1
 */
public final class Metrics {
  private final Task task;
  private final List<Metric> all;
  private final List<AnswerCounts> counts;
  private final long[][] confusion;

  Metrics(Task task, List<Metric> all, List<AnswerCounts> counts, long[][] confusion) {
    this.task = task;
    this.all = List.copyOf(all);
    this.counts = List.copyOf(counts);
    this.confusion = confusion;
  }

  /**
   * Computes the metrics of probabilities, or of the predictions of a task of values. Where there
   * are logits, {@link #ofLogits} sees more: of equal probabilities nothing is ranked first.
   *
   * @param task a task of labels, whose thresholds count, or of values
   * @param probabilities {@code [examples][outputs]}, 0 to 1 for labels; not kept
   * @param targets {@code [examples][outputs]}, 0 to 1 for labels, NaN where unknown; not kept
   * @return the metrics
   * @throws IllegalArgumentException if the task is one of classes, or a known target or a
   *     probability is out of range
   * @throws ShapeException if a row has the wrong length, or there are not as many of each
   * @throws NonFiniteException if the prediction of a known target is not finite
   * @throws NativeMemoryException if there is no memory for copies of both
   */
  public static Metrics ofProbabilities(Task task, float[][] probabilities, float[][] targets) {
    requireRange(task, probabilities);
    return ofNumbers(task, probabilities, targets, false);
  }

  /**
   * Computes the metrics of the probabilities of a task of classes.
   *
   * @param task a task of classes
   * @param probabilities {@code [examples][classes]}, 0 to 1; not kept
   * @param classes the class of each example, -1 where unknown; not kept
   * @return the metrics
   * @throws IllegalArgumentException if the task is not one of classes, or a class or a probability
   *     is out of range
   * @throws ShapeException if a row has the wrong length, or there are not as many of each
   * @throws NonFiniteException if a prediction for a known class is not finite
   * @throws NativeMemoryException if there is no memory for copies of both
   */
  public static Metrics ofProbabilities(Task task, float[][] probabilities, int[] classes) {
    requireRange(task, probabilities);
    return ofClasses(task, probabilities, classes, false);
  }

  /**
   * Computes the metrics of logits, or of the predictions of a task of values.
   *
   * @param task a task of labels, whose thresholds count for the logits' probabilities, or of
   *     values
   * @param logits {@code [examples][outputs]}; not kept
   * @param targets {@code [examples][outputs]}, 0 to 1 for labels, NaN where unknown; not kept
   * @return the metrics
   * @throws IllegalArgumentException if the task is one of classes, or a known target is out of
   *     range
   * @throws ShapeException if a row has the wrong length, or there are not as many of each
   * @throws NonFiniteException if the prediction of a known target is not finite
   * @throws NativeMemoryException if there is no memory for copies of both
   */
  public static Metrics ofLogits(Task task, float[][] logits, float[][] targets) {
    return ofNumbers(task, logits, targets, true);
  }

  /**
   * Computes the metrics of the logits of a task of classes.
   *
   * @param task a task of classes
   * @param logits {@code [examples][classes]}; not kept
   * @param classes the class of each example, -1 where unknown; not kept
   * @return the metrics
   * @throws IllegalArgumentException if the task is not one of classes, or a class is out of range
   * @throws ShapeException if a row has the wrong length, or there are not as many of each
   * @throws NonFiniteException if a prediction for a known class is not finite
   * @throws NativeMemoryException if there is no memory for copies of both
   */
  public static Metrics ofLogits(Task task, float[][] logits, int[] classes) {
    return ofClasses(task, logits, classes, true);
  }

  /**
   * Returns the task.
   *
   * @return with the thresholds that counted
   */
  public Task task() {
    return task;
  }

  /**
   * Returns all metrics: first those of the whole task.
   *
   * @return see {@link Metric}
   */
  public List<Metric> all() {
    return all;
  }

  /**
   * Returns a metric of the whole task.
   *
   * @param name for example {@link Metric#ACCURACY}
   * @return the metric
   * @throws IllegalArgumentException if the task has no such metric, naming those that it has
   */
  public Metric metric(String name) {
    return metric(name, "");
  }

  /**
   * Returns a metric of one label, class or value.
   *
   * @param name for example {@link Metric#AUC}
   * @param label name of the label, class or value
   * @return the metric
   * @throws IllegalArgumentException if the task has no such metric, naming those that it has
   */
  public Metric metric(String name, String label) {
    NativeCall.text(name, "name");
    NativeCall.text(label, "label");
    for (Metric metric : all) {
      if (metric.name().equals(name) && metric.label().equals(label)) {
        return metric;
      }
    }
    throw unknown(name, label);
  }

  private IllegalArgumentException unknown(String name, String label) {
    String place = "task \"" + task.name() + "\": ";
    if (!label.isEmpty() && !task.outputNames().contains(label)) {
      return new IllegalArgumentException(
          place + NearNames.instead("expected one of", task.outputNames(), label));
    }
    List<String> names =
        all.stream().filter(m -> m.label().equals(label)).map(Metric::name).distinct().toList();
    boolean isOfOther = all.stream().anyMatch(m -> m.name().equals(name));
    String message =
        isOfOther
            ? "expected one of " + names + ", got \"" + name + '"'
            : NearNames.instead("expected one of", names, name);
    if (!label.isEmpty()) {
      return new IllegalArgumentException(place + message + " for \"" + label + '"');
    }
    return new IllegalArgumentException(
        place + message + (isOfOther ? ", which is a metric of one label, class or value" : ""));
  }

  /**
   * Returns what was answered and what is known of a label or class.
   *
   * @param label name of the label or class
   * @return the counts
   * @throws IllegalArgumentException if the task is one of values, or has no such label
   */
  public AnswerCounts counts(String label) {
    int position = task.outputNames().indexOf(Objects.requireNonNull(label, "label"));
    if (position < 0 || counts.isEmpty()) {
      throw new IllegalArgumentException(
          counts.isEmpty()
              ? "counts: expected a task of labels or classes, got " + task
              : "task \""
                  + task.name()
                  + "\": "
                  + NearNames.instead("expected one of", task.outputNames(), label));
    }
    return counts.get(position);
  }

  /**
   * Returns how often each class was taken for which.
   *
   * @return a new array {@code [true class][predicted class]} of numbers of examples
   * @throws IllegalArgumentException if the task is not one of classes
   */
  public long[][] confusion() {
    if (task.kind() != Task.Kind.CLASSES) {
      throw new IllegalArgumentException("confusion: expected a task of classes, got " + task);
    }
    long[][] copy = confusion.clone();
    Arrays.setAll(copy, row -> confusion[row].clone());
    return copy;
  }

  /** Returns true for metrics of an equal task with the same numbers; NaN equals NaN. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Metrics metrics
        && task.equals(metrics.task)
        && all.equals(metrics.all)
        && counts.equals(metrics.counts)
        && Arrays.deepEquals(confusion, metrics.confusion);
  }

  @Override
  public int hashCode() {
    return Objects.hash(task, all, counts);
  }

  /** Returns tables for people: the whole task, each label, class or value, the confusion. */
  @Override
  public String toString() {
    return MetricsTable.of(task, all, counts, confusion);
  }

  /**
   * Computes metrics from native memory.
   *
   * @param thresholds one a label, or one for all, or none
   * @param stride floats from one example's outputs to the next one's
   */
  static Metrics compute(
      Task task,
      double[] thresholds,
      boolean areLogits,
      int examples,
      int stride,
      long outputs,
      long targets) {
    String labels = JsonWriter.write(task.outputNames());
    String json =
        NativeCall.get(
            () ->
                Bridge.taskMetrics(
                    task.kind().specName(),
                    labels,
                    thresholds,
                    thresholds.length,
                    areLogits,
                    examples,
                    stride,
                    outputs,
                    targets));
    return Descriptions.metrics(task, json);
  }

  /** Returns the thresholds of a task of labels; none of others. */
  static double[] thresholds(Task task) {
    return task.thresholds().stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static Metrics ofNumbers(
      Task task, float[][] outputs, float[][] targets, boolean areLogits) {
    Objects.requireNonNull(targets, "targets");
    if (Objects.requireNonNull(task, "task").kind() == Task.Kind.CLASSES) {
      throw new IllegalArgumentException(
          "targets: expected an int[] of classes for " + task + ", got a float[][]");
    }
    ByteBuffer predicted = rows("outputs", task, outputs);
    ByteBuffer known = rows("targets", task, targets);
    requireSameCount(outputs.length, targets.length);
    return compute(task, areLogits, outputs.length, predicted, known);
  }

  private static Metrics ofClasses(Task task, float[][] outputs, int[] classes, boolean areLogits) {
    Objects.requireNonNull(classes, "classes");
    if (Objects.requireNonNull(task, "task").kind() != Task.Kind.CLASSES) {
      throw new IllegalArgumentException(
          "targets: expected a float[][] for " + task + ", got an int[] of classes");
    }
    ByteBuffer predicted = rows("outputs", task, outputs);
    requireSameCount(outputs.length, classes.length);
    ByteBuffer known = DirectMemory.allocate(classes.length, "targets");
    known.asIntBuffer().put(classes);
    return compute(task, areLogits, outputs.length, predicted, known);
  }

  private static Metrics compute(
      Task task, boolean areLogits, int examples, ByteBuffer predicted, ByteBuffer known) {
    try {
      return compute(
          task,
          thresholds(task),
          areLogits,
          examples,
          task.width(),
          NativeCall.getLong(() -> DirectMemory.address(predicted)),
          NativeCall.getLong(() -> DirectMemory.address(known)));
    } finally {
      Reference.reachabilityFence(predicted);
      Reference.reachabilityFence(known);
    }
  }

  private static ByteBuffer rows(String name, Task task, float[][] rows) {
    int width = task.width();
    ByteBuffer bytes =
        DirectMemory.allocate((long) Objects.requireNonNull(rows, name).length * width, name);
    for (int i = 0; i < rows.length; i++) {
      float[] row = Objects.requireNonNull(rows[i], name);
      if (row.length != width) {
        throw new ShapeException(
            name + ", row " + i + ": expected " + width + " numbers, got " + row.length);
      }
      bytes.asFloatBuffer().put(i * width, row);
    }
    return bytes;
  }

  private static void requireSameCount(int outputs, int targets) {
    if (outputs != targets) {
      throw new ShapeException("targets: expected " + outputs + " examples, got " + targets);
    }
  }

  private static void requireRange(Task task, float[][] probabilities) {
    Objects.requireNonNull(probabilities, "probabilities");
    if (Objects.requireNonNull(task, "task").kind() == Task.Kind.VALUES) {
      return;
    }
    for (int i = 0; i < probabilities.length; i++) {
      for (float probability : Objects.requireNonNull(probabilities[i], "probabilities")) {
        if (probability < 0 || probability > 1) {
          throw new IllegalArgumentException(
              "probabilities, row " + i + ": expected 0 to 1, got " + probability);
        }
      }
    }
  }
}
