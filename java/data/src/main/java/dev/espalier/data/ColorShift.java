// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.random.RandomGenerator;

/** Changes the colors of pictures whose values are from 0 for black to 1 for white. */
record ColorShift(double brightness, double contrast, double saturation, double hue) {
  static final ColorShift NONE = new ColorShift(0, 0, 0, 0);

  ColorShift withBrightness(double most) {
    return new ColorShift(most, contrast, saturation, hue);
  }

  ColorShift withContrast(double most) {
    return new ColorShift(brightness, most, saturation, hue);
  }

  ColorShift withSaturation(double most) {
    return new ColorShift(brightness, contrast, most, hue);
  }

  ColorShift withHue(double most) {
    return new ColorShift(brightness, contrast, saturation, most);
  }

  /** Whether it needs red, green and blue. */
  boolean needsColor() {
    return saturation > 0 || hue > 0;
  }

  /** Changes a picture {@code [channels, area]} in place. */
  void apply(float[] picture, int area, RandomGenerator random) {
    float brighter = factor(random, brightness);
    float clearer = factor(random, contrast);
    float moreColored = factor(random, saturation);
    double turn = 2 * StrictMath.PI * hue * (2 * random.nextDouble() - 1);
    multiply(picture, brighter, 0);
    double sum = 0;
    for (int i = 0; i < area; i++) {
      sum += luma(picture, area, i);
    }
    multiply(picture, clearer, (float) ((1 - clearer) * sum / area));
    if (needsColor()) {
      turn(picture, area, moreColored, turn);
    }
    for (int i = 0; i < picture.length; i++) {
      picture[i] = Math.max(0, Math.min(1, picture[i]));
    }
  }

  private static float factor(RandomGenerator random, double most) {
    return (float) (1 + most * (2 * random.nextDouble() - 1));
  }

  private static void multiply(float[] picture, float factor, float summand) {
    for (int i = 0; i < picture.length; i++) {
      picture[i] = factor * picture[i] + summand;
    }
  }

  private static float luma(float[] picture, int area, int i) {
    return picture.length == area
        ? picture[i]
        : PixelRows.luma(picture[i], picture[area + i], picture[2 * area + i]);
  }

  /** Turns and stretches the two components of color of YIQ. */
  private static void turn(float[] picture, int area, float factor, double angle) {
    float cosine = (float) (factor * StrictMath.cos(angle));
    float sine = (float) (factor * StrictMath.sin(angle));
    for (int i = 0; i < area; i++) {
      float red = picture[i];
      float green = picture[area + i];
      float blue = picture[2 * area + i];
      float luma = PixelRows.luma(red, green, blue);
      float orange = 0.595716f * red - 0.274453f * green - 0.321263f * blue;
      float purple = 0.211456f * red - 0.522591f * green + 0.311135f * blue;
      float turnedOrange = cosine * orange - sine * purple;
      float turnedPurple = sine * orange + cosine * purple;
      picture[i] = luma + 0.9563f * turnedOrange + 0.6210f * turnedPurple;
      picture[area + i] = luma - 0.2721f * turnedOrange - 0.6474f * turnedPurple;
      picture[2 * area + i] = luma - 1.1070f * turnedOrange + 1.7046f * turnedPurple;
    }
  }
}
