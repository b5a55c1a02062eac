// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;

/** Pictures as data for a web page. */
final class Pictures {
  private Pictures() {}

  /** A PNG data URL of {@code side} × {@code side} pixels in [0, 1], dark on light. */
  static String dataUrl(float[] pixels, int side) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        image.getRaster().setSample(x, y, 0, 255 - Math.round(255 * pixels[y * side + x]));
      }
    }
    return dataUrl(image);
  }

  /** A PNG data URL of a picture. */
  static String dataUrl(BufferedImage image) {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
  }
}
