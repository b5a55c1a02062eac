// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.advice.Interval;
import dev.espalier.advice.TransferArm;
import dev.espalier.advice.TransferResult;
import dev.espalier.advice.TransferStudy;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Does a backbone help to answer the questions? */
@Command(
    abbreviateSynopsis = true,
    name = "transfer",
    header = "Does a backbone help to answer your questions, and from how many examples?",
    description =
        "Trains from scratch, heads on the frozen backbone, and all of it, from a quarter, a half"
            + " and all of the examples, in folds; judges layers to cut at. Says helps, hurts or"
            + " can't tell.")
final class StudyTransferCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  @Option(
      names = "--head-steps",
      paramLabel = "COUNT",
      description = "Most steps of training heads. Default: as adapt.")
  private Long headSteps;

  @Option(
      names = "--tuning-steps",
      paramLabel = "COUNT",
      description = "Most steps of training all. Default: as adapt.")
  private Long tuningSteps;

  @Mixin private DryRunOption dryRun;
  @Mixin private BackboneOptions backbone;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private StudyOptions study;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    messages.println(examples.table());
    try (Network network = backbone.read(examples, study.seed())) {
      Dataset dataset = backbone.inputs(network, examples, messages).dataset(examples.table());
      TransferStudy run = study(network, examples).listener(StudyOptions.progress(messages));
      study.grouped(dataset, examples, exampleOptions.groupColumn()).ifPresent(run::folds);
      if (dryRun.isGiven()) {
        DryRunOption.print(run.explain(dataset), json, out);
        return 0;
      }
      TransferResult result = run.run(dataset);
      out.println(json.isGiven() ? Json.pretty(described(result)) : result);
    }
    return 0;
  }

  private TransferStudy study(Network network, Examples examples) {
    List<LayerSummary> candidates = backbone.candidates(network, examples);
    LayerSummary on = candidates.get(candidates.size() - 1);
    TransferStudy run = TransferStudy.of(network).folds(study.folds()).seed(study.seed());
    for (Question question : examples.questions()) {
      run.head(question.task(), on.name(), BackboneOptions.head(network, examples, question, on));
    }
    study.timeLimit().ifPresent(run::timeLimit);
    study.folder().ifPresent(run::folder);
    if (headSteps != null) {
      run.headSteps(headSteps);
    }
    if (tuningSteps != null) {
      run.tuningSteps(tuningSteps);
    }
    return run;
  }

  private static Map<String, Object> described(TransferResult result) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("verdict", result.verdict().toString());
    all.put("sentence", result.sentence());
    all.put("metric", result.metric());
    all.put("complete", result.isComplete());
    all.put("seconds", result.seconds());
    List<Object> scores = new ArrayList<>();
    for (int size : result.sizes()) {
      for (TransferArm arm : TransferArm.values()) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("examples", size);
        one.put("arm", arm.name().toLowerCase(Locale.ROOT));
        one.put("score", described(result.score(arm, size)));
        if (arm != TransferArm.SCRATCH) {
          one.put("gain", described(result.gain(arm, size)));
        }
        scores.add(one);
      }
    }
    all.put("scores", scores);
    all.put("cut_layer", result.cutLayer().orElse(null));
    return all;
  }

  /** Returns the value of an interval and its ends. */
  static Map<String, Object> described(Interval interval) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("value", Json.number(interval.estimate()));
    one.put("low", Json.number(interval.low()));
    one.put("high", Json.number(interval.high()));
    return one;
  }
}
