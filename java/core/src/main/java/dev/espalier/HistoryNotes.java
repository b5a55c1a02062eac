// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a checkpoint says of epochs that are over, as lists and maps for JSON. Numbers stand as
 * their 64 bits, so that NaN has a form and all come back as they were.
 */
final class HistoryNotes {
  private final Map<String, Task> tasks = new LinkedHashMap<>();
  private final Optional<TaskMetric> watched;

  HistoryNotes(List<Task> tasks, Optional<TaskMetric> watched) {
    tasks.forEach(task -> this.tasks.put(task.name(), task));
    this.watched = watched;
  }

  static long bits(double number) {
    return Double.doubleToRawLongBits(number);
  }

  static double number(Object bits) {
    return Double.longBitsToDouble((Long) bits);
  }

  private static Map<String, Long> bits(Map<String, Double> numbers) {
    Map<String, Long> bits = new LinkedHashMap<>();
    numbers.forEach((task, number) -> bits.put(task, bits(number)));
    return bits;
  }

  private static Map<String, Double> numbers(Object bits) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    ((Map<?, ?>) Objects.requireNonNullElse(bits, Map.of()))
        .forEach((task, of) -> numbers.put((String) task, number(of)));
    return numbers;
  }

  static Map<String, Object> of(EpochResult epoch) {
    Map<String, Object> notes = new LinkedHashMap<>();
    notes.put("stage", epoch.stage());
    notes.put("epoch", epoch.epoch());
    notes.put("steps", epoch.steps());
    notes.put("loss", bits(epoch.loss()));
    notes.put("task_losses", bits(epoch.taskLosses()));
    notes.put("task_weights", bits(epoch.taskWeights()));
    notes.put("validation", epoch.validation().map(HistoryNotes::of).orElse(null));
    notes.put("is_best", epoch.isBest());
    notes.put("rate", bits(epoch.learningRate()));
    notes.put("seconds", bits(epoch.seconds()));
    return notes;
  }

  EpochResult epoch(Object from) {
    Map<?, ?> notes = (Map<?, ?>) from;
    return new EpochResult(
        Math.toIntExact((Long) notes.get("stage")),
        Math.toIntExact((Long) notes.get("epoch")),
        (Long) notes.get("steps"),
        number(notes.get("loss")),
        numbers(notes.get("task_losses")),
        numbers(notes.get("task_weights")),
        Optional.ofNullable(notes.get("validation")).map(this::evaluation),
        (Boolean) notes.get("is_best"),
        watched,
        number(notes.get("rate")),
        number(notes.get("seconds")));
  }

  private static Map<String, Object> of(Evaluation evaluation) {
    Map<String, Object> notes = new LinkedHashMap<>();
    notes.put("loss", bits(evaluation.loss()));
    notes.put("examples", evaluation.exampleCount());
    notes.put("tasks", evaluation.tasks().stream().map(HistoryNotes::of).toList());
    return notes;
  }

  private Evaluation evaluation(Object from) {
    Map<?, ?> notes = (Map<?, ?>) from;
    return new Evaluation(
        number(notes.get("loss")),
        Math.toIntExact((Long) notes.get("examples")),
        ((List<?>) notes.get("tasks")).stream().map(this::task).toList());
  }

  private static Map<String, Object> of(TaskEvaluation evaluation) {
    Metrics metrics = evaluation.metrics();
    Map<String, Object> notes = new LinkedHashMap<>();
    notes.put("task", evaluation.task());
    notes.put("loss", bits(evaluation.loss()));
    notes.put("labelled", evaluation.labelledCount());
    notes.put(
        "metrics",
        metrics.all().stream()
            .map(m -> List.of(m.name(), m.label(), bits(m.value()), m.support()))
            .toList());
    Task task = metrics.task();
    List<Object> counts = new ArrayList<>();
    if (task.kind() != Task.Kind.VALUES) {
      task.outputNames().forEach(label -> counts.add(of(metrics.counts(label))));
    }
    notes.put("counts", counts);
    notes.put("confusion", task.kind() == Task.Kind.CLASSES ? rows(metrics.confusion()) : null);
    return notes;
  }

  private TaskEvaluation task(Object from) {
    Map<?, ?> notes = (Map<?, ?>) from;
    List<Metric> metrics = new ArrayList<>();
    for (Object one : (List<?>) notes.get("metrics")) {
      List<?> of = (List<?>) one;
      metrics.add(
          new Metric((String) of.get(0), (String) of.get(1), number(of.get(2)), (Long) of.get(3)));
    }
    Object confusion = notes.get("confusion");
    return new TaskEvaluation(
        number(notes.get("loss")),
        (Long) notes.get("labelled"),
        new Metrics(
            tasks.get((String) notes.get("task")),
            metrics,
            ((List<?>) notes.get("counts")).stream().map(HistoryNotes::counts).toList(),
            confusion == null ? new long[0][] : table((List<?>) confusion)));
  }

  private static List<Long> of(AnswerCounts counts) {
    return List.of(
        counts.truePositives(),
        counts.falsePositives(),
        counts.falseNegatives(),
        counts.trueNegatives(),
        counts.blanks());
  }

  private static AnswerCounts counts(Object from) {
    List<?> of = (List<?>) from;
    return new AnswerCounts(
        (Long) of.get(0), (Long) of.get(1), (Long) of.get(2), (Long) of.get(3), (Long) of.get(4));
  }

  private static List<Object> rows(long[][] table) {
    List<Object> rows = new ArrayList<>();
    for (long[] row : table) {
      List<Long> numbers = new ArrayList<>();
      for (long number : row) {
        numbers.add(number);
      }
      rows.add(numbers);
    }
    return rows;
  }

  private static long[][] table(List<?> rows) {
    return rows.stream()
        .map(row -> ((List<?>) row).stream().mapToLong(number -> (Long) number).toArray())
        .toArray(long[][]::new);
  }
}
