// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.awt.image.BufferedImage;
import java.util.Arrays;

/**
 * Makes of any picture one of a fixed size, upright: {@code [channels, height, width]} samples of
 * 16 bits without a sign.
 *
 * @param channels 1 for grey, 3 for red, green and blue
 */
record PictureLayout(int channels, int height, int width, PictureFit fit, PictureScaling scaling) {
  private static final float LARGEST = 65535;

  /** What of a picture is scaled, and to which size: both as it is stored. */
  private record Part(double x, double y, double width, double height, int columns, int rows) {}

  /** Scales and turns a picture; what it does not cover gets the samples of {@code background}. */
  short[] apply(PixelRows source, BufferedImage image, int orientation, float[] background) {
    boolean isTransposed = ExifOrientation.isTransposed(orientation);
    Part part = part(image, isTransposed ? height : width, isTransposed ? width : height);
    float[] scaled = scale(source, image, part);
    short[] picture = new short[channels * height * width];
    for (int channel = 0; channel < channels; channel++) {
      int from = channel * height * width;
      Arrays.fill(picture, from, from + height * width, sample(background[channel]));
    }
    int left = (width - (isTransposed ? part.rows : part.columns)) / 2;
    int top = (height - (isTransposed ? part.columns : part.rows)) / 2;
    int i = 0;
    for (int row = 0; row < part.rows; row++) {
      for (int column = 0; column < part.columns; column++) {
        int x = left + uprightX(orientation, column, row, part);
        int y = top + uprightY(orientation, column, row, part);
        for (int channel = 0; channel < channels; channel++) {
          picture[(channel * height + y) * width + x] = sample(scaled[i++]);
        }
      }
    }
    return picture;
  }

  private Part part(BufferedImage image, int columns, int rows) {
    double imageWidth = image.getWidth();
    double imageHeight = image.getHeight();
    double across = columns / imageWidth;
    double down = rows / imageHeight;
    switch (fit) {
      case CROP -> {
        double partWidth = Math.min(imageWidth, columns / Math.max(across, down));
        double partHeight = Math.min(imageHeight, rows / Math.max(across, down));
        return new Part(
            (imageWidth - partWidth) / 2,
            (imageHeight - partHeight) / 2,
            partWidth,
            partHeight,
            columns,
            rows);
      }
      case PAD -> {
        double factor = Math.min(across, down);
        columns = (int) Math.max(1, Math.round(imageWidth * factor));
        rows = (int) Math.max(1, Math.round(imageHeight * factor));
      }
      default -> {}
    }
    return new Part(0, 0, imageWidth, imageHeight, columns, rows);
  }

  /** Scales rows, then columns; reads each row of the picture once. */
  private float[] scale(PixelRows source, BufferedImage image, Part part) {
    Resampling across = Resampling.of(scaling, image.getWidth(), part.x, part.width, part.columns);
    Resampling down = Resampling.of(scaling, image.getHeight(), part.y, part.height, part.rows);
    int rowSize = channels * part.columns;
    float[] stored = new float[channels * image.getWidth()];
    float[] narrow = new float[rowSize];
    float[] scaled = new float[part.rows * rowSize];
    int firstRow = 0; // of those that the present row of the picture is part of
    int end = down.first()[part.rows - 1] + down.weights()[part.rows - 1].length;
    for (int y = down.first()[0]; y < end; y++) {
      while (down.first()[firstRow] + down.weights()[firstRow].length <= y) {
        firstRow++;
      }
      source.read(y, stored);
      scaleRow(stored, across, narrow);
      for (int row = firstRow; row < part.rows && down.first()[row] <= y; row++) {
        int k = y - down.first()[row];
        if (k < down.weights()[row].length) {
          float weight = down.weights()[row][k];
          for (int i = 0; i < rowSize; i++) {
            scaled[row * rowSize + i] += weight * narrow[i];
          }
        }
      }
    }
    return scaled;
  }

  private void scaleRow(float[] stored, Resampling across, float[] narrow) {
    for (int column = 0; column < across.count(); column++) {
      float[] weights = across.weights()[column];
      for (int channel = 0; channel < channels; channel++) {
        int from = across.first()[column] * channels + channel;
        float sum = 0;
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * stored[from + k * channels];
        }
        narrow[column * channels + channel] = sum;
      }
    }
  }

  private static short sample(float value) {
    return (short) Math.round(LARGEST * Math.max(0, Math.min(1, value)));
  }

  private static int uprightX(int orientation, int column, int row, Part part) {
    return switch (orientation) {
      case 2, 3 -> part.columns - 1 - column;
      case 5, 8 -> row;
      case 6, 7 -> part.rows - 1 - row;
      default -> column;
    };
  }

  private static int uprightY(int orientation, int column, int row, Part part) {
    return switch (orientation) {
      case 3, 4 -> part.rows - 1 - row;
      case 5, 6 -> column;
      case 7, 8 -> part.columns - 1 - column;
      default -> row;
    };
  }
}
