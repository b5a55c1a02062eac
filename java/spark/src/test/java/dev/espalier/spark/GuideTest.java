// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/spark.md compiles, runs, and prints what stands there. */
class GuideTest {
  @TempDir Path folder;

  @Test
  void theProgramRuns() throws Exception {
    String code = DocumentedCode.program("docs/spark.md", "Grafts");
    SparkSession session = Sessions.local();
    String printed =
        CompiledProgram.of(folder, "Grafts", code)
            .main(Files.createDirectory(folder.resolve("files")).toString());
    String text = DocumentedCode.text("docs/spark.md");
    int start = text.indexOf("```text\n") + "```text\n".length();
    String documented = text.substring(start, text.indexOf("```", start));
    assertEquals(documented, printed, session.version());
  }
}
