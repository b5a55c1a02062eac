// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Evaluation;
import dev.espalier.Network;
import dev.espalier.Task;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Judges a model on examples with answers. */
@Command(
    abbreviateSynopsis = true,
    name = "evaluate",
    header = "Judges a model on examples with answers.",
    description =
        "Reads them as the model says. Columns of answers have the names of the model's labels; of"
            + " a task of classes, the task's name. Blank answers count for nothing.")
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

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

  @Option(
      names = "--page",
      paramLabel = "FILE",
      description =
          "Also writes a page: curves of each label, a threshold to move, what is wrong and the"
              + " most sure, and what it depends on in a picture.")
  private Path page;

  @Option(names = "--force", description = "Writes over a page that is there already.")
  private boolean force;

  @Mixin private ExampleOptions exampleOptions;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (page != null) {
      NewFile.checked(page, force);
    }
    ModelFormat.requireEspalier(file);
    PictureInputs.Limits limits = new PictureInputs.Limits(skipBroken, spec.commandLine().getErr());
    try (Network network = Network.load(file)) {
      Examples examples = exampleOptions.read(data, csv, questions(network), null);
      InputReader inputs = ModelInputs.reader(file, network, examples, limits);
      Dataset dataset = inputs.dataset(examples.table());
      Evaluation evaluation = network.evaluate(dataset);
      if (page != null) {
        EvaluationPage.write(page, network, examples, dataset);
      }
      out.println(json.isGiven() ? Json.pretty(LearningReport.described(evaluation)) : evaluation);
    }
    return 0;
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
