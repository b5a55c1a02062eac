// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;

/** Predictions for all examples of a data set, read and predicted a few at a time. */
final class DatasetPredictions {
  /** Input values that are read at a time: 1 MiB. */
  private static final int CHUNK_VALUES = 1 << 18;

  private DatasetPredictions() {}

  /** Returns a row of outputs for each example of a data set whose inputs fit. */
  static float[][] of(Predictor predictor, Dataset data) {
    int inputSize = predictor.inputSize();
    int outputSize = predictor.outputSize();
    float[][] outputs = new float[data.size()][];
    int chunk = Math.max(1, Math.min(CHUNK_VALUES / inputSize, outputs.length));
    for (int first = 0; first < outputs.length; first += chunk) {
      int count = Math.min(chunk, outputs.length - first);
      float[] read = new float[count * inputSize];
      for (int k = 0; k < count; k++) {
        data.readInput(first + k, read, k * inputSize);
      }
      float[] rows = predictor.predict(read);
      for (int k = 0; k < count; k++) {
        outputs[first + k] = Arrays.copyOfRange(rows, k * outputSize, (k + 1) * outputSize);
      }
    }
    return outputs;
  }
}
