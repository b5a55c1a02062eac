// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.ImportOptions;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Adapts a published or own network to examples. */
@Command(
    name = "adapt",
    header = "Adapts a network to pictures, texts or rows with answers.",
    description = {
      "Puts heads on a backbone, tries a few ways to train them and it, keeps what validation",
      "chooses, calibrates its probabilities, finds thresholds, judges it on examples held out,"
          + " and",
      "saves it with how its inputs are made. Blank answers are unlabelled: never no."
    },
    footer = {
      "",
      "  espalier adapt pictures/ labels.csv --backbone mobilenet.tflite -o model.safetensors",
      "  espalier adapt pictures/ --backbone mobilenet.tflite -o model.safetensors",
      "                                                   (subfolders are the classes)"
    })
final class AdaptCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DATA", description = "Folder of pictures, or a CSV.")
  private Path data;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "CSV",
      description = "File names and answers of the pictures. Without it, subfolders are classes.")
  private Path csv;

  @Option(
      names = "--backbone",
      required = true,
      paramLabel = "MODEL",
      description = "What to start from: a model of Espalier, ONNX or TensorFlow Lite.")
  private Path backbone;

  @Option(
      names = "--layer",
      paramLabel = "NAME",
      description = {
        "Layer of the backbone that heads stand on. Default: of published networks of pictures,",
        "which of the last blocks validation chooses; else the last layer."
      })
  private String layer;

  @Option(
      names = "--heads-alone",
      description = "Trains nothing but heads: the backbone stays as it is, and it is quick.")
  private boolean headsAlone;

  @Option(names = "--dry-run", description = "Says what would be done, and does nothing.")
  private boolean dryRun;

  @Mixin private NewFile output;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private SplitOptions split;
  @Mixin private PictureSettings pictures;
  @Mixin private TextSettings texts;
  @Mixin private ImportSettings imported;
  @Mixin private LearningOptions learning;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    Path target = output.checked();
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples = exampleOptions.read(data, csv, questions.asked(), questions);
    SplitOptions.Parts parts = split.of(examples.table(), exampleOptions.groupColumn());
    messages.println(examples.table());
    messages.printf(
        "%d examples to train on, %d to choose by, %d to judge%n",
        parts.training().size(), parts.validation().size(), parts.test().size());
    try (Network network = readBackbone(examples)) {
      InputReader inputs = inputs(network, examples, messages);
      messages.println(inputs.words());
      if (dryRun) {
        explain(network, examples, parts);
        return 0;
      }
      adapt(network, examples, Learning.Data.of(parts, inputs, split.seed()), inputs, target);
    }
    return 0;
  }

  private Network readBackbone(Examples examples) {
    ImportOptions options = imported.options();
    Integer size = examples.kind() == Examples.Kind.PICTURES ? pictures.size() : null;
    Network network = ModelFormat.read(backbone, options);
    if (size == null) {
      return network;
    }
    try (network) {
      int[] dimensions = network.inputShape().dims();
      Shape shape = Shape.image(dimensions[0], size, size);
      return ModelFormat.of(backbone) == ModelFormat.ESPALIER
          ? network.transfer().inputShape(shape).build(split.seed())
          : ModelFormat.read(backbone, options.inputShape(network.inputs().get(0).name(), shape));
    }
  }

  private InputReader inputs(Network network, Examples examples, PrintWriter messages) {
    return switch (examples.kind()) {
      case PICTURES -> {
        PictureReader reader = pictures.reader(ModelFormat.of(backbone), network);
        yield new PictureInputs(
            reader, examples, new PictureInputs.Limits(pictures.skipBroken(), messages));
      }
      case ROWS -> {
        if (!network.metadata().containsKey(TableInputs.METADATA_KEY)) {
          throw new CommandFailure(
              backbone
                  + ": expected a model of rows, as espalier train makes of a CSV, got one that"
                  + " does not say how rows become inputs");
        }
        yield new RowInputs(TableInputs.of(network));
      }
      case TEXTS -> texts.inputs(network, backbone, examples);
    };
  }

  private List<AdaptationSetting> settings() {
    return headsAlone
        ? List.of(AdaptationSetting.headAlone(3e-3), AdaptationSetting.headAlone(1e-2))
        : Adaptation.usualSettings();
  }

  private List<LayerSummary> candidates(Network network, Examples examples) {
    if (layer != null) {
      return List.of(Trunk.layer(network, layer));
    }
    boolean isPublished = examples.kind() == Examples.Kind.PICTURES && network.tasks().isEmpty();
    List<LayerSummary> candidates = isPublished ? Trunk.candidates(network) : List.of();
    return candidates.isEmpty() ? List.of(Trunk.last(network)) : candidates;
  }

  private Adaptation adaptation(Network network, Examples examples, LayerSummary on) {
    Adaptation adaptation = Adaptation.of(network);
    for (Question question : examples.questions()) {
      adaptation.head(
          question.task(), on.name(), examples.head(question, Trunk.headLayers(network, on)));
    }
    learning.applyTo(adaptation, examples);
    return adaptation.settings(settings());
  }

  private void explain(Network network, Examples examples, SplitOptions.Parts parts) {
    PrintWriter out = spec.commandLine().getOut();
    List<LayerSummary> candidates = candidates(network, examples);
    if (candidates.size() > 1) {
      out.println("heads stand on the layer that validation chooses of");
      candidates.forEach(one -> out.println("  " + one));
      out.println("on the last of them, that is");
    }
    LayerSummary last = candidates.get(candidates.size() - 1);
    out.print(adaptation(network, examples, last).explain(parts.training().size()));
  }

  private void adapt(
      Network network, Examples examples, Learning.Data read, InputReader inputs, Path target) {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Learning.requireAnswers(read.training(), messages);
    List<LayerSummary> candidates = candidates(network, examples);
    List<LayerChoice.Tried> tried = List.of();
    if (candidates.size() > 1) {
      messages.println("choosing the layer that heads stand on");
      tried = LayerChoice.tried(network, candidates, examples, read);
    }
    LayerSummary chosen = tried.isEmpty() ? candidates.get(0) : LayerChoice.best(tried);
    Learning.Result result =
        Learning.run(
            adaptation(network, examples, chosen), settings(), read, inputs, target, messages);
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
    return Map.of("layer", tried.layer().name(), "validation_loss", tried.loss());
  }
}
