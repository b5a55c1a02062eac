// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/import.md shows compiles, and runs on a small model. */
class ImportGuideTest {
  private static final Path ROOT =
      Path.of(System.getProperty("espalier.readme")).toAbsolutePath().getParent();
  private static final Pattern PROGRAM =
      Pattern.compile("```java\n(.*?public class (\\w+).*?)```", Pattern.DOTALL);

  @Test
  void exampleRuns(@TempDir Path folder) throws Exception {
    Matcher program = PROGRAM.matcher(Files.readString(ROOT.resolve("docs/import.md")));
    assertTrue(program.find());
    String name = program.group(2);
    Path source = Files.writeString(folder.resolve(name + ".java"), program.group(1));
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

    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      String[] arguments = {ROOT.resolve("cpp/testdata/small_backbone.onnx").toString()};
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(console);
    }
    String text = printed.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains("output 'logits': 'fc' [2] of float32"), text);
    assertTrue(text.contains("heads.pet.dense"), text);
  }
}
