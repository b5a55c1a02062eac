// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script finds its Java and its jar, and passes arguments and exit codes on. */
class StartScriptTest {
  private static final Path SCRIPT =
      Path.of(System.getProperty("espalier.root"), "java/cli/src/main/sh/espalier");

  @TempDir private Path folder;

  private Run run(String home, String... arguments) throws IOException, InterruptedException {
    Path script = folder.resolve("bin/espalier");
    if (!Files.exists(script)) {
      Files.createDirectories(script.getParent());
      Files.copy(SCRIPT, script, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    }
    String[] command = new String[arguments.length + 1];
    command[0] = script.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", home);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), out, "");
  }

  @Test
  void saysWhatIsMissing() throws Exception {
    Run noJar = run(System.getProperty("java.home"), "doctor");
    assertEquals(1, noJar.code());
    assertTrue(noJar.out().contains("no espalier.jar"), noJar.out());
    Files.createDirectories(folder.resolve("lib"));
    Files.createFile(folder.resolve("lib/espalier.jar"));
    Run noJava = run(folder.toString(), "doctor");
    assertEquals(1, noJava.code());
    assertTrue(noJava.out().contains("install a JDK"), noJava.out());
  }
}
