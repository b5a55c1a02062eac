// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md shows of texts compiles. */
class ReadmeTest {
  private static final List<String> IMPORTS =
      List.of("dev.espalier.*", "dev.espalier.text.*", "java.nio.file.Path", "java.util.List");

  @Test
  void theExampleOfTextsCompiles(@TempDir Path folder) throws IOException {
    List<String> code = DocumentedCode.ofSection("README.md", "Texts");
    assertEquals(1, code.size());
    CompiledProgram.ofStatements(
        folder,
        "Example",
        IMPORTS,
        "Network network, List<String> texts, float[][] answers",
        code.get(0));
  }
}
