// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Head;
import dev.espalier.advice.SharingResult;
import dev.espalier.advice.SharingStudy;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** One network for several questions, or several? */
@Command(
    abbreviateSynopsis = true,
    name = "sharing",
    header = "One network for several questions, or several? Is it large enough?",
    description =
        "Trains one network, of widths 1, 2 and 4, and one for each question, from scratch, in"
            + " folds."
            + " Says share, separate, share these groups, or larger network first.")
final class StudySharingCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  @Option(
      names = "--widths",
      split = ",",
      paramLabel = "FACTOR",
      description = "Widths to try, rising. Default: ${DEFAULT-VALUE}.")
  private List<Integer> widths = List.of(1, 2, 4);

  @Option(
      names = "--steps",
      paramLabel = "COUNT",
      description = "Steps of each training. Default: ${DEFAULT-VALUE}.")
  private long steps = 500;

  @Mixin private DryRunOption dryRun;
  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private ScratchOptions scratch;
  @Mixin private StudyOptions study;
  @Mixin private JsonOption json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter messages = spec.commandLine().getErr();
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    messages.println(examples.table());
    InputReader inputs = ScratchNetwork.inputs(examples, examples.table(), scratch, messages);
    Dataset dataset = inputs.dataset(examples.table());
    SharingStudy run =
        SharingStudy.of(width -> ScratchNetwork.of(inputs, scratch.hidden(), width))
            .widths(widths.stream().mapToInt(Integer::intValue).toArray())
            .steps(steps)
            .folds(study.folds())
            .seed(study.seed())
            .listener(StudyOptions.progress(messages));
    for (Question question : examples.questions()) {
      run.head(
          question.task(),
          switch (question.kind()) {
            case LABELS -> Head::labels;
            case CLASSES -> (String[] names) -> Head.classes(names);
            case VALUES -> Head::values;
          });
    }
    study.timeLimit().ifPresent(run::timeLimit);
    study.folder().ifPresent(run::folder);
    study.grouped(dataset, examples, exampleOptions.groupColumn()).ifPresent(run::folds);
    if (dryRun.isGiven()) {
      DryRunOption.print(run.explain(dataset), json, out);
      return 0;
    }
    SharingResult result = run.run(dataset);
    out.println(json.isGiven() ? Json.pretty(described(result)) : result);
    return 0;
  }

  private Map<String, Object> described(SharingResult result) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("verdict", result.verdict().toString());
    all.put("sentence", result.sentence());
    all.put("metric", result.metric());
    all.put("complete", result.isComplete());
    all.put("seconds", result.seconds());
    all.put("questions", result.questions());
    List<Object> gains = new ArrayList<>();
    if (result.isComplete()) {
      for (int width : widths) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("width", width);
        one.put("gain_over_separate", StudyTransferCommand.described(result.gain(width)));
        gains.add(one);
      }
    }
    all.put("gains", gains);
    return all;
  }
}
