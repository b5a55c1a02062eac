// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Head;
import dev.espalier.HeadLayers;
import dev.espalier.Task;
import dev.espalier.data.TableOptions;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a task asks, and the columns that answer it.
 *
 * @param task its name
 * @param kind labels, classes or values
 * @param columns names or patterns; of classes, the only column
 * @param classes names of classes; none: all that are in the column
 */
record Question(String task, Task.Kind kind, List<String> columns, List<String> classes) {
  /** What a task of a model asks, in columns of the names of its labels, or of the task. */
  static Question of(Task task) {
    return task.kind() == Task.Kind.CLASSES
        ? new Question(task.name(), task.kind(), List.of(task.name()), task.outputNames())
        : new Question(task.name(), task.kind(), task.outputNames(), List.of());
  }

  /** The same, with the answers in another column. */
  Question in(String column) {
    return new Question(task, kind, List.of(column), classes);
  }

  TableOptions addTo(TableOptions options) {
    String[] names = columns.toArray(String[]::new);
    return switch (kind) {
      case LABELS -> options.labels(task, names);
      case VALUES -> options.values(task, names);
      case CLASSES -> options.classes(task, names[0], classes.toArray(String[]::new));
    };
  }

  /** Returns a head that answers it, by the names that a table found. */
  Head head(Consumer<HeadLayers> layers, List<String> names) {
    Head.WithLayers start = Head.layers(layers);
    String[] outputs = names.toArray(String[]::new);
    return switch (kind) {
      case LABELS -> start.labels(outputs);
      case VALUES -> start.values(outputs);
      case CLASSES -> start.classes(outputs);
    };
  }
}
