// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import java.util.List;
import java.util.Objects;

/** What a layer makes of a stable data set's inputs, read from a cache; targets as they were. */
final class FeatureDataset extends DerivedDataset {
  private final FeatureCache cache;
  private final KeptFeatures features;
  private final int[] examples; // of the features, whose data set is the root of this one
  private final String layer;
  private final Shape shape;

  /** All that is read has been computed. */
  FeatureDataset(
      FeatureCache cache,
      KeptFeatures features,
      int[] examples,
      Dataset base,
      String layer,
      Shape shape) {
    super(base);
    this.cache = cache;
    this.features = features;
    this.examples = examples;
    this.layer = layer;
    this.shape = shape;
  }

  @Override
  String derivation() {
    return "features \"" + layer + "\" of ";
  }

  @Override
  Dataset over(Dataset other) {
    return new FeatureDataset(cache, features, examples, other, layer, shape);
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public List<Input> inputs() {
    return List.of();
  }

  /** The inputs that the features were computed from are read no more. */
  @Override
  public void expect(int[] examples) {}

  @Override
  public void readInput(int index, float[] destination, int offset) {
    int example = examples[Arguments.index("index", index, examples.length)];
    int count = shape.size();
    Objects.checkFromIndexSize(offset, count, destination.length);
    cache.whileOpen(
        () -> {
          features.handle().run(id -> Bridge.featuresRead(id, example, destination, offset, count));
          return null;
        });
  }
}
