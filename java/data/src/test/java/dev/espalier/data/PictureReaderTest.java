// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Shape;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PictureReaderTest {
  private static final int AREA = PictureFiles.HEIGHT * PictureFiles.WIDTH;
  private static final PictureReader STORED =
      PictureReader.of(Shape.image(3, PictureFiles.HEIGHT, PictureFiles.WIDTH));

  /** A row of grey samples of 8 bits, as a picture. */
  private static BufferedImage row(int... samples) {
    BufferedImage image = new BufferedImage(samples.length, 1, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setPixels(0, 0, samples.length, 1, samples);
    return image;
  }

  private static PictureReader grey(int height, int width) {
    return PictureReader.of(Shape.image(1, height, width)).valueRange(0, 255);
  }

  @ParameterizedTest
  @CsvSource({
    "upright.png, 0", "upright.tif, 0", "upright.webp, 0", "upright.jpg, 0.02",
    "progressive.jpg, 0.1", "cmyk.jpg, 0.1", "cmyk.tif, 0", "jpeg.tif, 0.1"
  })
  void formatsOfColor(String name, float tolerance) throws IOException {
    float[] input = STORED.read(PictureFiles.resource(name));
    for (int i = 0; i < input.length; i++) {
      int y = i % AREA / PictureFiles.WIDTH;
      int x = i % PictureFiles.WIDTH;
      assertEquals(PictureFiles.gradient(i / AREA, y, x), input[i], tolerance, name + " at " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "bmp", "tiff"})
  void whatJavaWritesIsReadToTheSameBits(String format) throws IOException {
    BufferedImage image = PictureFiles.noise(24, 16, 7);
    float[] input = STORED.read(PictureFiles.encoded(image, format));
    assertArrayEquals(STORED.read(image), input);
    for (int i = 0; i < input.length; i++) {
      int rgb = image.getRGB(i % 24, i % AREA / 24);
      assertEquals((rgb >> 16 - 8 * (i / AREA) & 0xFF) / 255f, input[i]);
    }
  }

  @Test
  void greyOfSixteenBits() throws IOException {
    float[] input = STORED.read(PictureFiles.resource("grey16.tif"));
    for (int i = 0; i < input.length; i++) {
      assertEquals(i % AREA / PictureFiles.WIDTH * 4369 / 65535f, input[i]);
    }
    BufferedImage deep = new BufferedImage(2, 1, BufferedImage.TYPE_USHORT_GRAY);
    deep.getRaster().setPixels(0, 0, 2, 1, new int[] {1, 40000});
    PictureReader reader = PictureReader.of(Shape.image(1, 1, 2));
    float[] expected = {1 / 65535f, 40000 / 65535f};
    assertArrayEquals(expected, reader.read(deep));
    assertArrayEquals(expected, reader.read(PictureFiles.encoded(deep, "png")));
  }

  @Test
  void greyIsNotBrightened() throws IOException {
    BufferedImage image = row(0, 1, 100, 255);
    float[] expected = {0, 1, 100, 255};
    assertArrayEquals(expected, grey(1, 4).read(image));
    assertArrayEquals(expected, grey(1, 4).read(PictureFiles.encoded(image, "png")));
    float[] color = PictureReader.of(Shape.image(3, 1, 4)).valueRange(0, 255).read(image);
    assertArrayEquals(new float[] {0, 1, 100, 255, 0, 1, 100, 255, 0, 1, 100, 255}, color);
  }

  @Test
  void colorBecomesLuma() {
    BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0xFF0000);
    image.setRGB(1, 0, 0x00FF00);
    image.setRGB(2, 0, 0x0000FF);
    float[] luma = PictureReader.of(Shape.image(1, 1, 3)).read(image);
    assertArrayEquals(new float[] {0.299f, 0.587f, 0.114f}, luma, 1e-5f);
  }

  @Test
  void oneBitOfFaxes() throws IOException {
    float[] input = STORED.read(PictureFiles.resource("group4.tif"));
    for (float value : input) {
      assertTrue(value == 0 || value == 1);
    }
    assertEquals(0, input[0]);
    assertEquals(1, input[AREA - 1]);
  }

  @Test
  void behindWhatIsTransparentLiesTheBackground() throws IOException {
    PictureReader blue = STORED.background(Color.BLUE);
    float[] onWhite = STORED.read(PictureFiles.resource("alpha.webp"));
    float[] onBlue = blue.read(PictureFiles.resource("alpha.webp"));
    for (int i = 0; i < AREA; i++) {
      int x = i % PictureFiles.WIDTH;
      int y = i / PictureFiles.WIDTH;
      float alpha = PictureFiles.gradient(0, y, x);
      for (int c = 0; c < 3; c++) {
        float own = alpha * PictureFiles.gradient(c, y, x);
        assertEquals(own + 1 - alpha, onWhite[c * AREA + i], 2e-5);
        assertEquals(own + (c == 2 ? 1 - alpha : 0), onBlue[c * AREA + i], 2e-5);
      }
    }
    float[] palette = blue.read(PictureFiles.resource("palette.png"));
    assertEquals(0, palette[0]);
    assertEquals(1, palette[2 * AREA], "transparent");
    assertEquals(1, palette[AREA + 10], "green");
    float[] oneColor = STORED.read(PictureFiles.resource("transparent_black.png"));
    assertEquals(1, oneColor[0]);
    assertEquals(PictureFiles.gradient(0, 0, 1), oneColor[1]);
  }

  @Test
  void premultipliedAlphaIsNotMultipliedAgain() {
    BufferedImage plain = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
    plain.setRGB(0, 0, 0x80FF4000);
    BufferedImage multiplied = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB_PRE);
    Graphics2D graphics = multiplied.createGraphics();
    graphics.drawImage(plain, 0, 0, null);
    graphics.dispose();
    PictureReader reader = PictureReader.of(Shape.image(3, 1, 1));
    assertArrayEquals(reader.read(plain), reader.read(multiplied), 1 / 255f);
  }

  @Test
  void theFirstPictureOfAnAnimation() throws IOException {
    float[] input = STORED.read(PictureFiles.resource("animated.gif"));
    assertEquals(1, input[0], "red");
    assertEquals(1, input[AREA + 10], "green");
    assertEquals(0, input[2 * AREA], "no blue, as in the second one");
  }

  /**
   * Which side of the upright picture a stored file's first row and first column are: Exif 2.32.
   */
  @ParameterizedTest
  @CsvSource({
    "1, top, left", "2, top, right", "3, bottom, right", "4, bottom, left",
    "5, left, top", "6, right, top", "7, right, bottom", "8, left, bottom"
  })
  void picturesStandUpright(int orientation, String firstRow, String firstColumn)
      throws IOException {
    boolean isTransposed = firstRow.equals("left") || firstRow.equals("right");
    int height = isTransposed ? PictureFiles.WIDTH : PictureFiles.HEIGHT;
    int width = isTransposed ? PictureFiles.HEIGHT : PictureFiles.WIDTH;
    PictureReader reader = PictureReader.of(Shape.image(3, height, width));
    for (String name : new String[] {"upright.png", "upright.webp", "upright.tif", "upright.jpg"}) {
      byte[] file = PictureFiles.resource(name);
      float[] stored = STORED.read(file);
      float[] upright = reader.read(PictureFiles.withOrientation(file, orientation));
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          int row = distance(firstRow, y, x, height, width);
          int column = distance(firstColumn, y, x, height, width);
          assertEquals(stored[row * PictureFiles.WIDTH + column], upright[y * width + x], name);
        }
      }
    }
  }

  private static int distance(String side, int y, int x, int height, int width) {
    return switch (side) {
      case "top" -> y;
      case "bottom" -> height - 1 - y;
      case "left" -> x;
      default -> width - 1 - x;
    };
  }

  @Test
  void orientationsOutOfRangeAreNone() throws IOException {
    byte[] file = PictureFiles.resource("upright.png");
    for (int orientation : new int[] {0, 9, 100}) {
      assertArrayEquals(
          STORED.read(file), STORED.read(PictureFiles.withOrientation(file, orientation)));
    }
  }

  /** Values of Pillow 11 and PyTorch 2.6, which agree to 1e-5. */
  @Test
  void bilinearAsInPillowAndPyTorch() {
    BufferedImage image = row(0, 51, 255, 102, 153);
    assertArrayEquals(
        new float[] {21.857143f, 175.66667f, 131.14285f}, grey(1, 3).read(image), 3e-3f);
    assertArrayEquals(new float[] {83.45455f, 150.68182f}, grey(1, 2).read(image), 3e-3f);
    assertArrayEquals(
        new float[] {0, 22.3125f, 63.75f, 191.25f, 207.1875f, 111.5625f, 130.6875f, 153},
        grey(1, 8).read(image),
        3e-3f);
  }

  @Test
  void areasCountByTheirShare() {
    PictureReader reader = grey(1, 2).scaling(PictureScaling.AREA);
    assertArrayEquals(new float[] {20, 120}, reader.read(row(10, 30, 40, 200)), 3e-3f);
    assertArrayEquals(
        new float[] {(10 + 30 / 2f) / 1.5f, (40 + 30 / 2f) / 1.5f},
        reader.read(row(10, 30, 40)),
        3e-3f);
    assertArrayEquals(
        new float[] {10, 10, 20, 30, 30},
        grey(1, 5).scaling(PictureScaling.AREA).read(row(10, 30)),
        3e-3f);
  }

  @Test
  void cropsTheMiddleAndPadsBesideIt() {
    BufferedImage image = row(10, 20, 30, 40);
    assertArrayEquals(new float[] {20, 30}, grey(1, 2).fit(PictureFit.CROP).read(image), 3e-3f);
    BufferedImage tall = new BufferedImage(1, 4, BufferedImage.TYPE_BYTE_GRAY);
    tall.getRaster().setPixels(0, 0, 1, 4, new int[] {10, 20, 30, 40});
    assertArrayEquals(new float[] {20, 30}, grey(2, 1).fit(PictureFit.CROP).read(tall), 3e-3f);
    float[] padded = grey(2, 4).fit(PictureFit.PAD).background(new Color(7, 7, 7)).read(tall);
    float[] expected = new float[8];
    Arrays.fill(expected, 7);
    expected[1] = padded[1];
    expected[5] = padded[5];
    assertArrayEquals(expected, padded, 3e-3f);
    assertTrue(padded[1] > 10 && padded[1] < 25 && padded[5] > 25 && padded[5] < 40);
  }

  @Test
  void anySizeBecomesAnySize() {
    int[][] sizes = {{1, 1}, {1, 10_000}, {10_000, 1}, {3, 2}, {257, 19}};
    for (int[] size : sizes) {
      BufferedImage image = new BufferedImage(size[0], size[1], BufferedImage.TYPE_INT_RGB);
      for (int x = 0; x < size[0]; x++) {
        for (int y = 0; y < size[1]; y++) {
          image.setRGB(x, y, 0x336699);
        }
      }
      for (PictureScaling scaling : PictureScaling.values()) {
        for (PictureFit fit : new PictureFit[] {PictureFit.STRETCH, PictureFit.CROP}) {
          float[] input =
              PictureReader.of(Shape.image(3, 5, 7)).scaling(scaling).fit(fit).read(image);
          for (int i = 0; i < input.length; i++) {
            assertEquals((0x33 + 0x33 * (i / 35)) / 255f, input[i], 2e-5, scaling + " " + fit);
          }
        }
        float[] padded =
            PictureReader.of(Shape.image(3, 5, 7))
                .scaling(scaling)
                .fit(PictureFit.PAD)
                .background(new Color(0x336699))
                .read(image);
        assertEquals(0x33 / 255f, padded[0], 2e-5);
        assertEquals(0x99 / 255f, padded[104], 2e-5);
      }
    }
  }

  @Test
  void valuesAreNormalized() {
    BufferedImage image = row(0, 255);
    PictureReader reader = PictureReader.of(Shape.image(1, 1, 2));
    assertArrayEquals(new float[] {0, 1}, reader.read(image));
    assertArrayEquals(new float[] {-1, 1}, reader.valueRange(-1, 1).read(image));
    assertArrayEquals(new float[] {1, 0}, reader.valueRange(1, 0).read(image));
    float[] values = reader.normalize(new float[] {0.485f}, new float[] {0.229f}).read(image);
    assertArrayEquals(new float[] {-0.485f / 0.229f, 0.515f / 0.229f}, values, 1e-6f);
  }

  @Test
  void inputsAreShownAsTheyWereRead() {
    BufferedImage image = PictureFiles.noise(6, 4, 3);
    PictureReader reader =
        PictureReader.of(Shape.image(3, 4, 6))
            .normalize(new float[] {0.4f, 0.5f, 0.6f}, new float[] {0.2f, 0.3f, 0.1f});
    BufferedImage shown = reader.show(reader.read(image));
    for (int i = 0; i < 24; i++) {
      assertEquals(image.getRGB(i % 6, i / 6), shown.getRGB(i % 6, i / 6));
    }
  }

  @Test
  void otherSamplesAreRefused() {
    WritableRaster raster = Raster.createBandedRaster(DataBuffer.TYPE_INT, 2, 2, 1, null);
    ComponentColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_GRAY), false, false, 1, DataBuffer.TYPE_INT);
    BufferedImage deep = new BufferedImage(model, raster, false, null);
    String message =
        assertThrows(IllegalArgumentException.class, () -> STORED.read(deep)).getMessage();
    assertTrue(message.contains("16 bits, got 32"), message);
  }

  @Test
  void wrongSettingsAreNamed() {
    assertRefused("[3, height, width]", () -> PictureReader.of(Shape.vector(9)));
    assertRefused("[3, height, width]", () -> PictureReader.of(Shape.image(2, 4, 4)));
    assertRefused("different", () -> STORED.valueRange(2, 2));
    assertRefused("different", () -> STORED.valueRange(Float.NaN, 2));
    assertRefused("channel", () -> STORED.normalize(new float[1], new float[3]));
    assertRefused("other than 0", () -> STORED.normalize(new float[3], new float[3]));
    assertRefused("finite", () -> STORED.normalize(new float[] {0, 0, Float.NaN}, new float[3]));
    assertRefused("maxPixels", () -> STORED.maxPixels(0));
    assertRefused("values", () -> STORED.show(new float[1]));
  }

  private static void assertRefused(String words, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(words), message);
  }
}
