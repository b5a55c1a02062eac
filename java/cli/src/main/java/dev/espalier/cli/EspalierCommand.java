// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Espalier;
import java.nio.charset.StandardCharsets;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ScopeType;

/** The command {@code espalier}, which is one of its subcommands. */
@Command(
    name = "espalier",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = EspalierCommand.Version.class,
    description = {
      "Adapts, judges, serves and looks into neural networks, on the CPU.",
      "Files that are there already are written over only by --force."
    },
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:done", "1:it failed; the message says why", "2:wrong usage"},
    footer = {"", "Results go to standard output, progress and messages to standard error."},
    subcommands = {
      AdaptCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      PredictCommand.class,
      PrecisionCommand.class,
      ServeCommand.class,
      ImportCommand.class,
      ExportCommand.class,
      InspectCommand.class,
      StudyCommand.class,
      LabelCommand.class,
      DataCommand.class,
      DoctorCommand.class,
      HelpCommand.class,
      GenerateCompletion.class
    })
public final class EspalierCommand {
  private static final int USAGE_WIDTH = 100;

  /** The version of the library, which is the command's. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"espalier " + Espalier.version()};
    }
  }

  private EspalierCommand() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    Warnings.toStandardError();
    System.exit(commandLine().execute(arguments));
  }

  /** Returns the command as it is run: what goes wrong is a message and an exit code. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new EspalierCommand());
    line.getSubcommands().get("generate-completion").getCommandSpec().usageMessage().hidden(false);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpWidth(USAGE_WIDTH);
    line.setExecutionExceptionHandler(new FailureMessage());
    line.setExecutionStrategy(
        parsed -> {
          try {
            return new CommandLine.RunLast().execute(parsed);
          } finally {
            line.getOut().flush(); // or the end of the process loses what has no line's end
          }
        });
    line.setOut(new java.io.PrintWriter(System.out, true, StandardCharsets.UTF_8));
    return line;
  }
}
