// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Adapts a published or own network to examples. */
@Command(
    abbreviateSynopsis = true,
    name = "adapt",
    header = "Adapts a network to pictures, texts or rows with answers.",
    description =
        "Puts heads on a backbone, tries a few ways to train them and it, keeps what validation"
            + " chooses, calibrates its probabilities, finds thresholds, judges it on examples held"
            + " out, and saves it with how its inputs are made. Blank answers are unlabelled: never"
            + " no.",
    footer = {
      "",
      "  espalier adapt pictures/ labels.csv --backbone mobilenet.tflite -o model.safetensors",
      "  espalier adapt pictures/ --backbone mobilenet.tflite -o model.safetensors",
      "                                                   (subfolders are the classes)"
    })
final class AdaptCommand implements Callable<Integer> {
  /** So many of the usual settings train nothing but heads. */
  private static final int HEADS_ALONE = 2;

  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  /** What of the network may be trained. */
  private static final class Depth {
    @Option(
        names = "--heads-alone",
        description = "Trains nothing but heads: the backbone stays as it is, and it is quick.")
    private boolean headsAlone;

    @Option(
        names = "--fine-tune",
        description =
            "Tries to train the backbone, too, however long it takes. Default: where that takes at"
                + " most 2,000 billion multiply-adds, about a minute of two cores.")
    private boolean fineTune;
  }

  @ArgGroup private Depth depth = new Depth();

  @Mixin private LearningPage page;
  @Mixin private DryRunOption dryRun;
  @Mixin private NewFile output;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private SplitOptions split;
  @Mixin private BackboneOptions backbone;
  @Mixin private LearningOptions learning;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    Path target = output.checked();
    page.check(output);
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    SplitOptions.Parts parts = split.of(examples.table(), exampleOptions.groupColumn());
    messages.println(examples.table());
    messages.printf(
        "%d examples to train on, %d to choose by, %d to judge%n",
        parts.training().size(), parts.validation().size(), parts.test().size());
    try (Network network = backbone.read(examples, split.seed())) {
      InputReader inputs = backbone.inputs(network, examples, messages);
      messages.println(inputs.words());
      if (dryRun.isGiven()) {
        explain(network, examples, parts);
        return 0;
      }
      adapt(network, examples, parts, inputs, target);
    }
    return 0;
  }

  /** Returns what is tried: heads alone, and the backbone too where asked for or soon done. */
  private List<AdaptationSetting> settings(Network network, LayerSummary on, int training) {
    List<AdaptationSetting> all = Adaptation.usualSettings();
    List<AdaptationSetting> alone = all.subList(0, HEADS_ALONE);
    if (depth.headsAlone || depth.fineTune) {
      return depth.fineTune ? all : alone;
    }
    double examples = (double) learning.tuningSteps(training) * learning.batchSize(training);
    double work = examples * (all.size() - HEADS_ALONE) * TuningWork.forward(network, on);
    if (work <= TuningWork.MOST_UNASKED) {
      return all;
    }
    spec.commandLine()
        .getErr()
        .printf(
            Locale.ROOT,
            "heads alone are tried: training the backbone takes about %,.0f billion multiply-adds,"
                + " which --fine-tune tries, too%n",
            work / 1e9);
    return alone;
  }

  private Adaptation adaptation(Network network, Examples examples, LayerSummary on) {
    Adaptation adaptation = Adaptation.of(network);
    for (Question question : examples.questions()) {
      adaptation.head(
          question.task(), on.name(), BackboneOptions.head(network, examples, question, on));
    }
    learning.applyTo(adaptation, examples);
    return adaptation;
  }

  private void explain(Network network, Examples examples, SplitOptions.Parts parts) {
    StringBuilder plan = new StringBuilder();
    List<LayerSummary> candidates = backbone.candidates(network, examples);
    if (candidates.size() > 1) {
      plan.append("heads stand on the layer that validation chooses of\n");
      candidates.forEach(one -> plan.append("  ").append(one).append('\n'));
      plan.append("on the last of them, that is\n");
    }
    LayerSummary last = candidates.get(candidates.size() - 1);
    int size = parts.training().size();
    plan.append(
        adaptation(network, examples, last).settings(settings(network, last, size)).explain(size));
    DryRunOption.print(plan.toString(), json, spec.commandLine().getOut());
  }

  private void adapt(
      Network network,
      Examples examples,
      SplitOptions.Parts parts,
      InputReader inputs,
      Path target) {
    Learning.Data read = Learning.Data.of(parts, inputs, split.seed());
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Learning.requireAnswers(read.training(), examples.questions(), messages);
    List<LayerSummary> candidates = backbone.candidates(network, examples);
    List<LayerChoice.Tried> tried = List.of();
    if (candidates.size() > 1) {
      messages.println("choosing the layer that heads stand on");
      tried = LayerChoice.tried(network, candidates, examples, read);
    }
    LayerSummary chosen = tried.isEmpty() ? candidates.get(0) : LayerChoice.best(tried);
    Learning.Result result =
        Learning.run(
            adaptation(network, examples, chosen),
            settings(network, chosen, read.training().size()),
            read,
            inputs,
            target,
            adapted -> page.write(adapted, read, parts, examples),
            messages);
    if (json.isGiven()) {
      Map<String, Object> all = LearningReport.described(result, target);
      all.put("layer", chosen.name());
      all.put("layers_tried", tried.stream().map(AdaptCommand::described).toList());
      out.println(Json.pretty(all));
      return;
    }
    for (LayerChoice.Tried one : tried) {
      out.printf(
          Locale.ROOT,
          "head on %s %s: validation loss %.4f%s%n",
          one.layer().name(),
          one.layer().output(),
          one.loss(),
          one.layer() == chosen ? ", chosen" : "");
    }
    LearningReport.print(result, target, out);
  }

  private static Map<String, Object> described(LayerChoice.Tried tried) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("layer", tried.layer().name());
    one.put("validation_loss", Json.number(tried.loss()));
    return one;
  }
}
