// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Metric;
import dev.espalier.Target;
import dev.espalier.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What is judged by itself: a label, a value, or all classes of a task.
 *
 * @param task what it belongs to
 * @param name of the label or value; empty for classes
 * @param output where its outputs begin, among those of all tasks
 * @param width how many outputs it has
 */
record Question(Task task, String name, int output, int width) {
  /** Returns the questions of tasks, in the order of their outputs. */
  static List<Question> of(List<Task> tasks) {
    List<Question> questions = new ArrayList<>();
    int output = 0;
    for (Task task : tasks) {
      if (task.kind() == Task.Kind.CLASSES) {
        questions.add(new Question(task, "", output, task.width()));
      } else {
        for (int j = 0; j < task.width(); j++) {
          questions.add(new Question(task, task.outputNames().get(j), output + j, 1));
        }
      }
      output += task.width();
    }
    return List.copyOf(questions);
  }

  /** Returns by what it is judged; more is better. */
  String metric() {
    return switch (task.kind()) {
      case CLASSES -> Metric.ACCURACY;
      case LABELS -> Metric.AUC;
      case VALUES -> Metric.R2;
    };
  }

  /** Returns by what several are judged together. */
  static String metric(List<Question> questions) {
    List<String> metrics = questions.stream().map(Question::metric).distinct().toList();
    if (metrics.size() > 1) {
      return "mean of " + String.join(", ", metrics);
    }
    return metrics.get(0).equals(Metric.AUC) ? "macro AUC" : metrics.get(0);
  }

  /** Returns its name for people: of a label, with the task where there are several. */
  String text(boolean withTask) {
    if (name.isEmpty()) {
      return task.name();
    }
    return withTask ? task.name() + "/" + name : name;
  }

  /** Returns names for people. */
  static List<String> texts(List<Question> questions) {
    boolean withTask = questions.stream().map(Question::task).distinct().count() > 1;
    return questions.stream().map(question -> question.text(withTask)).toList();
  }

  /**
   * Returns what is known: for each example a number a question, NaN where nobody said; of classes
   * the number of the class, in the order of the task's.
   */
  static float[][] answers(List<Question> questions, Dataset data) {
    float[][] answers = new float[data.size()][questions.size()];
    for (float[] row : answers) {
      Arrays.fill(row, Float.NaN);
    }
    for (Target target : data.targets()) {
      for (int q = 0; q < questions.size(); q++) {
        Question question = questions.get(q);
        boolean isOfOnlyTask =
            target.task().isEmpty()
                && questions.stream().map(Question::task).distinct().count() == 1;
        if (isOfOnlyTask || target.task().equals(question.task.name())) {
          question.read(target, data, answers, q);
        }
      }
    }
    return answers;
  }

  private void read(Target target, Dataset data, float[][] answers, int column) {
    float[] row = new float[target.isClasses() ? 1 : target.width()];
    int place = name.isEmpty() ? 0 : place(target);
    for (int i = 0; i < answers.length; i++) {
      if (data.readTarget(target.task(), i, row, 0)) {
        answers[i][column] = name.isEmpty() ? ofClass(target, (int) row[0]) : row[place];
      }
    }
  }

  /** Returns where a label or value is among the target's: by name, where it has names. */
  private int place(Target target) {
    return target.names().isEmpty()
        ? task.outputNames().indexOf(name)
        : target.names().indexOf(name);
  }

  private float ofClass(Target target, int number) {
    if (number < 0) {
      return Float.NaN;
    }
    return target.names().isEmpty() || number >= target.names().size()
        ? number
        : task.outputNames().indexOf(target.names().get(number));
  }
}
