// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Task;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A model, and examples with answers to what it is asked, read as the model says. */
final class ModelExamples {
  @Parameters(index = "0", paramLabel = "MODEL", description = "A model that adapt or train saved.")
  private Path file;

  @Parameters(index = "1", paramLabel = "DATA", description = "Folder of pictures, or a CSV.")
  private Path data;

  @Parameters(
      index = "2",
      arity = "0..1",
      paramLabel = "CSV",
      description = "File names and answers of the pictures. Without it, subfolders are classes.")
  private Path csv;

  @Option(
      names = "--class-column",
      paramLabel = "COLUMN",
      description = "Column of the classes, if it is not called as the model's task.")
  private String classColumn;

  @Option(
      names = "--skip-broken",
      paramLabel = "COUNT",
      description = "Leaves out broken pictures, at most so many. Default: ${DEFAULT-VALUE}.")
  private int skipBroken;

  @Mixin private ExampleOptions exampleOptions;

  /** What was read; the data set reads on from the files. */
  record Opened(Network network, Examples examples, Dataset dataset) implements AutoCloseable {
    @Override
    public void close() {
      network.close();
    }
  }

  /**
   * Reads both.
   *
   * @param err where broken pictures are told
   */
  Opened open(PrintWriter err) {
    ModelFormat.requireEspalier(file);
    PictureInputs.Limits limits = new PictureInputs.Limits(skipBroken, err);
    Network network = Network.load(file);
    try {
      Examples examples = exampleOptions.read(data, csv, questions(network), null);
      InputReader inputs = ModelInputs.reader(file, network, examples, limits);
      return new Opened(network, examples, inputs.dataset(examples.table()));
    } catch (RuntimeException | Error error) {
      network.close();
      throw error;
    }
  }

  private List<Question> questions(Network network) {
    List<Question> all = new ArrayList<>();
    for (Task task : network.tasks()) {
      Question question = Question.of(task);
      boolean isElsewhere = classColumn != null && task.kind() == Task.Kind.CLASSES;
      all.add(isElsewhere ? question.in(classColumn) : question);
    }
    if (all.isEmpty()) {
      throw new CommandFailure(
          file + ": expected a model with tasks, got a backbone: adapt it first");
    }
    return all;
  }
}
