// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Split;
import dev.espalier.advice.StudyListener;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What both studies may be told. */
final class StudyOptions {
  @Option(
      names = "--folds",
      paramLabel = "COUNT",
      description = "Into how many parts the examples are cut. Default: ${DEFAULT-VALUE}.")
  private int folds = 5;

  @Option(names = "--seed", paramLabel = "NUMBER", description = "Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Option(
      names = "--time-limit",
      paramLabel = "TIME",
      converter = LearningOptions.DurationConverter.class,
      description = "Ends with what it has: 90s, 15m, 2h.")
  private Duration timeLimit;

  @Option(
      names = "--folder",
      paramLabel = "FOLDER",
      description =
          "Keeps what was trained there: the same study goes on from it after it was cut short.")
  private Path folder;

  int folds() {
    return folds;
  }

  long seed() {
    return seed;
  }

  Optional<Duration> timeLimit() {
    return Optional.ofNullable(timeLimit);
  }

  Optional<Path> folder() {
    return Optional.ofNullable(folder).map(given -> NewFile.folder("--folder", given));
  }

  /** Returns folds that keep groups together, if there are any. */
  Optional<List<Split>> grouped(Dataset data, Examples examples, String group) {
    if (group == null) {
      return Optional.empty();
    }
    if (data.size() != examples.table().size()) {
      throw new CommandFailure("--group: expected pictures none of which is broken");
    }
    return Optional.of(Datasets.foldsGrouped(data, examples.table().texts(group), folds, seed));
  }

  /** Says after each training how far a study is. */
  static StudyListener progress(PrintWriter messages) {
    return progress -> messages.println(progress);
  }
}
