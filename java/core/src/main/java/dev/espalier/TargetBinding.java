// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Which targets of a data set belong to which task of a network; reads and checks them. */
final class TargetBinding {
  private static final String DATA = "data";
  private static final String VALIDATION = "validation";

  private final String what;
  private final List<Task> tasks;
  private final int inputSize;
  private final DataForm promise;
  private final String[] names;
  private final NameOrder[] orders; // null where the data set has the head's order

  private TargetBinding(
      String what,
      List<Task> tasks,
      int inputSize,
      DataForm promise,
      String[] names,
      NameOrder[] orders) {
    this.what = what;
    this.tasks = tasks;
    this.inputSize = inputSize;
    this.promise = promise;
    this.names = names;
    this.orders = orders;
  }

  /**
   * Matches tasks by name, a single target without a task to the only one; and labels, values and
   * classes by name where the data set has names, else by position.
   */
  static TargetBinding of(List<Task> tasks, NetworkInputs inputs, Dataset data) {
    return of(DATA, tasks, inputs, data);
  }

  /** As {@link #of}, of validation data beside others: errors say so. */
  static TargetBinding ofValidation(List<Task> tasks, NetworkInputs inputs, Dataset validation) {
    return of(VALIDATION, tasks, inputs, validation);
  }

  /** Binds the inputs alone, whatever targets there are. */
  static TargetBinding ofInputs(NetworkInputs inputs, Dataset data) {
    DataForm promise = DataForm.of(DATA, Objects.requireNonNull(data, DATA));
    inputs.require(DATA, data);
    return new TargetBinding(
        DATA, List.of(), inputs.size(), promise, new String[0], new NameOrder[0]);
  }

