// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;

/**
 * Which answers of each task have been seen in targets: yes and no of a label, a class, a value. Of
 * most data sets the first batches have all, and nothing is left to look for.
 */
final class SeenAnswers {
  private static final float YES_FROM = 0.5f;

  private final List<Task> tasks;
  private final boolean[][] yes;
  private final boolean[][] no;
  private int missing;

  /** Begins with nothing seen of those tasks that there are targets for. */
  SeenAnswers(TargetBinding binding) {
    tasks = binding.tasks();
    yes = new boolean[tasks.size()][];
    no = new boolean[tasks.size()][];
    for (int t = 0; t < tasks.size(); t++) {
      if (binding.isPresent(t)) {
        Task task = tasks.get(t);
        yes[t] = new boolean[task.width()];
        no[t] = new boolean[task.kind() == Task.Kind.LABELS ? task.width() : 0];
        missing += yes[t].length + no[t].length;
      }
    }
  }

  /** Returns whether there is something not seen so far. */
  boolean isIncomplete() {
    return missing > 0;
  }

  /** Takes the target of one label or value; NaN is none. */
  void addNumber(int task, int column, float number) {
    if (!Float.isNaN(number)) {
      boolean isNo = no[task].length > 0 && number < YES_FROM;
      mark(isNo ? no[task] : yes[task], column);
    }
  }

  /** Takes a class; -1 is none. */
  void addClass(int task, int number) {
    if (number >= 0) {
      mark(yes[task], number);
    }
  }

  private void mark(boolean[] seen, int column) {
    if (!seen[column]) {
      seen[column] = true;
      missing--;
    }
  }

  /** Returns for each task what has been seen, as text of 1 and 0. */
  List<String> text() {
    List<String> text = new ArrayList<>();
    for (int t = 0; t < tasks.size(); t++) {
      StringBuilder ofTask = new StringBuilder();
      for (boolean[] answers : new boolean[][] {yes[t], no[t]}) {
        for (int i = 0; answers != null && i < answers.length; i++) {
          ofTask.append(answers[i] ? '1' : '0');
        }
      }
      text.add(ofTask.toString());
    }
    return text;
  }

  /** Goes on from such a text. */
  void restore(List<String> text) {
    for (int t = 0; t < tasks.size(); t++) {
      int next = 0; // where there are fewer, what is missing counts as not seen
      for (boolean[] answers : new boolean[][] {yes[t], no[t]}) {
        for (int i = 0; answers != null && i < answers.length; i++) {
          boolean isThere = t < text.size() && next < text.get(t).length();
          if (isThere && text.get(t).charAt(next++) == '1') {
            mark(answers, i);
          }
        }
      }
    }
  }

  /** Returns a line for each task that has something left unseen, for people. */
  List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    for (int t = 0; t < tasks.size(); t++) {
      if (yes[t] != null) {
        Task task = tasks.get(t);
        String what =
            switch (task.kind()) {
              case LABELS -> "no known yes of the labels ";
              case CLASSES -> "no example of the classes ";
              case VALUES -> "no known value of ";
            };
        add(warnings, task, what, yes[t]);
        add(warnings, task, "no known no of the labels ", no[t]);
      }
    }
    return warnings;
  }

  private static void add(List<String> warnings, Task task, String what, boolean[] seen) {
    List<String> names = new ArrayList<>();
    for (int j = 0; j < seen.length; j++) {
      if (!seen[j]) {
        names.add(task.outputNames().get(j));
      }
    }
    if (!names.isEmpty()) {
      warnings.add("task \"" + task.name() + "\": the training data has " + what + names);
    }
  }
}
