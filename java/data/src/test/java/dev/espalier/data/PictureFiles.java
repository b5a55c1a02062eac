// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;

/** Pictures for tests: those beside pictures.py, and ones made here. */
final class PictureFiles {
  static final int WIDTH = 24;
  static final int HEIGHT = 16;

  private PictureFiles() {}

  static byte[] resource(String name) throws IOException {
    try (InputStream stream = PictureFiles.class.getResourceAsStream(name)) {
      return stream.readAllBytes();
    }
  }

  /** What pictures.py draws: red from left to right, green downwards, blue both. */
  static float gradient(int channel, int y, int x) {
    int sample = channel == 0 ? x * 255 / 23 : channel == 1 ? y * 255 / 15 : (x + y) * 255 / 38;
    return sample / 255f;
  }

  /** A picture of a format that Java writes. */
  static byte[] encoded(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertEquals(true, ImageIO.write(image, format, bytes), format);
    return bytes.toByteArray();
  }

  /** A picture of colors by chance. */
  static BufferedImage noise(int width, int height, long seed) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(seed);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, random.nextInt());
      }
    }
    return image;
  }

  /** A file with an Exif orientation of 1, with another one. */
  static byte[] withOrientation(byte[] file, int orientation) {
    byte[] changed = file.clone();
    byte[] little = {0x12, 0x01, 3, 0, 1, 0, 0, 0};
    byte[] big = {0x01, 0x12, 0, 3, 0, 0, 0, 1};
    for (int i = 0; i + 10 <= changed.length; i++) {
      byte[] tag = Arrays.copyOfRange(changed, i, i + 8);
      if (Arrays.equals(tag, little)) {
        changed[i + 8] = (byte) orientation;
        return changed;
      }
      if (Arrays.equals(tag, big)) {
        changed[i + 9] = (byte) orientation;
        return changed;
      }
    }
    throw new AssertionError("no orientation");
  }
}
