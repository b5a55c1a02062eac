// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** Pictures of a data set beside what an augmentation makes of them. */
final class ContactSheet {
  private static final int GAP = 4;

  private ContactSheet() {}

  /** Draws a row for each example: as it is, then as it is in each epoch. */
  static BufferedImage draw(
      Dataset data, AugmentedDataset augmented, PixelValues values, int examples, int epochs) {
    if (examples < 1 || examples > data.size() || epochs < 1) {
      throw new IllegalArgumentException(
          "contactSheet: expected 1 to "
              + data.size()
              + " examples and at least one epoch, got "
              + examples
              + " and "
              + epochs);
    }
    int[] dimensions = data.inputShape().dims();
    int height = dimensions[1] + GAP;
    int width = dimensions[2] + GAP;
    long across = (epochs + 1L) * width + 2 * GAP;
    long down = (long) examples * height + GAP;
    if (across > Integer.MAX_VALUE / down) {
      throw new IllegalArgumentException(
          "contactSheet: expected at most "
              + Integer.MAX_VALUE
              + " pixels, got "
              + across
              + " x "
              + down);
    }
    BufferedImage sheet = new BufferedImage((int) across, (int) down, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    graphics.setColor(Color.GRAY);
    graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
    graphics.dispose();
    for (int column = 0; column <= epochs; column++) {
      Dataset shown = column == 0 ? data : augmented.atEpoch(column - 1);
      int left = GAP + column * width + (column == 0 ? 0 : GAP);
      for (int row = 0; row < examples; row++) {
        paint(Datasets.input(shown, row), dimensions, values, sheet, left, GAP + row * height);
      }
    }
    return sheet;
  }

  private static void paint(
      float[] input, int[] dimensions, PixelValues values, BufferedImage sheet, int left, int top) {
    int width = dimensions[2];
    int area = dimensions[1] * width;
    for (int i = 0; i < area; i++) {
      int packed = 0;
      for (int c = 0; c < 3; c++) {
        int channel = dimensions[0] < 3 ? 0 : c;
        float light = values.light(channel, input[channel * area + i]);
        packed = packed << 8 | Math.max(0, Math.min(255, Math.round(255 * light)));
      }
      sheet.setRGB(left + i % width, top + i / width, packed);
    }
  }
}
