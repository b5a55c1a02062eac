// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.data.Table;
import dev.espalier.data.TableSplit;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How examples are shared out: to train on, to choose by, and to judge at the end. */
final class SplitOptions {
  private static final double MOST_HELD_OUT = 0.9;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--validation",
      paramLabel = "SHARE",
      description =
          "Share of the examples that chooses among what was tried, calibrates and finds"
              + " thresholds. Default: ${DEFAULT-VALUE}.")
  private double validation = 0.2;

  @Option(
      names = "--test",
      paramLabel = "SHARE",
      description = "Share that judges, and is used for nothing else. Default: ${DEFAULT-VALUE}.")
  private double test = 0.2;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "Of the shares, new layers and training. Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  /** Three parts of a table that have no row in common. */
  record Parts(Table training, Table validation, Table test) {}

  long seed() {
    return seed;
  }

  /** Shares a table out; rows of one group, if a column of them is given, stay together. */
  Parts of(Table table, String group) {
    if (!(validation > 0 && test >= 0 && validation + test <= MOST_HELD_OUT)) {
      throw new ParameterException(
          command.commandLine(),
          "expected --validation above 0, --test of at least 0, and at most "
              + MOST_HELD_OUT
              + " together, got "
              + validation
              + " and "
              + test);
    }
    Table rest = table;
    Table judged = table.rows();
    if (test > 0) {
      TableSplit split = split(table, test, group);
      rest = split.first();
      judged = split.second();
    }
    TableSplit split = split(rest, validation / (1 - test), group);
    if (split.first().size() == 0 || split.second().size() == 0 || test > 0 && judged.size() == 0) {
      throw new CommandFailure(
          "expected enough examples to train on, to choose by and to judge, got "
              + table.size()
              + ": shares of "
              + split.first().size()
              + ", "
              + split.second().size()
              + " and "
              + judged.size());
    }
    return new Parts(split.first(), split.second(), judged);
  }

  private TableSplit split(Table table, double share, String group) {
    if (group == null) {
      return table.split(1 - share, seed);
    }
    int folds = (int) Math.max(2, Math.round(1 / share));
    return table.folds(folds, group, seed).get(0);
  }
}
