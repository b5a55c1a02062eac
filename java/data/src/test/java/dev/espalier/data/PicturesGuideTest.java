// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.ImportOptions;
import dev.espalier.Network;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/data.md show of pictures compiles, and that of README.md runs. */
class PicturesGuideTest {
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));
  private static final Pattern SECTION =
      Pattern.compile("\n## Pictures\n(.*?)(\n## |$)", Pattern.DOTALL);
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir private Path folder;

  @Test
  void theExampleOfTheReadmeRuns() throws Exception {
    List<String> code = code("README.md");
    assertEquals(1, code.size());
    compile("Network trunk, Path folder, Path photo", code.get(0));
    for (int i = 0; i < 4; i++) {
      for (String kind : new String[] {"cat", "dog"}) {
        Path file = folder.resolve("pictures").resolve(kind).resolve(i + ".png");
        Files.createDirectories(file.getParent());
        Files.write(file, PictureFiles.encoded(PictureFiles.noise(9, 9, i), "png"));
      }
    }
    Path photo = Files.write(folder.resolve("photo.jpg"), PictureFiles.resource("upright.jpg"));
    ImportOptions options = ImportOptions.defaults().outputs("mean");
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (Network trunk =
            Network.importTflite(ROOT.resolve("cpp/testdata/mobile_block.tflite"), options);
        URLClassLoader classes = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      classes
          .loadClass("Example")
          .getMethod("run", Network.class, Path.class, Path.class)
          .invoke(null, trunk, folder.resolve("pictures"), photo);
    } finally {
      System.setOut(out);
    }
    String text = printed.toString(StandardCharsets.UTF_8).strip();
    assertTrue(text.equals("cat") || text.equals("dog"), text);
  }

  @Test
  void theExamplesOfTheGuideCompile() throws IOException {
    List<String> code = code("docs/data.md");
    assertEquals(3, code.size());
    compile("Network trunk, Network network, Path folder", String.join("", code));
  }

  private static List<String> code(String file) throws IOException {
    Matcher section = SECTION.matcher(Files.readString(ROOT.resolve(file)));
    assertTrue(section.find(), "no section on pictures in " + file);
    Matcher blocks = CODE.matcher(section.group(1));
    List<String> code = new ArrayList<>();
    while (blocks.find()) {
      code.add(blocks.group(1));
    }
    return code;
  }

  private void compile(String parameters, String code) throws IOException {
    Path source =
        Files.writeString(
            folder.resolve("Example.java"),
            "import dev.espalier.*;\nimport dev.espalier.data.*;\nimport java.io.File;\n"
                + "import java.nio.file.Path;\nimport javax.imageio.ImageIO;\n"
                + "public class Example {\n"
                + "  public static void run("
                + parameters
                + ") throws Exception {\n"
                + code
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
