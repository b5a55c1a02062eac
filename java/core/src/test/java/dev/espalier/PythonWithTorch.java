// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The scripts of cpp/testdata that need PyTorch, torchvision and onnx. */
final class PythonWithTorch {
  private PythonWithTorch() {}

  /** Runs a script, which writes into a folder; skips the test where there is none. */
  static void run(String script, Path folder, String... arguments)
      throws IOException, InterruptedException {
    String python = python();
    if (python == null) {
      abort("no Python with torchvision and onnx (Debian: python3-torchvision, python3-onnx)");
    }
    Path path = Path.of(System.getProperty("espalier.root"), "cpp/testdata", script);
    Path log = folder.resolve("log");
    List<String> command = new ArrayList<>(List.of(python, path.toString(), folder.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("LD_PRELOAD"); // a sanitizer that this JVM runs with
    Process process = builder.redirectOutput(log.toFile()).start();
    assertTrue(process.waitFor(5, TimeUnit.MINUTES));
    assertEquals(0, process.exitValue(), Files.readString(log));
  }

  /** A Python that has them, or null. */
  private static String python() throws InterruptedException {
    for (String candidate : List.of("/usr/bin/python3", "python3")) {
      try {
        Process process =
            new ProcessBuilder(candidate, "-c", "import torchvision, onnx")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor(2, TimeUnit.MINUTES) && process.exitValue() == 0) {
          return candidate;
        }
      } catch (IOException missing) {
        continue;
      }
    }
    return null;
  }
}
