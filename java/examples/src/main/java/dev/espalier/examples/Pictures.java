// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.awt.image.BufferedImage;

/** Inputs as pictures to look at. */
final class Pictures {
  private Pictures() {}

  /** A picture of {@code side} × {@code side} pixels in [0, 1], dark on light. */
  static BufferedImage ofPixels(float[] pixels, int side) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        image.getRaster().setSample(x, y, 0, 255 - Math.round(255 * pixels[y * side + x]));
      }
    }
    return image;
  }
}
