// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

/**
 * Which pixels of a line each pixel of another line is made of: {@code first[i]} and those after
 * it, with {@code weights[i]}, which sum up to 1.
 */
record Resampling(int[] first, float[][] weights) {
  /**
   * Scales a part of a line.
   *
   * @param size pixels of the line that there are
   * @param from where the part begins, in pixels
   * @param length of the part, in pixels, above 0
   * @param count pixels to make of it
   */
  static Resampling of(PictureScaling scaling, int size, double from, double length, int count) {
    int[] first = new int[count];
    float[][] weights = new float[count][];
    double step = length / count;
    for (int i = 0; i < count; i++) {
      double start = from + i * step;
      double reach = scaling == PictureScaling.AREA ? step / 2 : Math.max(1, step);
      double middle = start + step / 2;
      first[i] = clamp((int) Math.floor(middle - reach), size);
      int last = clamp((int) Math.ceil(middle + reach) - 1, size);
      double[] exact = new double[Math.max(last - first[i], 0) + 1];
      double sum = 0;
      for (int k = 0; k < exact.length; k++) {
        int pixel = first[i] + k;
        exact[k] =
            scaling == PictureScaling.AREA
                ? Math.min(pixel + 1, start + step) - Math.max(pixel, start)
                : 1 - Math.abs(pixel + 0.5 - middle) / reach;
        exact[k] = Math.max(0, exact[k]);
        sum += exact[k];
      }
      weights[i] = new float[exact.length];
      for (int k = 0; k < exact.length; k++) {
        weights[i][k] = (float) (sum > 0 ? exact[k] / sum : 1.0 / exact.length);
      }
    }
    return new Resampling(first, weights);
  }

  private static int clamp(int pixel, int size) {
    return Math.max(0, Math.min(size - 1, pixel));
  }

  /** Returns the number of pixels that are made. */
  int count() {
    return first.length;
  }
}
