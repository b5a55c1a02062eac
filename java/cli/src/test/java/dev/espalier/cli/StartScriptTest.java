// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
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

  /** The first TAB of a shell completes, and nothing is complained of. */
  @Test
  void zshCompletes() throws Exception {
    assumeTrue(isThere("zsh"), "completion is tried in zsh, which is not installed");
    Path bash = folder.resolve("share/bash-completion/completions/espalier");
    Path zsh = folder.resolve("share/zsh/site-functions/_espalier");
    Files.createDirectories(bash.getParent());
    Files.createDirectories(zsh.getParent());
    Files.writeString(bash, Run.done("generate-completion").out());
    Files.copy(SCRIPT.resolveSibling("_espalier"), zsh);
    Path script =
        Files.write(
            folder.resolve("try"),
            List.of(
                "zmodload zsh/zpty",
                "zpty shell zsh -f -i",
                "zpty -w shell \"fpath=($1 \\$fpath); autoload -U compinit; compinit -u -D;"
                    + " espalier() { print -r ran:\\$*: }; print rea''dy\"",
                "zpty -r -m shell out '*ready*'",
                "for line in insp 'adapt --backb' 'study s'; do",
                "  zpty -w shell \"espalier $line\"$'\\t'",
                "  zpty -r -m shell out '*ran:*:*'",
                "  print -r -- $out",
                "done"));
    ProcessBuilder builder =
        new ProcessBuilder("zsh", "-f", script.toString(), zsh.getParent().toString());
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    assertTrue(out.contains("ran:inspect:"), out);
    assertTrue(out.contains("ran:adapt --backbone:"), out);
    assertTrue(out.contains("ran:study sharing:"), out);
    assertFalse(out.contains("not found"), out);
  }

  private static boolean isThere(String program) {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }
}
