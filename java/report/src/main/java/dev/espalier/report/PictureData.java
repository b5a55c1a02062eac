// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Pictures as part of a page: PNG data URLs. */
final class PictureData {
  /** As large as the page shows one, on screens of two pixels for one. */
  private static final int MOST_PIXELS = 224;

  private static final String PREFIX = "data:image/png;base64,";

  private PictureData() {}

  static String url(BufferedImage picture) {
    return url(picture, MOST_PIXELS);
  }

  /** Returns a picture whose longer side has so many pixels at most. */
  static String url(BufferedImage picture, int mostPixels) {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(png)) {
      ImageIO.write(reduced(picture, mostPixels), "png", out);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return PREFIX + Base64.getEncoder().encodeToString(png.toByteArray());
  }

  /** Halves a picture until one more step makes it small enough: no pixel is left out. */
  private static BufferedImage reduced(BufferedImage picture, int mostPixels) {
    BufferedImage now = picture;
    int side = Math.max(now.getWidth(), now.getHeight());
    while (side > mostPixels) {
      int next = Math.max(mostPixels, (side + 1) / 2);
      now = scaled(now, (double) next / side);
      side = next;
    }
    return now;
  }

  private static BufferedImage scaled(BufferedImage picture, double factor) {
    int width = Math.max(1, (int) Math.round(picture.getWidth() * factor));
    int height = Math.max(1, (int) Math.round(picture.getHeight() * factor));
    boolean hasAlpha = picture.getColorModel().hasAlpha();
    BufferedImage small =
        new BufferedImage(
            width, height, hasAlpha ? BufferedImage.TYPE_INT_ARGB : BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = small.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(picture, 0, 0, width, height, null);
    graphics.dispose();
    return small;
  }

  /**
   * Draws an input as a picture: one or three channels, from its smallest value as black to its
   * largest as white.
   *
   * @param input {@code [channels, height, width]}
   */
  static BufferedImage ofInput(float[] input, int channels, int height, int width) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (float value : input) {
      if (Float.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    return ofInput(input, channels, height, width, low, high);
  }

  /** Draws an input as a picture in which a value is black, another white. */
  static BufferedImage ofInput(
      float[] input, int channels, int height, int width, float black, float white) {
    float range = white > black ? white - black : 1;
    int plane = height * width;
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < plane; i++) {
      int rgb = 0;
      for (int channel = 0; channel < 3; channel++) {
        float value = input[Math.min(channel, channels - 1) * plane + i];
        int level = Float.isFinite(value) ? Math.round(255 * ((value - black) / range)) : 0;
        rgb = rgb << 8 | Math.min(255, Math.max(0, level));
      }
      picture.setRGB(i % width, i / width, rgb);
    }
    return picture;
  }
}
