// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationReport;
import dev.espalier.AdaptationSetting;
import dev.espalier.Adapted;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.LabelCounts;
import dev.espalier.Network;
import dev.espalier.Task;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * From examples to a model file: what was tried, chosen on validation data, is calibrated and gets
 * its thresholds there, is judged on test data, and saved with how its inputs are made.
 */
final class Learning {
  /**
   * Examples as a network reads them.
   *
   * @param training those to learn from, as they are
   * @param seen the same, as training sees them
   * @param test empty if none are held out
   */
  record Data(
      Dataset training, Dataset seen, Dataset validation, Optional<Dataset> test, long seed) {
    static Data of(SplitOptions.Parts parts, InputReader inputs, long seed) {
      Dataset training = inputs.dataset(parts.training());
      return new Data(
          training,
          training,
          inputs.dataset(parts.validation()),
          parts.test().size() == 0 ? Optional.empty() : Optional.of(inputs.dataset(parts.test())),
          seed);
    }

    /** Returns the same, changed at random in each epoch of training. */
    Data augmented(PictureInputs inputs) {
      return new Data(training, inputs.augmented(training, seed), validation, test, seed);
    }
  }

  /** What came out. */
  record Result(
      AdaptationReport report,
      List<Task> tasks,
      Optional<Evaluation> evaluation,
      Evaluation validation) {}

  private Learning() {}

  /**
   * Refuses answers that nothing can be learned from; names those that say too little.
   *
   * @param training examples, whose answers are read
   */
  static void requireAnswers(Dataset training, List<Question> questions, PrintWriter messages) {
    Set<String> values =
        questions.stream()
            .filter(question -> question.kind() == Task.Kind.VALUES)
            .map(Question::task)
            .collect(Collectors.toSet());
    boolean isAny = false;
    for (LabelCounts label : Datasets.statistics(training).labels()) {
      boolean isValue = values.contains(label.task());
      if (label.yes() > 0 && label.no() > 0 || isValue && label.blank() < training.size()) {
        isAny = true;
      } else {
        messages.println(
            "warning: "
                + label
                + (isValue
                    ? ": nothing can be learned of it without an answer"
                    : ": nothing can be learned of it without a yes and a no"));
      }
    }
    if (!isAny) {
      throw new CommandFailure(
          "expected, of one label at least, examples to train on that answer it by yes and ones"
              + " that answer it by no; got none: add the answers that are missing");
    }
  }

  /**
   * Tries settings, and saves what is best.
   *
   * @param page takes what was saved, before it is closed
   */
  static Result run(
      Adaptation adaptation,
      List<AdaptationSetting> settings,
      Data data,
      InputReader inputs,
      Path target,
      Consumer<Adapted> page,
      PrintWriter messages) {
    try (TrainingProgress progress = new TrainingProgress(settings, messages);
        Adapted adapted =
            adaptation
                .settings(settings)
                .seed(data.seed())
                .listener(progress)
                .fit(data.seen(), data.validation())) {
      Network network = adapted.network();
      network.calibrate(data.validation());
      if (network.tasks().stream().anyMatch(task -> task.kind() == Task.Kind.LABELS)) {
        network.tuneThresholds(data.validation());
      }
      inputs.storeIn(network);
      Evaluation validation = network.evaluate(data.validation());
      Optional<Evaluation> evaluation = data.test().map(network::evaluate);
      network.save(target);
      page.accept(adapted);
      return new Result(adapted.report(), network.tasks(), evaluation, validation);
    }
  }
}
