// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.Arrays;

/**
 * What values of a network's input mean: a value {@code v} of a channel is {@code v * deviation +
 * mean}, 0 for black and 1 for white. Arrays of one number are for any channels.
 */
record PixelValues(double[] mean, double[] deviation) {
  /** Values from black to white. */
  static PixelValues ofRange(int channels, float black, float white) {
    double range = (double) white - black;
    if (!Double.isFinite(range) || range == 0) {
      throw new IllegalArgumentException(
          "expected two different numbers as black and white, got " + black + " and " + white);
    }
    double[] mean = new double[channels];
    double[] deviation = new double[channels];
    Arrays.fill(mean, -black / range);
    Arrays.fill(deviation, 1 / range);
    return new PixelValues(mean, deviation);
  }

  double mean(int channel) {
    return mean[mean.length == 1 ? 0 : channel];
  }

  double deviation(int channel) {
    return deviation[deviation.length == 1 ? 0 : channel];
  }

  /** Returns what is 0 for black and 1 for white. */
  float light(int channel, float value) {
    return (float) (value * deviation(channel) + mean(channel));
  }

  /** Returns the value of light. */
  float value(int channel, float light) {
    return (float) ((light - mean(channel)) / deviation(channel));
  }
}
