// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/coming_from.md shows of ours compiles and runs. */
class ComingFromTest {
  private static final String GUIDE = "docs/coming_from.md";

  @TempDir Path folder;

  private String run(String name, Path argument) throws Exception {
    return CompiledProgram.of(folder, name, DocumentedCode.program(GUIDE, name))
        .main(argument.toString())
        .strip();
  }

  @Test
  void eachExampleRuns() throws Exception {
    assertEquals(3, DocumentedCode.of(GUIDE).size());
    String trained = run("FromDl4j", folder);
    assertTrue(trained.endsWith("[odd, third]"), trained);
    String read = run("FromDjl", folder);
    assertTrue(read.matches("cat|dog"), read);
    Path model = Path.of(System.getProperty("espalier.root"), "cpp/testdata/small_backbone.onnx");
    assertEquals("2 outputs", run("FromOnnxRuntime", model));
  }
}
