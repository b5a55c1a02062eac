// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.FeatureCache;
import dev.espalier.Head;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Task;
import dev.espalier.advice.AdviceOptions;
import dev.espalier.advice.LabelAdvice;
import dev.espalier.advice.LabelRegime;
import dev.espalier.advice.OpenAnswer;
import dev.espalier.advice.SuspectAnswer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How labels are answered, what to label next, and which answers look wrong. */
@Command(
    abbreviateSynopsis = true,
    name = "label",
    header = "Says what to label next, and which answers look wrong.",
    description =
        "Says how each label is answered and which loss that calls for. --next writes a CSV of the"
            + " blanks to fill in whose answers would help the most, --wrong one of answers that"
            + " others contradict. Goes by what a layer of a network makes of the examples.")
final class LabelCommand implements Callable<Integer> {
  /** Of the head that features are read below. */
  private static final String PROBE = "espalier_label";

  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  @Option(
      names = "--next",
      paramLabel = "FILE",
      description = "A CSV to write: examples to look at next, with ? where an answer is asked.")
  private Path next;

  @Option(
      names = "--wrong",
      paramLabel = "FILE",
      description = "A CSV to write: answers that look wrong, the most surprising first.")
  private Path wrong;

  @Option(
      names = "--count",
      paramLabel = "COUNT",
      description = "Most examples to ask for, and most answers to doubt. Default: 50.")
  private int count = 50;

  @Option(
      names = "--by-answer",
      description = "Asks for single answers, where each costs the same, not for whole examples.")
  private boolean byAnswer;

  @Option(names = "--seed", paramLabel = "NUMBER", description = "Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Mixin private DryRunOption dryRun;
  @Mixin private BackboneOptions backbone;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    if (count < 1) {
      throw new CommandFailure("--count: expected at least 1, got " + count);
    }
    for (Path file : new Path[] {next, wrong}) {
      if (file != null) {
        NewFile.unused(file);
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    Question question = question(examples);
    messages.println(examples.table());
    try (Network network = backbone.read(examples, seed);
        FeatureCache cache = FeatureCache.create()) {
      Dataset inputs = backbone.inputs(network, examples, messages).dataset(examples.table());
      if (dryRun.isGiven()) {
        DryRunOption.print(explain(network, examples, question), json, out);
        return 0;
      }
      Dataset features = features(network, examples, question, cache, inputs);
      AdviceOptions options = AdviceOptions.defaults().task(question.task()).seed(seed);
      LabelRegime regime = LabelRegime.of(features, options);
      LabelAdvice advice = LabelAdvice.of(features, options);
      write(advice, ids(examples, features), regime, out);
    }
    return 0;
  }

  private static Question question(Examples examples) {
    List<Question> questions = examples.questions();
    if (questions.size() != 1 || questions.get(0).kind() == Task.Kind.VALUES) {
      throw new CommandFailure(
          "expected one task of labels or classes, got "
              + questions.stream().map(q -> q.task() + " (" + q.kind() + ")").toList());
    }
    return questions.get(0);
  }

  /** Returns what a head sees: the model's own, or one on the last candidate layer. */
  private Dataset features(
      Network network, Examples examples, Question question, FeatureCache cache, Dataset inputs) {
    Optional<String> seen = seen(network);
    if (seen.isPresent()) {
      return cache.features(network, seen.get(), inputs);
    }
    LayerSummary on = last(network, examples);
    Head head = BackboneOptions.head(network, examples, question, on);
    try (Network made = network.transfer().head(PROBE, on.name(), head).build(seed)) {
      return cache.features(made, below(made, PROBE).orElse(on.name()), inputs);
    }
  }

  /** Returns what the model's own head sees, if that is to be gone by. */
  private Optional<String> seen(Network network) {
    return network.tasks().isEmpty() || backbone.namesLayer()
        ? Optional.empty()
        : below(network, network.tasks().get(0).name());
  }

  private LayerSummary last(Network network, Examples examples) {
    List<LayerSummary> candidates = backbone.candidates(network, examples);
    return candidates.get(candidates.size() - 1);
  }

  private String explain(Network network, Examples examples, Question question) {
    StringBuilder plan = new StringBuilder();
    plan.append("would say how ")
        .append(question.task())
        .append(" is answered, by what layer ")
        .append(seen(network).orElseGet(() -> last(network, examples).name()))
        .append(" makes of ")
        .append(examples.table().size())
        .append(" examples\n");
    if (next != null) {
      plan.append("would ask for ").append(count).append(byAnswer ? " answers" : " examples");
      plan.append(" at most in ").append(next).append('\n');
    }
    if (wrong != null) {
      plan.append("would doubt ").append(count).append(" answers at most in ").append(wrong);
    }
    return plan.toString();
  }

  /** Returns the last layer of a head's own before its output; empty where it has none. */
  private static Optional<String> below(Network network, String head) {
    List<String> layers =
        network.layers().stream()
            .filter(layer -> layer.head().equals(head))
            .map(LayerSummary::name)
            .toList();
    return layers.size() < 2 ? Optional.empty() : Optional.of(layers.get(layers.size() - 2));
  }

  private static List<String> ids(Examples examples, Dataset features) {
    boolean areAllThere = features.size() == examples.table().size();
    if (examples.column().isEmpty()) {
      return List.of();
    }
    if (!areAllThere) {
      throw new CommandFailure("label: expected pictures none of which is broken");
    }
    return examples.table().texts(examples.column());
  }

  private void write(LabelAdvice advice, List<String> ids, LabelRegime regime, PrintWriter out) {
    List<OpenAnswer> asked =
        next == null
            ? List.of()
            : byAnswer ? advice.nextAnswers(count) : advice.nextExamples(count);
    List<SuspectAnswer> all = wrong == null ? List.of() : advice.suspects();
    List<SuspectAnswer> doubted = all.subList(0, Math.min(count, all.size()));
    if (next != null) {
      advice.writeSheet(next, asked, ids);
    }
    if (wrong != null) {
      advice.writeSuspects(wrong, doubted, ids);
    }
    if (json.isGiven()) {
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("regime", regime.toString());
      described.put("advice", advice.toString());
      described.put("asked", asked.size());
      described.put("doubted", doubted.size());
      out.println(Json.pretty(described));
      return;
    }
    out.println(regime);
    out.println(advice);
    if (next != null) {
      out.println(asked.size() + " answers are asked for in " + next);
    }
    if (wrong != null) {
      out.println(doubted.size() + " answers to look at again are in " + wrong);
    }
  }
}
