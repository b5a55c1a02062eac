// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.awt.Color;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/**
 * The rows of a picture, as they are stored, in red, green and blue or in grey, from 0 to 1, in
 * front of a background.
 *
 * <p>Samples are taken as they are: those of a grey picture, too, which Java would take for linear
 * light and brighten. Color spaces other than RGB and grey go through Java's conversion to sRGB.
 */
final class PixelRows {
  /** ITU-R BT.601, as in Pillow and OpenCV. */
  private static final float RED = 0.299f;

  private static final float GREEN = 0.587f;
  private static final float BLUE = 0.114f;

  private final BufferedImage image;
  private final Raster raster;
  private final int width;
  private final boolean isGrey;
  private final float[] background;
  private final RowReader reader;
  private final float[] colors; // red, green, blue of a row
  private final float[] alphas;
  private final boolean hasAlpha;
  private final boolean isPremultiplied;

  /** Fills {@link #colors}, and {@link #alphas} where there are some, from row y. */
  private interface RowReader {
    void read(int y);
  }

  /** Refuses samples that are no numbers from 0 to a maximum of at most 16 bits. */
  PixelRows(BufferedImage image, boolean isGrey, Color background) {
    this.image = image;
    raster = image.getRaster();
    width = image.getWidth();
    this.isGrey = isGrey;
    this.background = background.getRGBColorComponents(null);
    colors = new float[3 * width];
    ColorModel model = image.getColorModel();
    hasAlpha = model.hasAlpha();
    alphas = new float[hasAlpha ? width : 0];
    boolean isIndexed = model instanceof IndexColorModel;
    int space = model.getColorSpace().getType();
    boolean isDirect =
        !isIndexed && (space == ColorSpace.TYPE_RGB || space == ColorSpace.TYPE_GRAY);
    isPremultiplied = isDirect && model.isAlphaPremultiplied();
    if (isDirect) {
      requireIntegers(model);
      reader = directReader(model);
    } else {
      reader = isIndexed ? indexedReader((IndexColorModel) model) : this::readConverted;
    }
  }

  private static void requireIntegers(ColorModel model) {
    int type = model.getTransferType();
    if (type != DataBuffer.TYPE_BYTE
        && type != DataBuffer.TYPE_USHORT
        && type != DataBuffer.TYPE_INT) {
      throw new BrokenPictureException(
          "expected whole numbers without a sign as samples, got those of " + model, null);
    }
    for (int bits : model.getComponentSize()) {
      if (bits < 1 || bits > 16) {
        throw new BrokenPictureException("expected samples of 1 to 16 bits, got " + bits, null);
      }
    }
  }

  private RowReader directReader(ColorModel model) {
    int bands = raster.getNumBands();
    int colorBands = model.getNumColorComponents();
    float[] scales = new float[model.getNumComponents()];
    for (int band = 0; band < scales.length; band++) {
      scales[band] = (1 << model.getComponentSize(band)) - 1;
    }
    int[] samples = new int[bands * width];
    return y -> {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, samples);
      for (int x = 0; x < width; x++) {
        for (int channel = 0; channel < 3; channel++) {
          int band = colorBands == 1 ? 0 : channel;
          colors[3 * x + channel] = samples[bands * x + band] / scales[band];
        }
        if (hasAlpha) {
          alphas[x] = samples[bands * x + colorBands] / scales[colorBands];
        }
      }
    };
  }

  private RowReader indexedReader(IndexColorModel model) {
    int[] palette = new int[model.getMapSize()];
    model.getRGBs(palette);
    int[] samples = new int[width];
    return y -> {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, samples);
      for (int x = 0; x < width; x++) {
        if (samples[x] >= palette.length) {
          throw new BrokenPictureException(
              "expected indices below the palette's " + palette.length + ", got " + samples[x],
              null);
        }
        readPacked(x, palette[samples[x]]);
      }
    };
  }

  private void readConverted(int y) {
    int[] packed = image.getRGB(0, y, width, 1, null, 0, width);
    for (int x = 0; x < width; x++) {
      readPacked(x, packed[x]);
    }
  }

  private void readPacked(int x, int argb) {
    colors[3 * x] = (argb >> 16 & 0xFF) / 255f;
    colors[3 * x + 1] = (argb >> 8 & 0xFF) / 255f;
    colors[3 * x + 2] = (argb & 0xFF) / 255f;
    if (hasAlpha) {
      alphas[x] = (argb >>> 24) / 255f;
    }
  }

  /** Returns the number of values of a pixel: 1 for grey, 3. */
  int channels() {
    return isGrey ? 1 : 3;
  }

  /** Returns the values of a pixel of the background. */
  float[] background() {
    return isGrey
        ? new float[] {luma(background[0], background[1], background[2])}
        : background.clone();
  }

  /** Returns the grey of a color. */
  static float luma(float red, float green, float blue) {
    return RED * red + GREEN * green + BLUE * blue;
  }

  /**
   * Writes a row, pixel by pixel.
   *
   * @param y from 0 to the image's height
   * @param row room for {@code channels() * width} values
   */
  void read(int y, float[] row) {
    reader.read(y);
    for (int x = 0; x < alphas.length; x++) {
      float alpha = alphas[x];
      for (int channel = 0; channel < 3; channel++) {
        float color = colors[3 * x + channel];
        float own = isPremultiplied ? Math.min(color, alpha) : alpha * color;
        colors[3 * x + channel] = own + (1 - alpha) * background[channel];
      }
    }
    if (!isGrey) {
      System.arraycopy(colors, 0, row, 0, colors.length);
      return;
    }
    for (int x = 0; x < width; x++) {
      row[x] = luma(colors[3 * x], colors[3 * x + 1], colors[3 * x + 2]);
    }
  }
}
