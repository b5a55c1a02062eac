// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Input;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The features of all examples of a data set, each with mean 0 and standard deviation 1 over all of
 * them, labelled or not, and what is known of one task's answers. A class is answers to as many
 * questions as there are classes, all known or all blank.
 */
final class AnsweredFeatures {
  private static final int MOST_CLASSES = 1 << 12;

  private final String task;
  private final boolean isClasses;
  private final List<String> names;
  private final int width;
  private final float[] features;
  private final float[][] answers;

  private AnsweredFeatures(
      String task,
      boolean isClasses,
      List<String> names,
      int width,
      float[] features,
      float[][] answers) {
    this.task = task;
    this.isClasses = isClasses;
    this.names = names;
    this.width = width;
    this.features = features;
    this.answers = answers;
  }

  /** Reads all of a data set. */
  static AnsweredFeatures of(Dataset data, AdviceOptions options) {
    if (data.size() == 0) {
      throw new IllegalArgumentException("features: expected at least one example, got none");
    }
    if (data.inputs().size() > 1 || data.inputs().stream().anyMatch(Input::isInteger)) {
      throw new IllegalArgumentException(
          "features: expected one input of floats, as Predictor.features gives, got "
              + data.inputs());
    }
    Target target = target(data.targets(), options);
    float[][] rows = new float[data.size()][];
    int outputs = target.width();
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Datasets.target(data, target.task(), i);
      if (target.isClasses()) {
        outputs = i == 0 ? Math.max(1, target.names().size()) : outputs;
        requireClass(rows[i][0], i);
        outputs = Math.max(outputs, (int) rows[i][0] + 1);
      }
    }
    List<String> names = new ArrayList<>(target.names());
    for (int j = names.size(); j < outputs; j++) {
      names.add(Integer.toString(j));
    }
    float[][] answers = new float[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      answers[i] = target.isClasses() ? oneOf(outputs, (int) rows[i][0]) : labels(rows[i], i);
    }
    return new AnsweredFeatures(
        target.task(),
        target.isClasses(),
        List.copyOf(names),
        data.inputShape().size(),
        standardized(data),
        answers);
  }

  private static Target target(List<Target> targets, AdviceOptions options) {
    List<String> tasks = targets.stream().map(Target::task).toList();
    if (options.task().isEmpty()) {
      if (targets.size() != 1) {
        throw new IllegalArgumentException(
            "features: expected targets of one task, or AdviceOptions.task, got " + tasks);
      }
      return targets.get(0);
    }
    int at = tasks.indexOf(options.task().get());
    if (at < 0) {
      throw new IllegalArgumentException(
          "task: expected one of " + tasks + ", got " + options.task().get());
    }
    return targets.get(at);
  }

  private static void requireClass(float number, int example) {
    if (number >= MOST_CLASSES) {
      throw new IllegalArgumentException(
          "example "
              + example
              + ": expected a class below "
              + MOST_CLASSES
              + ", got "
              + (long) number);
    }
  }

  private static float[] oneOf(int outputs, int known) {
    float[] answers = new float[outputs];
    if (known < 0) {
      Arrays.fill(answers, Float.NaN);
    } else {
      answers[known] = 1;
    }
    return answers;
  }

  private static float[] labels(float[] row, int example) {
    for (float answer : row) {
      if (answer < 0 || answer > 1) {
        throw new IllegalArgumentException(
            "example "
                + example
                + ": expected answers from 0 to 1, or NaN where nobody said, got "
                + answer
                + "; there is no advice on values");
      }
    }
    return row;
  }

  private static float[] standardized(Dataset data) {
    int width = data.inputShape().size();
    long count = (long) data.size() * width;
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "features: expected at most 2^31 numbers, got "
              + data.size()
              + " examples of "
              + width
              + "; a subset may do");
    }
    float[] features = new float[(int) count];
    Arrays.fill(features, Float.NaN);
    double[] means = new double[width];
    double[] squares = new double[width];
    for (int i = 0; i < data.size(); i++) {
      data.readInput(i, features, i * width);
      for (int j = 0; j < width; j++) {
        double value = features[i * width + j];
        if (!Double.isFinite(value)) {
          throw new IllegalArgumentException(
              "example " + i + ": expected finite features, got " + value + " as feature " + j);
        }
        double gap = value - means[j];
        means[j] += gap / (i + 1);
        squares[j] += gap * (value - means[j]); // Welford 1962
      }
    }
    for (int j = 0; j < width; j++) {
      double deviation = Math.sqrt(squares[j] / data.size());
      // What is constant but for rounding says nothing.
      double factor = deviation > 1e-6 * Math.abs(means[j]) ? 1 / deviation : 0;
      for (int i = 0; i < data.size(); i++) {
        int at = i * width + j;
        features[at] = (float) ((features[at] - means[j]) * factor);
      }
    }
    return features;
  }

  String task() {
    return task;
  }

  boolean isClasses() {
    return isClasses;
  }

  /** Names of the labels or classes; their numbers where the data set has none. */
  List<String> names() {
    return names;
  }

  int size() {
    return answers.length;
  }

  /** Returns the number of features of an example. */
  int width() {
    return width;
  }

  /** Returns [size, width]. */
  float[] features() {
    return features;
  }

  /** Returns [size][names]: from 0 to 1, NaN where nobody said. */
  float[][] answers() {
    return answers;
  }

  boolean isKnown(int example, int label) {
    return !Float.isNaN(answers[example][label]);
  }

  boolean isYes(int example, int label) {
    return answers[example][label] >= 0.5f;
  }

  /** Returns the examples with at least one known answer. */
  int[] labelled() {
    int[] found = new int[size()];
    int count = 0;
    for (int i = 0; i < size(); i++) {
      for (float answer : answers[i]) {
        if (!Float.isNaN(answer)) {
          found[count++] = i;
          break;
        }
      }
    }
    return Arrays.copyOf(found, count);
  }
}
