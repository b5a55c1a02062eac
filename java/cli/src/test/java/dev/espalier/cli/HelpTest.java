// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** What the help of each command says, by commands within commands. */
class HelpTest {
  private static Map<String, CommandLine> commands() {
    Map<String, CommandLine> all = new LinkedHashMap<>();
    collect(EspalierCommand.commandLine(), all);
    all.remove("espalier");
    return all;
  }

  private static void collect(CommandLine line, Map<String, CommandLine> all) {
    all.put(line.getCommandSpec().qualifiedName(), line);
    line.getSubcommands().values().forEach(one -> collect(one, all));
  }

  /** Whether files are written over is said where files are written, and nowhere else. */
  @Test
  void forceIsSpokenOfWhereItIsAnOption() {
    int count = 0;
    for (Map.Entry<String, CommandLine> command : commands().entrySet()) {
      CommandSpec spec = command.getValue().getCommandSpec();
      boolean isOption = spec.findOption("--force") != null;
      count += isOption ? 1 : 0;
      String help = command.getValue().getUsageMessage();
      assertEquals(isOption, help.contains("--force"), command.getKey());
    }
    assertTrue(count > 3, count + " commands that write files");
  }

  /**
   * Picocli takes descriptions for formats: a percent sign on its own is a warning to whoever asks.
   */
  @Test
  void noHelpWarns() {
    PrintStream before = System.err;
    ByteArrayOutputStream warnings = new ByteArrayOutputStream();
    System.setErr(new PrintStream(warnings, true, StandardCharsets.UTF_8));
    try {
      commands().values().forEach(CommandLine::getUsageMessage);
    } finally {
      System.setErr(before);
    }
    assertEquals("", warnings.toString(StandardCharsets.UTF_8));
  }

  /** What writes, or takes long, can be asked first. */
  @Test
  void whatWritesHasDryRuns() {
    for (Map.Entry<String, CommandLine> command : commands().entrySet()) {
      CommandSpec spec = command.getValue().getCommandSpec();
      if (spec.findOption("--output") != null || spec.findOption("--folder") != null) {
        assertTrue(spec.findOption("--dry-run") != null, command.getKey());
      }
    }
  }
}
