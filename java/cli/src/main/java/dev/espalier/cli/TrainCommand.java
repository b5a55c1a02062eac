// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.BatchNormStatistics;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains a network from scratch. */
@Command(
    abbreviateSynopsis = true,
    name = "train",
    header = "Trains a network from scratch on rows, pictures or texts.",
    description =
        "Dense layers for rows of a CSV, a few convolutions for pictures, the mean of learned"
            + " vectors of words for texts, at three learning rates of which validation chooses;"
            + " else as adapt does. Of few pictures or texts, adapt learns far more.",
    footer = {
      "",
      "  espalier train patients.csv --labels effusion,edema -o model.safetensors",
      "  espalier train packages.csv --text description -o tags.safetensors"
    })
final class TrainCommand implements Callable<Integer> {
  private static final List<AdaptationSetting> SETTINGS =
      List.of(
          AdaptationSetting.atOnce(1e-3).layerDecay(1),
          AdaptationSetting.atOnce(3e-3).layerDecay(1),
          AdaptationSetting.atOnce(1e-2).layerDecay(1));

  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  @Option(
      names = "--augment",
      description =
          "Pictures: changes them at random in each epoch, so that few teach more: mirrored left to"
              + " right, turned by up to 10 degrees, cut to 70 %% of their area at least, darker or"
              + " brighter, of more or less contrast, by up to a fifth. Not where that changes an"
              + " answer; --page shows it.")
  private boolean augment;

  @Mixin private LearningPage page;
  @Mixin private DryRunOption dryRun;
  @Mixin private NewFile output;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private SplitOptions split;
  @Mixin private ScratchOptions scratch;
  @Mixin private LearningOptions learning;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    Path target = output.checked();
    page.check(output);
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    SplitOptions.Parts parts = split.of(examples.table(), exampleOptions.groupColumn());
    messages.println(examples.table());
    InputReader inputs = ScratchNetwork.inputs(examples, parts.training(), scratch, messages);
    messages.println(inputs.words());
    if (augment && !(inputs instanceof PictureInputs)) {
      throw new CommandFailure("--augment: expected pictures, got " + paths.data());
    }
    try (Network network = network(examples, inputs)) {
      Adaptation adaptation = Adaptation.of(network).batchNorms(BatchNormStatistics.ADAPT);
      learning.applyTo(adaptation, examples);
      if (dryRun.isGiven()) {
        String plan = adaptation.settings(SETTINGS).explain(parts.training().size());
        DryRunOption.print(plan, json, out);
        return 0;
      }
      Learning.Data plain = Learning.Data.of(parts, inputs, split.seed());
      Learning.Data read =
          augment && inputs instanceof PictureInputs pictures ? plain.augmented(pictures) : plain;
      Learning.requireAnswers(read.training(), examples.questions(), messages);
      Learning.Result result =
          Learning.run(
              adaptation,
              SETTINGS,
              read,
              inputs,
              target,
              adapted -> page.write(adapted, read, parts, examples),
              messages);
      if (json.isGiven()) {
        out.println(Json.pretty(LearningReport.described(result, target)));
      } else {
        LearningReport.print(result, target, out);
      }
    }
    return 0;
  }

  private Network network(Examples examples, InputReader inputs) {
    NetworkBuilder builder = ScratchNetwork.of(inputs, scratch.hidden(), 1);
    for (Question question : examples.questions()) {
      builder.head(question.task(), examples.head(question, head -> {}));
    }
    return builder.build(split.seed());
  }
}
