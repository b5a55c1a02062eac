// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.WeightMap;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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

/** What docs/import.md shows compiles, and runs on small models. */
class ImportGuideTest {
  private static final Path ROOT =
      Path.of(System.getProperty("espalier.readme")).toAbsolutePath().getParent();
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void backboneIsBrought(@TempDir Path folder) throws Exception {
    String text =
        run("BringABackbone", folder, ROOT.resolve("cpp/testdata/small_backbone.onnx").toString());
    assertTrue(text.contains("output 'logits': 'fc' [2] of float32"), text);
    assertTrue(text.contains("heads.pet.dense"), text);
  }

  @Test
  void weightsAreRead(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("published.safetensors");
    try (Network network =
        Network.builder(Shape.image(3, 8, 8))
            .conv2d("conv1", 4, 3)
            .batchNorm("bn1")
            .relu()
            .globalAveragePool2d()
            .head("fc", Head.labels("cat", "dog"))
            .build(2)) {
      network.exportSafetensors(file, WeightMap.sameNames().rename("heads.fc.dense.*", "fc.*"));
    }
    Path exported = folder.resolve("exported.safetensors");
    String text = run("ReadWeights", folder, file.toString(), exported.toString());
    assertTrue(text.startsWith("weights: 8 read"), text);
    assertEquals(-1, Files.mismatch(file, exported));
  }

  /** Returns what a program of the guide prints. */
  private static String run(String name, Path folder, String... arguments) throws Exception {
    Path source = Files.writeString(folder.resolve(name + ".java"), program(name));
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
        new URLClassLoader(
            new URL[] {folder.toUri().toURL()}, ImportGuideTest.class.getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  private static String program(String name) throws IOException {
    Matcher code = CODE.matcher(Files.readString(ROOT.resolve("docs/import.md")));
    while (code.find()) {
      if (code.group(1).contains("public class " + name + " ")) {
        return code.group(1);
      }
    }
    throw new AssertionError("docs/import.md has no program " + name);
  }
}
