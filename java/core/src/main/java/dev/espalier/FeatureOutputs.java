// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What a network answers for a data set, from features of a cache where they can be kept. */
final class FeatureOutputs implements AutoCloseable {
  private static final int CHUNK = 256;

  private final FeatureCache cache;
  private final NativeHandle predictor;
  private final DataRoot root;
  private final int width;
  private final @Nullable KeptFeatures features; // null: not kept

  /** Computes the features that are missing, in the user's turn. */
  FeatureOutputs(
      FeatureCache cache, Network network, TargetBinding binding, Dataset data, boolean areLogits) {
    this.cache = cache;
    width = binding.totalWidth();
    root = DataRoot.of(data);
    predictor =
        network
            .handle()
            .get(id -> NativeHandle.create(() -> Bridge.featurePredictorCreate(id, areLogits)));
    boolean isComplete = false;
    try {
      features = fill(binding.withoutTargets(), data);
      isComplete = true;
    } finally {
      if (!isComplete) {
        predictor.close();
      }
    }
  }

  private @Nullable KeptFeatures fill(TargetBinding binding, Dataset data) {
    if (!predictor.get(Bridge::featurePredictorHasFrozenPrefix)) {
      return null;
    }
    if (!data.isStable()) {
      FeatureCache.warn(FitFeatures.unstable("the data set", data));
      return null;
    }
    KeptFeatures kept =
        cache.kept(
            root.root(),
            new KeptFeatures.Prefix(
                predictor.get(Bridge::featurePredictorFingerprint),
                predictor.getLong(Bridge::featurePredictorFeatureCount)));
    String refusal =
        cache.fill(
            kept,
            root,
            binding,
            data,
            CHUNK,
            () -> false,
            (examples, inputs) ->
                predictor.run(
                    id ->
                        kept.handle()
                            .run(
                                features ->
                                    Bridge.featurePredictorCache(
                                        id, features, examples.length, examples, inputs))));
    if (refusal != null) {
      FeatureCache.warn(refusal);
      return null;
    }
    return kept;
  }

  /** Returns whether features are kept; if not, nothing can be computed here. */
  boolean isKept() {
    return features != null;
  }

  /** Computes outputs of {@code count} examples from {@code first} on, to an address. */
  void compute(int first, int count, long address) {
    long[] examples = Arrays.stream(root.examples(), first, first + count).asLongStream().toArray();
    cache.whileOpen(
        () -> {
          predictor.run(
              id ->
                  features
                      .handle()
                      .run(
                          kept ->
                              Bridge.featurePredictorPredict(id, kept, count, examples, address)));
          return null;
        });
  }

  /** Returns the outputs of all examples. */
  float[][] rows() {
    float[][] rows = new float[root.examples().length][width];
    int most = Math.min(CHUNK, rows.length);
    ByteBuffer memory = DirectMemory.allocate((long) most * width, "outputs of " + most);
    FloatBuffer numbers = memory.asFloatBuffer();
    for (int first = 0; first < rows.length; first += CHUNK) {
      int count = Math.min(CHUNK, rows.length - first);
      compute(first, count, DirectMemory.address(memory));
      for (int k = 0; k < count; k++) {
        numbers.get(k * width, rows[first + k]);
      }
    }
    Reference.reachabilityFence(memory);
    return rows;
  }

  @Override
  public void close() {
    predictor.close();
  }
}
