// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static dev.espalier.internal.UnpackedLibrary.CACHE_PROPERTY;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a program in a JVM of its own, for what cannot be seen in the one that runs all tests. */
final class ChildJvm {
  /** A sanitizer makes the longest take 4 minutes on a slow CPU, others beside it twice that. */
  private static final int MOST_SECONDS = 580;

  private ChildJvm() {}

  /** What a program left: its exit code, and its output and errors in one text. */
  record Result(int exitCode, String output) {
    /** Returns the last line of the output of a program that ended well. */
    String lastLine() {
      assertEquals(0, exitCode, output);
      return output.strip().lines().reduce((former, latter) -> latter).orElse("");
    }
  }

  /**
   * Runs {@code main}'s main method on the class path of this test and with its unpacked library;
   * ends the program if it takes longer than any test may.
   */
  static Result run(Class<?> main, List<String> options, String... arguments) {
    return runBy(List.of(), main, options, arguments);
  }

  /** The same, as the arguments of another program, which becomes the JVM. */
  static Result runBy(
      List<String> launcher, Class<?> main, List<String> options, String... arguments) {
    return run(launcher, System.getProperty("java.class.path"), main, options, arguments);
  }

  /** As {@link #run(Class, List, String...)}, on another class path. */
  static Result runOn(String classPath, Class<?> main, List<String> options, String... arguments) {
    return run(List.of(), classPath, main, options, arguments);
  }

  private static Result run(
      List<String> launcher,
      String classPath,
      Class<?> main,
      List<String> options,
      String... arguments) {
    List<String> command = new ArrayList<>(launcher);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-cp");
    command.add(classPath);
    if (System.getProperty(CACHE_PROPERTY) != null) {
      command.add("-D" + CACHE_PROPERTY + "=" + System.getProperty(CACHE_PROPERTY));
    }
    command.add(main.getName());
    command.addAll(List.of(arguments));
    try {
      Path output = Files.createTempFile("espalier-child", ".log");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
          if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("not over after " + MOST_SECONDS + " s: " + command);
          }
          return new Result(process.exitValue(), Files.readString(output));
        } finally {
          process.destroyForcibly();
        }
      } finally {
        Files.delete(output);
      }
    } catch (IOException | InterruptedException error) {
      throw new AssertionError(error);
    }
  }
}
