// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;

/** What a command printed, and its exit code. */
record Run(int code, String out, String err) {
  /** Runs a command in this JVM. */
  static Run of(Object... arguments) {
    return withInput("", arguments);
  }

  /** Runs a command in this JVM that may read standard input. */
  static Run withInput(String input, Object... arguments) {
    String[] texts = new String[arguments.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = arguments[i].toString();
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = EspalierCommand.commandLine();
    line.setOut(new PrintWriter(new BufferedWriter(out))); // which a command has to flush
    line.setErr(new PrintWriter(err, true));
    line.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
    java.io.InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    try {
      return new Run(line.execute(texts), out.toString(), err.toString());
    } finally {
      System.setIn(before);
    }
  }

  /** Runs a command that has to be done. */
  static Run done(Object... arguments) {
    Run run = of(arguments);
    assertEquals(0, run.code, run.err + run.out);
    return run;
  }

  /** Runs a command that has to fail, with a message that has these words, in one piece. */
  static Run fails(int code, String words, Object... arguments) {
    Run run = of(arguments);
    assertEquals(code, run.code, run.err + run.out);
    assertTrue(run.err.contains(words), run.err);
    assertTrue(!run.err.contains("\tat "), run.err);
    return run;
  }

  JsonNode json() throws IOException {
    return new ObjectMapper().readTree(out);
  }
}
