// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.random.RandomGenerator;

/**
 * Crops, turns, shifts and flips pictures, in one step: each pixel of the new picture is the
 * bilinear mean of the four around its place in the old one.
 */
record Geometry(
    boolean flipsHorizontally,
    boolean flipsVertically,
    double degrees,
    double leastArea,
    double translation) {
  static final Geometry NONE = new Geometry(false, false, 0, 1, 0);

  Geometry withFlips(boolean horizontally, boolean vertically) {
    return new Geometry(horizontally, vertically, degrees, leastArea, translation);
  }

  Geometry withRotation(double most) {
    return new Geometry(flipsHorizontally, flipsVertically, most, leastArea, translation);
  }

  Geometry withCrop(double least) {
    return new Geometry(flipsHorizontally, flipsVertically, degrees, least, translation);
  }

  Geometry withTranslation(double most) {
    return new Geometry(flipsHorizontally, flipsVertically, degrees, leastArea, most);
  }

  /** Returns a changed picture, or the same one. */
  float[] apply(float[] picture, int height, int width, RandomGenerator random) {
    boolean isMirrored = flipsHorizontally && random.nextBoolean();
    boolean isUpsideDown = flipsVertically && random.nextBoolean();
    double angle = StrictMath.toRadians(between(random, degrees));
    double scale = StrictMath.sqrt(leastArea + (1 - leastArea) * random.nextDouble());
    double middleX = width / 2.0 + between(random, (1 - scale) / 2 + translation) * width;
    double middleY = height / 2.0 + between(random, (1 - scale) / 2 + translation) * height;
    if (equals(NONE)) {
      return picture;
    }
    double cosine = scale * StrictMath.cos(angle);
    double sine = scale * StrictMath.sin(angle);
    double mirror = isMirrored ? -1 : 1;
    double turnOver = isUpsideDown ? -1 : 1;
    float[] changed = new float[picture.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double across = mirror * (x + 0.5 - width / 2.0);
        double down = turnOver * (y + 0.5 - height / 2.0);
        double fromX = middleX + cosine * across - sine * down - 0.5;
        double fromY = middleY + sine * across + cosine * down - 0.5;
        sample(picture, height, width, fromX, fromY, changed, y * width + x);
      }
    }
    return changed;
  }

  /** Returns a number from {@code -most} to {@code most}. */
  private static double between(RandomGenerator random, double most) {
    return most * (2 * random.nextDouble() - 1);
  }

  private static void sample(
      float[] picture, int height, int width, double x, double y, float[] changed, int pixel) {
    int left = (int) StrictMath.floor(x);
    int top = (int) StrictMath.floor(y);
    float right = (float) (x - left);
    float bottom = (float) (y - top);
    int column0 = clamp(left, width);
    int column1 = clamp(left + 1, width);
    int row0 = clamp(top, height) * width;
    int row1 = clamp(top + 1, height) * width;
    int area = height * width;
    for (int from = 0; from < picture.length; from += area) {
      float above =
          (1 - right) * picture[from + row0 + column0] + right * picture[from + row0 + column1];
      float below =
          (1 - right) * picture[from + row1 + column0] + right * picture[from + row1 + column1];
      changed[from + pixel] = (1 - bottom) * above + bottom * below;
    }
  }

  private static int clamp(int index, int size) {
    return Math.max(0, Math.min(size - 1, index));
  }
}
