// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.data.PictureReader;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** The first pictures of a data set, in rows, as a network sees them. */
final class ContactSheet {
  private static final int GAP = 4;

  private ContactSheet() {}

  static BufferedImage draw(PictureReader reader, Dataset pictures, int most) {
    if (most < 1) {
      throw new CommandFailure("--sheet-count: expected at least 1, got " + most);
    }
    int count = Math.min(most, pictures.size());
    int columns = (int) Math.ceil(Math.sqrt(count));
    int rows = (count + columns - 1) / columns;
    int[] dimensions = reader.inputShape().dims();
    int height = dimensions[1] + GAP;
    int width = dimensions[2] + GAP;
    BufferedImage sheet =
        new BufferedImage(columns * width + GAP, rows * height + GAP, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    graphics.setColor(Color.GRAY);
    graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
    for (int i = 0; i < count; i++) {
      int left = GAP + i % columns * width;
      int top = GAP + i / columns * height;
      graphics.drawImage(reader.show(Datasets.input(pictures, i)), left, top, null);
    }
    graphics.dispose();
    return sheet;
  }
}
