// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/advice.md shows compiles. */
class AdviceGuideTest {
  private static final String GUIDE = "docs/advice.md";
  private static final List<String> IMPORTS =
      List.of(
          "dev.espalier.*", "dev.espalier.advice.*", "java.nio.file.Path", "java.time.Duration");

  @TempDir Path folder;

  @Test
  void examplesCompile() throws Exception {
    List<String> examples = DocumentedCode.of(GUIDE);
    assertTrue(examples.size() >= 2);
    compile("Transfer", examples.get(0), "Network backbone, Dataset data");
    compile("Sharing", examples.get(1), "Shape shape, Dataset data");
    compile("Balancing", examples.get(examples.size() - 1), "Network network, Dataset data");
  }

  private void compile(String name, String statements, String parameters) throws Exception {
    CompiledProgram ignored =
        CompiledProgram.ofStatements(folder, name, IMPORTS, parameters, statements);
  }
}