  private static TargetBinding of(
      String what, List<Task> tasks, NetworkInputs inputs, Dataset data) {
    DataForm promise = DataForm.of(what, Objects.requireNonNull(data, what));
    inputs.require(what, data);
    if (promise.size() < 1) {
      throw new IllegalArgumentException(what + ": expected at least one example, got none");
    }
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException(
          "network: expected at least one head for targets to train or judge, got none");
    }
    List<String> taskNames = tasks.stream().map(Task::name).toList();
    List<Target> targets = promise.targets();
    if (targets.isEmpty()) {
      throw new IllegalArgumentException(
          what + ": expected targets of one of the tasks " + taskNames + ", got none");
    }
    String[] names = new String[tasks.size()];
    NameOrder[] orders = new NameOrder[tasks.size()];
    for (Target target : targets) {
      boolean isOnly = target.task().isEmpty() && targets.size() == 1 && tasks.size() == 1;
      int position = isOnly ? 0 : taskNames.indexOf(target.task());
      if (position < 0) {
        throw new IllegalArgumentException(
            what
                + ": expected targets of the tasks "
                + taskNames
                + ", got "
                + targets.stream().map(t -> '"' + t.task() + '"').toList()
                + (target.task().isEmpty()
                    ? "; a target without a name fits a network with one head only"
                    : ""));
      }
      if (names[position] != null) {
        throw new IllegalArgumentException(
            what + ": expected each task once, got " + target + " twice");
      }
      Task task = tasks.get(position);
      requireForm(what, task, target);
      names[position] = target.task();
      if (!target.names().isEmpty()) {
        orders[position] = NameOrder.of(task.outputNames(), target.names());
      }
    }
    return new TargetBinding(what, tasks, inputs.size(), promise, names, orders);
  }

  private static void requireForm(String what, Task task, Target target) {
    boolean wantsClasses = task.kind() == Task.Kind.CLASSES;
    String place = place(what) + "task \"" + task.name() + "\": ";
    if (wantsClasses != target.isClasses()) {
      throw new IllegalArgumentException(
          place
              + "expected targets of "
              + (wantsClasses ? "classes" : "numbers")
              + ", got "
              + target);
    }
    if (!target.names().isEmpty()) {
      String difference = NameOrder.difference(task.outputNames(), target.names());
      if (!difference.isEmpty()) {
        throw new IllegalArgumentException(place + "names of " + nouns(task) + ": " + difference);
      }
    } else if (!wantsClasses && target.width() != task.width()) {
      throw new ShapeException(
          place
              + "expected "
              + task.width()
              + " numbers for "
              + NameOrder.brief(task.outputNames())
              + ", got "
              + target.width());
    }
  }

  private static String nouns(Task task) {
    return task.kind().name().toLowerCase(Locale.ROOT);
  }

  /** Refuses what a data set gives for an epoch if it is not of the form that was promised. */
  void requireView(Dataset view, int epoch) {
    promise.requireView(view, epoch);
  }

  /** Returns the number of examples when the data set was bound. */
  int size() {
    return promise.size();
  }

  /** Returns a binding of the inputs alone. */
  TargetBinding withoutTargets() {
    return withoutTargets(what);
  }

  /** As {@link #withoutTargets}, for the inputs of validation data. */
  TargetBinding forValidationInputs() {
    return withoutTargets(VALIDATION);
  }

  private TargetBinding withoutTargets(String what) {
    String[] none = new String[names.length];
    return new TargetBinding(what, tasks, inputSize, promise, none, new NameOrder[names.length]);
  }

  /** Returns how errors name an example. */
  String example(int index) {
    return place(what) + "example " + index;
  }

  private static String place(String what) {
    return what.equals(DATA) ? "" : what + ", ";
  }

  List<Task> tasks() {
    return tasks;
  }

  int inputSize() {
    return inputSize;
  }

  /** Returns the outputs of all tasks together. */
  int totalWidth() {
    return tasks.stream().mapToInt(Task::width).sum();
  }

  boolean isPresent(int task) {
    return names[task] != null;
  }

  /** Returns how many numbers {@link #read} writes for a task. */
  int targetWidth(int task) {
    return tasks.get(task).kind() == Task.Kind.CLASSES ? 1 : tasks.get(task).width();
  }

  /** Reads and checks the target of an example; unlabelled entries become NaN, or -1. */
  void read(Dataset data, int task, int index, float[] destination) {
    readUnchecked(data, task, index, destination);
    requireInRange(task, index, destination);
  }

  /** As {@link #read}, but only classes are checked. */
  void readUnchecked(Dataset data, int task, int index, float[] destination) {
    Task of = tasks.get(task);
    int width = targetWidth(task);
    boolean isClasses = of.kind() == Task.Kind.CLASSES;
    // What readTarget leaves out must not be what was there before: an infinity is no answer.
    Arrays.fill(destination, 0, width, Float.POSITIVE_INFINITY);
    if (!data.readTarget(names[task], index, destination, 0)) {
      Arrays.fill(destination, 0, width, isClasses ? -1 : Float.NaN);
      return;
    }
    if (orders[task] != null) {
      orders[task].apply(isClasses, destination, 0);
    }
    if (isClasses) {
      float number = destination[0];
      if (!(number >= -1 && number < of.width() && number == (int) number)) {
        throw error(of, index, "a class from 0 to " + (of.width() - 1) + ", or -1", number);
      }
    }
  }

  /** Checks labels or values that were read; nothing of classes. */
  void requireInRange(int task, int index, float[] numbers) {
    Task of = tasks.get(task);
    if (of.kind() == Task.Kind.CLASSES) {
      return;
    }
    boolean isLabels = of.kind() == Task.Kind.LABELS;
    for (int j = 0; j < of.width(); j++) {
      float number = numbers[j];
      if (isLabels ? number < 0 || number > 1 : Float.isInfinite(number)) {
        String expected = isLabels ? "0 to 1, or NaN" : "a finite number, or NaN";
        throw error(of, index, expected + " for \"" + of.outputNames().get(j) + "\"", number);
      }
    }
  }

  private IllegalArgumentException error(Task task, int index, String expected, float got) {
    return new IllegalArgumentException(
        place(what)
            + "task \""
            + task.name()
            + "\", example "
            + index
            + ": expected "
            + expected
            + ", got "
            + got
            + (got == Float.POSITIVE_INFINITY ? ", or readTarget wrote nothing" : ""));
  }
}
