// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.WeightMap;
import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/import.md shows compiles, and runs on small models. */
class ImportGuideTest {
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));

  @Test
  void backboneIsBrought(@TempDir Path folder) throws Exception {
    String text =
        run("BringABackbone", folder, ROOT.resolve("cpp/testdata/small_backbone.onnx").toString());
    assertTrue(text.contains("output 'logits': 'fc' [2] of float32"), text);
    assertTrue(text.contains("heads.pet.dense"), text);
  }

  @Test
  void detectorIsBrought(@TempDir Path folder) throws Exception {
    String text =
        run("BringADetector", folder, ROOT.resolve("cpp/testdata/mobile_block.tflite").toString());
    assertTrue(text.contains("output 'answers'"), text);
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
    return CompiledProgram.of(folder, name, DocumentedCode.program("docs/import.md", name))
        .main(arguments);
  }
}
