// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/** A folder of small pictures with a CSV of answers, and a backbone without heads. */
final class Pictures {
  static final int COUNT = 60;

  private Pictures() {}

  /**
   * Writes pictures that are reddish or not, and bright or not; a third of the answers is blank.
   */
  static Path write(Path folder) throws IOException {
    Path pictures = Files.createDirectories(folder.resolve("pictures"));
    Random random = new Random(5);
    List<String> lines = new ArrayList<>(List.of("file,red,bright"));
    for (int i = 0; i < COUNT; i++) {
      boolean isRed = i % 2 == 0;
      boolean isBright = i / 2 % 2 == 0;
      String name = "p" + i + ".png";
      ImageIO.write(picture(isRed, isBright, random), "png", pictures.resolve(name).toFile());
      String red = i % 3 == 0 ? "" : isRed ? "yes" : "no";
      String bright = i % 3 == 1 ? "" : isBright ? "1" : "0";
      lines.add(name + "," + red + "," + bright);
    }
    Files.write(folder.resolve("labels.csv"), lines);
    return pictures;
  }

  static BufferedImage picture(boolean isRed, boolean isBright, Random random) {
    BufferedImage image = new BufferedImage(12, 10, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 120; i++) {
      int light = (isBright ? 150 : 40) + random.nextInt(40);
      int red = Math.min(255, light + (isRed ? 60 : 0));
      image.setRGB(i % 12, i / 12, red << 16 | light << 8 | light);
    }
    return image;
  }

  /** Saves a network of two blocks with a sum, that nobody trained. */
  static Path backbone(Path folder) {
    Path file = folder.resolve("backbone.safetensors");
    LayerOptions halved = LayerOptions.defaults().stride(2).same();
    try (Network network =
        Network.builder(Shape.image(3, 16, 16))
            .conv2d("one", 8, 3, halved)
            .relu("one_relu")
            .conv2d("two", 8, 3, LayerOptions.defaults().same())
            .add("two_sum", "two", "one_relu")
            .relu("two_relu")
            .conv2d("three", 12, 3, halved)
            .relu("three_relu")
            .build(3)) {
      network.save(file);
    }
    return file;
  }
}
