// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadOptionsTest {
  @TempDir Path folder;

  private Path saved() {
    Path file = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.image(1, 28, 28))
            .conv2d("conv", 8, 3)
            .relu()
            .flatten()
            .head("answer", Head.labels("yes", "no"))
            .build(1)) {
      network.save(file);
    }
    return file;
  }

  private static String refusal(Path file, LoadOptions options) {
    return assertThrows(ModelFileException.class, () -> Network.load(file, options).close())
        .getMessage();
  }

  @Test
  void eachLimitNamesWhatWasExpectedAndWhatWasGot() {
    Path file = saved();
    String work = refusal(file, LoadOptions.defaults().maxMultiplyAdds(1000));
    assertTrue(work.contains("limit of multiply-adds: expected at most 1000 an example"), work);
    assertTrue(work.contains("layer 'conv' (conv2d to [8, 28, 28]) takes most"), work);
    String bytes = refusal(file, LoadOptions.defaults().maxNativeBytes(2000));
    assertTrue(bytes.contains("limit of native bytes: expected at most 2000"), bytes);
    String layers = refusal(file, LoadOptions.defaults().maxLayers(3));
    assertTrue(layers.contains("limit of layers: expected at most 3"), layers);
    assertTrue(layers.contains("got 4"), layers);
  }

  @Test
  void defaultsLoadWhatWasSaved() {
    Path file = saved();
    try (Network network = Network.load(file, LoadOptions.defaults().maxLayers(4))) {
      assertEquals(4, network.layers().size());
    }
  }

  @Test
  void limitsBelowOneAreErrors() {
    LoadOptions options = LoadOptions.defaults();
    assertThrows(IllegalArgumentException.class, () -> options.maxMultiplyAdds(0));
    assertThrows(IllegalArgumentException.class, () -> options.maxNativeBytes(-1));
    assertThrows(IllegalArgumentException.class, () -> options.maxLayers(0));
  }
}
