// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/data.md show of pictures compiles, and that of README.md runs. */
class PicturesGuideTest {
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));
  private static final List<String> IMPORTS =
      List.of(
          "dev.espalier.*",
          "dev.espalier.data.*",
          "java.io.File",
          "java.nio.file.Path",
          "javax.imageio.ImageIO");

  @TempDir private Path folder;

  @Test
  void theExampleOfTheReadmeRuns() throws Exception {
    List<String> code = DocumentedCode.ofSection("README.md", "Pictures");
    assertEquals(1, code.size());
    CompiledProgram example = compile("Network trunk, Path folder, Path photo", code.get(0));
    for (int i = 0; i < 4; i++) {
      for (String kind : new String[] {"cat", "dog"}) {
        Path file = folder.resolve("pictures").resolve(kind).resolve(i + ".png");
        Files.createDirectories(file.getParent());
        Files.write(file, PictureFiles.encoded(PictureFiles.noise(9, 9, i), "png"));
      }
    }
    Path photo = Files.write(folder.resolve("photo.jpg"), PictureFiles.resource("upright.jpg"));
    ImportOptions options = ImportOptions.defaults().outputs("mean");
    try (Network trunk =
        Network.importTflite(ROOT.resolve("cpp/testdata/mobile_block.tflite"), options)) {
      Class<?>[] types = {Network.class, Path.class, Path.class};
      String text = example.run(types, trunk, folder.resolve("pictures"), photo).strip();
      assertTrue(text.equals("cat") || text.equals("dog"), text);
    }
  }

  @Test
  void theExamplesOfTheGuideCompile() throws IOException {
    List<String> code = DocumentedCode.ofSection("docs/data.md", "Pictures");
    assertEquals(3, code.size());
    compile("Network trunk, Network network, Path folder", String.join("", code));
  }

  private CompiledProgram compile(String parameters, String code) throws IOException {
    return CompiledProgram.ofStatements(folder, "Example", IMPORTS, parameters, code);
  }
}
