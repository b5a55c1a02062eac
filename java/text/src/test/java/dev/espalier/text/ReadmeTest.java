// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md shows of texts compiles. */
class ReadmeTest {
  private static final Pattern TEXTS =
      Pattern.compile("\n## Texts\n.*?```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void theExampleOfTextsCompiles(@TempDir Path folder) throws IOException {
    Path readme = Path.of(System.getProperty("espalier.root"), "README.md");
    Matcher example = TEXTS.matcher(Files.readString(readme));
    assertTrue(example.find(), "no example of texts");
    Path source =
        Files.writeString(
            folder.resolve("Example.java"),
            "import dev.espalier.*;\nimport dev.espalier.text.*;\nimport java.nio.file.Path;\n"
                + "import java.util.List;\n"
                + "class Example {\n"
                + "  static void run(Network network, List<String> texts, float[][] answers) {\n"
                + example.group(1)
                + "  }\n}\n");
    String[] options = {
      "-Xlint:all,-path",
      "-Werror",
      "-proc:none",
      "-cp",
      System.getProperty("java.class.path"),
      "-d",
      folder.toString(),
      source.toString()
    };
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, options));
  }
}
