// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What a network says about one example, by names instead of positions. Values are probabilities,
 * the numbers themselves for a task of values, or logits if the predictor was made for those.
 * Immutable.
 *
 * @since 0.1
 */
public final class Prediction {
  private final List<Task> tasks;
  private final LayerOutputs layers;
  private final float[] outputs;
  private final boolean isLogits;

  Prediction(List<Task> tasks, LayerOutputs layers, float[] outputs, boolean isLogits) {
    this.tasks = tasks;
    this.layers = layers;
    this.outputs = outputs;
    this.isLogits = isLogits;
  }

  /**
   * Returns the tasks, in the order of heads.
   *
   * @return those of the predictor: all of the network, unless it was made for some heads
   */
  public List<Task> tasks() {
    return tasks;
  }

  /**
   * Returns the answer to one label.
   *
   * @param task name of the task
   * @param label name of the label, class or value
   * @return its probability or value
   * @throws IllegalArgumentException if there is no such task or label, naming those that there are
   */
  public float value(String task, String label) {
    return outputs[start(task) + position(task(task), label)];
  }

  /**
   * Returns all answers of a task, in the order of its labels.
   *
   * @param task name of the task
   * @return a new array
   * @throws IllegalArgumentException if there is no such task
   */
  public float[] values(String task) {
    int start = start(task);
    return Arrays.copyOfRange(outputs, start, start + task(task).width());
  }

  /**
   * Returns what a layer made of the example: its features, say.
   *
   * @param name one of {@link PredictorOptions#layers}
   * @return a new array, row-major
   * @throws IllegalArgumentException if the predictor was made without that layer
   */
  public float[] layer(String name) {
    return layers.values(Objects.requireNonNull(name, "name"), outputs);
  }

  /**
   * Returns the label with the largest answer: the class, for a task of classes. Among equals the
   * first; NaN counts as smallest.
   *
   * @param task name of the task
   * @return name of the label
   * @throws IllegalArgumentException if there is no such task
   */
  public String best(String task) {
    int start = start(task);
    int best = 0;
    for (int i = 1; i < task(task).width(); i++) {
      float former = outputs[start + best];
      if (outputs[start + i] > former || Float.isNaN(former)) {
        best = i;
      }
    }
    return task(task).outputNames().get(best);
  }

  /**
   * Returns the labels that count as true: those whose probabilities are at least the thresholds
   * that the network keeps for them, 0.5 unless {@link Network#setThresholds} or {@link
   * Network#tuneThresholds} has set others. Of logits, their probabilities are compared.
   *
   * @param task name of a task of labels
   * @return names, in the order of the labels; NaN reaches no threshold
   * @throws IllegalArgumentException if there is no such task, or it is not one of labels
   */
  public List<String> labels(String task) {
    Task of = labelsTask(task);
    int start = start(task);
    return IntStream.range(0, of.width())
        .filter(i -> probability(outputs[start + i]) >= of.thresholds().get(i))
        .mapToObj(of.outputNames()::get)
        .toList();
  }

  private double probability(float output) {
    return isLogits ? Logistic.sigmoid(output) : output;
  }

  /**
   * Returns the labels whose answers are at least a threshold.
   *
   * @param task name of the task
   * @param threshold for all labels of the task
   * @return names, in the order of the labels; NaN reaches no threshold
   * @throws IllegalArgumentException if there is no such task
   */
  public List<String> labels(String task, double threshold) {
    return labels(task, label -> threshold);
  }

  /**
   * Returns the labels whose answers are at least their own thresholds, such as those tuned on a
   * validation set.
   *
   * @param task name of the task
   * @param thresholds the threshold of a label by its name
   * @return names, in the order of the labels; NaN reaches no threshold
   * @throws IllegalArgumentException if there is no such task
   */
  public List<String> labels(String task, ToDoubleFunction<String> thresholds) {
    Objects.requireNonNull(thresholds, "thresholds");
    int start = start(task);
    List<String> labels = task(task).outputNames();
    return IntStream.range(0, labels.size())
        .filter(i -> outputs[start + i] >= thresholds.applyAsDouble(labels.get(i)))
        .mapToObj(labels::get)
        .toList();
  }

  /**
   * Returns whether a label counts as true, as {@link #labels(String)} decides.
   *
   * @param task name of a task of labels
   * @param label name of the label
   * @return true if its probability is at least its threshold; false for NaN
   * @throws IllegalArgumentException if there is no such task or label, or it is not one of labels
   */
  public boolean isTrue(String task, String label) {
    return probability(value(task, label)) >= threshold(task, label);
  }

  /**
   * Returns the threshold that the network keeps for a label.
   *
   * @param task name of a task of labels
   * @param label name of the label
   * @return the probability from which on it counts as true
   * @throws IllegalArgumentException if there is no such task or label, or it is not one of labels
   */
  public double threshold(String task, String label) {
    Task of = labelsTask(task);
    return of.thresholds().get(position(of, label));
  }

  /**
   * Returns what the answers say, for people: a task of classes by its best class, one of labels by
   * those that count as true, then all answers by name, to four digits. Example: {@code "garment:
   * shoe (shirt 0.02100, shoe 0.9700, bag 0.009000); trait: long (long 0.9100, red 0.3000)"}.
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    int position = 0;
    for (Task task : tasks) {
      text.append(text.isEmpty() ? "" : "; ").append(task.name()).append(": ");
      boolean isValues = task.kind() == Task.Kind.VALUES;
      if (task.kind() == Task.Kind.CLASSES) {
        text.append(best(task.name())).append(" (");
      } else if (!isValues) {
        List<String> labels = labels(task.name());
        text.append(labels.isEmpty() ? "none" : String.join(", ", labels)).append(" (");
      }
      String separator = "";
      for (String output : task.outputNames()) {
        text.append(separator).append(output).append(' ');
        text.append(String.format(Locale.ROOT, "%.4g", outputs[position++]));
        separator = ", ";
      }
      text.append(isValues ? "" : ")");
    }
    for (int i = 0; i < layers.names().size(); i++) {
      text.append(text.isEmpty() ? "" : "; ").append(layers.names().get(i));
      text.append(": values ").append(layers.shapes().get(i));
    }
    return text.toString();
  }

  private Task labelsTask(String name) {
    Task task = task(name);
    if (task.kind() != Task.Kind.LABELS) {
      throw new IllegalArgumentException(
          "task \"" + name + "\": expected a task of labels, got one of " + task.kind());
    }
    return task;
  }

  private static int position(Task task, String output) {
    int position = task.outputNames().indexOf(Objects.requireNonNull(output, "label"));
    if (position < 0) {
      throw new IllegalArgumentException(
          "task \""
              + task.name()
              + "\": "
              + NearNames.instead("expected one of", task.outputNames(), output));
    }
    return position;
  }

  private Task task(String name) {
    Objects.requireNonNull(name, "task");
    for (Task task : tasks) {
      if (task.name().equals(name)) {
        return task;
      }
    }
    throw new IllegalArgumentException(
        NearNames.instead(
            "expected one of the tasks", tasks.stream().map(Task::name).toList(), name));
  }

  private int start(String name) {
    Task wanted = task(name);
    int start = 0;
    for (Task task : tasks) {
      if (task == wanted) {
        break;
      }
      start += task.width();
    }
    return start;
  }
}
