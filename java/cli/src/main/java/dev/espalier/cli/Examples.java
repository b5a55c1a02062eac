// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Head;
import dev.espalier.HeadLayers;
import dev.espalier.Target;
import dev.espalier.data.Table;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Examples with their answers: a row of a table each.
 *
 * @param kind what the inputs are
 * @param table the rows
 * @param column of files or texts; of rows, ""
 * @param folder where files are
 * @param questions what the answers answer
 */
record Examples(Kind kind, Table table, String column, Path folder, List<Question> questions) {
  /** What the inputs of examples are. */
  enum Kind {
    PICTURES,
    TEXTS,
    ROWS
  }

  /** Returns a head for a question, with the names of its answers, on layers of its own. */
  Head head(Question question, Consumer<HeadLayers> layers) {
    for (Target target : table.targets()) {
      if (target.task().equals(question.task())) {
        return question.head(layers, target.names());
      }
    }
    throw new IllegalStateException("no answers to " + question);
  }

  /** Returns some of them: other rows of the table. */
  Examples of(Table rows) {
    return new Examples(kind, rows, column, folder, questions);
  }

  boolean has(dev.espalier.Task.Kind asked) {
    return questions.stream().anyMatch(question -> question.kind() == asked);
  }
}
