// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Evaluation;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

  @Mixin private ModelExamples examples;

  @Option(
      names = "--page",
      paramLabel = "FILE",
      description =
          "Also writes a page: curves of each label, a threshold to move, what is wrong and the"
              + " most sure, and what it depends on in a picture.")
  private Path page;

  @Option(names = "--force", description = "Writes over a page that is there already.")
  private boolean force;

  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (page != null) {
      NewFile.checked(page, force);
    }
    try (ModelExamples.Opened opened = examples.open(spec.commandLine().getErr())) {
      Evaluation evaluation = opened.network().evaluate(opened.dataset());
      if (page != null) {
        EvaluationPage.write(page, opened.network(), opened.examples(), opened.dataset());
      }
      out.println(json.isGiven() ? Json.pretty(LearningReport.described(evaluation)) : evaluation);
    }
    return 0;
  }
}
