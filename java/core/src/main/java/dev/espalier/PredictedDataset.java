// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;

/** A data set whose inputs are what a predictor makes of another's, computed when it is read. */
final class PredictedDataset extends DerivedDataset {
  private final Predictor predictor;
  private final Shape shape;

  PredictedDataset(Dataset base, Predictor predictor, Shape shape) {
    super(base);
    this.predictor = predictor;
    this.shape = shape;
  }

  @Override
  String derivation() {
    return "predictions of ";
  }

  @Override
  Dataset over(Dataset other) {
    return new PredictedDataset(other, predictor, shape);
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public List<Input> inputs() {
    return List.of();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    Objects.checkFromIndexSize(offset, shape.size(), destination.length);
    float[] outputs = predictor.predict(Datasets.input(base, index));
    System.arraycopy(outputs, 0, destination, offset, outputs.length);
  }
}
