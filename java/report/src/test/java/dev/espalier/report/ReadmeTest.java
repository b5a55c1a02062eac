// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/reports.md show compiles. */
class ReadmeTest {
  private static final List<String> IMPORTS =
      List.of("dev.espalier.*", "dev.espalier.report.*", "java.nio.file.Path");

  private static final String GIVEN =
      "Network network, History history, Network backbone, Head head, Dataset training,"
          + " Dataset validation, Dataset test";

  @Test
  void theExamplesCompile(@TempDir Path folder) throws Exception {
    List<String> readme = DocumentedCode.ofSection("README.md", "Reports");
    assertEquals(1, readme.size());
    CompiledProgram.ofStatements(folder, "Readme", IMPORTS, GIVEN, readme.get(0));
    List<String> guide = DocumentedCode.of("docs/reports.md");
    assertEquals(2, guide.size());
    CompiledProgram.ofStatements(folder, "Guide", IMPORTS, GIVEN, guide.get(0));
    CompiledProgram.ofStatements(folder, "Study", IMPORTS, GIVEN, guide.get(1));
  }
}
