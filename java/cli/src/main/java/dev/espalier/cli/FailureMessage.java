// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.CheckpointMismatchException;
import dev.espalier.EspalierException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/**
 * Makes a message of what keeps a command from its end. The library's exceptions say what was
 * expected and what was got; whatever nobody foresaw comes with its stack trace.
 */
final class FailureMessage implements IExecutionExceptionHandler {
  private static final String TRACE_VARIABLE = "ESPALIER_TRACE";

  @Override
  public int handleExecutionException(Exception error, CommandLine line, ParseResult parsed) {
    String command = line.getCommandSpec().qualifiedName();
    line.getErr().println(line.getColorScheme().errorText(command + ": " + message(error)));
    if (!isForeseen(error) || System.getenv(TRACE_VARIABLE) != null) {
      error.printStackTrace(line.getErr());
    }
    return ExitCode.SOFTWARE;
  }

  private static boolean isForeseen(Exception error) {
    return error instanceof CommandFailure
        || error instanceof EspalierException
        || error instanceof IllegalArgumentException
        || error instanceof IllegalStateException
        || error instanceof UncheckedIOException
        || error instanceof java.io.IOException;
  }

  /** Returns what happened, for people. */
  static String message(Throwable error) {
    if (error instanceof NoSuchFileException missing) {
      return missing.getFile() + ": there is no such file";
    }
    if (error instanceof AccessDeniedException denied) {
      return denied.getFile() + ": no permission";
    }
    if (error instanceof CheckpointMismatchException other) {
      return "--checkpoints: expected checkpoints of this command, on these data and with these"
          + " options, got "
          + other.file()
          + ", in which\n  "
          + String.join("\n  ", other.differences())
          + "\nGive that command again, or another folder to this one.";
    }
    boolean isNamed = error instanceof IllegalArgumentException;
    if (error instanceof CharacterCodingException
        || !isNamed && error.getCause() instanceof CharacterCodingException) {
      return "expected text in UTF-8, got other bytes: " + error.getMessage();
    }
    if (error instanceof FileSystemException) {
      return error.toString();
    }
    return error.getMessage() == null ? error.toString() : error.getMessage();
  }
}
