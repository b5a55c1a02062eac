// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Task;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** What is to be learned: which columns are answers. */
final class QuestionOptions {
  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "COLUMN",
      description =
          "Columns of yes/no answers (1, yes, true; 0, no, false; blank where nobody said), by name"
              + " or pattern: --labels 'has_*'. For pictures and texts, all columns unless said"
              + " otherwise.")
  private List<String> labels = List.of();

  @Option(
      names = "--classes",
      split = ",",
      paramLabel = "COLUMN",
      description = "Columns that each name one of several classes, or nothing: a task each.")
  private List<String> classes = List.of();

  @Option(
      names = "--values",
      split = ",",
      paramLabel = "COLUMN",
      description = "Columns of numbers to predict, or nothing, by name or pattern.")
  private List<String> values = List.of();

  @Option(
      names = "--task",
      paramLabel = "NAME",
      description = "Name of the task of the labels. Default: ${DEFAULT-VALUE}.")
  private String task = "labels";

  /** Returns the questions; none if nothing was said. */
  List<Question> asked() {
    List<Question> all = new ArrayList<>();
    if (!labels.isEmpty()) {
      all.add(labels(labels));
    }
    classes.forEach(column -> all.add(classes(column)));
    if (!values.isEmpty()) {
      all.add(new Question("values", Task.Kind.VALUES, values, List.of()));
    }
    return all;
  }

  Question labels(List<String> columns) {
    return new Question(task, Task.Kind.LABELS, columns, List.of());
  }

  Question classes(String column) {
    return new Question(column, Task.Kind.CLASSES, List.of(column), List.of());
  }
}
