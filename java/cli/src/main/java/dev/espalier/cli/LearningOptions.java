// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adaptation;
import dev.espalier.Balance;
import dev.espalier.Checkpoints;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.OptionalLong;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How long, and by what, is learned. */
final class LearningOptions {
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofMinutes(1);

  /** How tasks are weighed against each other, by the names of the command line. */
  enum Balancing {
    PLAIN(Balance.plain()),
    UNCERTAINTY(Balance.uncertainty()),
    UWSO(Balance.uwSo()),
    FAMO(Balance.famo()),
    PCGRAD(Balance.pcGrad());

    private final Balance balance;

    Balancing(Balance balance) {
      this.balance = balance;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** {@code 90s}, {@code 15m}, {@code 2h}, or what {@link Duration#parse} reads. */
  static final class DurationConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        String iso = text.matches("(?i)[0-9.]+[smh]") ? "PT" + text : text;
        Duration duration = Duration.parse(iso);
        if (!duration.isNegative() && !duration.isZero()) {
          return duration;
        }
      } catch (DateTimeParseException notTime) {
        // Reported below.
      }
      throw new TypeConversionException("expected a time as 90s, 15m or 2h, got \"" + text + '"');
    }
  }

  @Option(
      names = "--head-steps",
      paramLabel = "COUNT",
      description = "Most steps of training heads. Default: 300, or ten epochs if they are more.")
  private Long headSteps;

  @Option(
      names = "--tuning-steps",
      paramLabel = "COUNT",
      description = "Most steps of training all. Default: 150, or ten epochs if they are more.")
  private Long tuningSteps;

  @Option(
      names = "--batch-size",
      paramLabel = "COUNT",
      description = "Examples a step. Default: ${DEFAULT-VALUE}.")
  private int batchSize = 32;

  @Option(
      names = "--metric",
      paramLabel = "NAME",
      description =
          "Chooses by a metric of the first task in place of the validation loss: macro_auc,"
              + " accuracy.")
  private String metric;

  @Option(
      names = "--balance",
      paramLabel = "RULE",
      description =
          "Weighs tasks against each other while training goes on: ${COMPLETION-CANDIDATES}. All"
              + " --labels are one task, all --values another, and each of --classes is one."
              + " Default: plain weights, which are hard to beat: where all answers were yes or no,"
              + " no rule gained more than 0.001 of AUC, and famo lost up to 0.05; where a class"
              + " stood beside numbers in units of their own, famo gained 0.06, pcgrad 0.03 in"
              + " several times the time, and uncertainty lost 0.02.")
  private Balancing balance = Balancing.PLAIN;

  @Option(
      names = "--time-limit",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "Ends with the best so far: 90s, 15m, 2h. What is tried by then depends on the machine;"
              + " without a limit the same data and seed give the same bits.")
  private Duration timeLimit;

  @Option(
      names = "--checkpoints",
      paramLabel = "FOLDER",
      description =
          "Keeps there how far it is, each minute: the same command goes on from it after it was"
              + " ended, to the same bits. Another command needs another folder.")
  private Path checkpoints;

  /** Returns the most steps of training all of a network, as {@link Adaptation} has them. */
  long tuningSteps(int examples) {
    long epoch = Math.max(1, (examples + batchSize - 1L) / batchSize);
    return tuningSteps == null ? Math.max(150, 10 * epoch) : tuningSteps;
  }

  /** Returns how many examples a step has at most. */
  int batchSize(int examples) {
    return Math.min(batchSize, Math.max(1, examples));
  }

  /** Passes on what was said. */
  void applyTo(Adaptation adaptation, Examples examples) {
    adaptation.batchSize(batchSize);
    steps(headSteps).ifPresent(adaptation::headSteps);
    steps(tuningSteps).ifPresent(adaptation::tuningSteps);
    if (metric != null) {
      adaptation.metric(examples.questions().get(0).task(), metric);
    }
    if (balance != Balancing.PLAIN && examples.questions().size() < 2) {
      throw new CommandFailure(
          "--balance: expected two tasks at least, got \""
              + examples.questions().get(0).task()
              + "\" alone; columns that --labels names are one task, each that --classes names is"
              + " one of its own");
    }
    adaptation.balance(balance.balance);
    if (checkpoints != null) {
      Path folder = NewFile.folder("--checkpoints", checkpoints);
      adaptation.checkpoints(Checkpoints.in(folder).every(CHECKPOINT_INTERVAL).resuming());
    }
    if (timeLimit != null) {
      adaptation.timeLimit(timeLimit);
    }
  }

  private static OptionalLong steps(Long count) {
    return count == null ? OptionalLong.empty() : OptionalLong.of(count);
  }
}
