// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;

/**
 * How a predictor is made.
 *
 * @param maxBatchSize examples run at once, 1 to 2^20; larger batches are run in pieces of this
 *     size
 * @param isLogits true to return logits instead of probabilities
 * @param heads names of the heads that are computed, in any order; empty for all
 * @param threads the threads that a call uses at most, the caller's included; 0 for {@link
 *     Espalier#threads()}
 * @param pixelScale what pixels of a byte each are multiplied by
 * @param pixelOffset what is added to them then
 * @param precision how weights are kept
 * @param weightCopies copies of the weights for callers on different CPUs, 1 to 256; 0 for as many
 *     as pay
 */
public record PredictorOptions(
    int maxBatchSize,
    boolean isLogits,
    List<String> heads,
    int threads,
    float pixelScale,
    float pixelOffset,
    Precision precision,
    int weightCopies) {
  private static final PredictorOptions DEFAULTS =
      new PredictorOptions(256, false, List.of(), 0, 1f / 255f, 0, Precision.FP32, 0);

  /**
   * Checks the numbers and copies the names.
   *
   * @param maxBatchSize as for the record
   * @param isLogits as for the record
   * @param heads as for the record
   * @param threads as for the record
   * @param pixelScale as for the record
   * @param pixelOffset as for the record
   * @param precision as for the record
   * @param weightCopies as for the record
   * @throws IllegalArgumentException if a number is out of range or not finite, or a name is empty
   *     or given twice
   */
  public PredictorOptions {
    Arguments.inRange("maxBatchSize", maxBatchSize, 1, 1 << 20);
    Arguments.inRange("threads", threads, 0, 256);
    Arguments.inRange("weightCopies", weightCopies, 0, 256);
    Arguments.finite("pixelScale", pixelScale);
    Arguments.finite("pixelOffset", pixelOffset);
    Objects.requireNonNull(precision, "precision");
    heads = List.copyOf(Objects.requireNonNull(heads, "heads"));
    if (!heads.isEmpty()) {
      Arguments.names("heads", heads.toArray(new String[0]));
    }
  }

  /**
   * Returns the defaults: pieces of 256, probabilities of all heads, all threads, pixels from 0 to
   * 1, weights in float, as many copies of them as pay.
   *
   * @return the options
   */
  public static PredictorOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Sets how many examples are run at once: memory against speed. The bits of the results do not
   * depend on it.
   *
   * @param size 1 to 2^20
   * @return changed options
   */
  public PredictorOptions maxBatchSize(int size) {
    return new PredictorOptions(
        size, isLogits, heads, threads, pixelScale, pixelOffset, precision, weightCopies);
  }

  /**
   * Returns logits instead of probabilities.
   *
   * @return changed options
   */
  public PredictorOptions logits() {
    return new PredictorOptions(
        maxBatchSize, true, heads, threads, pixelScale, pixelOffset, precision, weightCopies);
  }

  /**
   * Computes these heads alone, and nothing that only others need. Outputs keep the order of the
   * network's heads, and their bits.
   *
   * @param names names of heads, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public PredictorOptions heads(String... names) {
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        List.of(Arguments.names("heads", names)),
        threads,
        pixelScale,
        pixelOffset,
        precision,
        weightCopies);
  }

  /**
   * Limits the threads of a call. With 1 everything runs on the caller's thread. The bits of the
   * results do not depend on it.
   *
   * @param count 1 to 256, the caller's included; 0 for {@link Espalier#threads()}
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions threads(int count) {
    return new PredictorOptions(
        maxBatchSize, isLogits, heads, count, pixelScale, pixelOffset, precision, weightCopies);
  }

  /**
   * Sets what pixels of a byte each mean: {@code scale * pixel + offset}, pixels being 0 to 255.
   * The network's own normalization comes after it.
   *
   * @param scale a finite number; 1/255 by default
   * @param offset a finite number; 0 by default
   * @return changed options
   * @throws IllegalArgumentException if a number is not finite
   */
  public PredictorOptions pixels(float scale, float offset) {
    return new PredictorOptions(
        maxBatchSize, isLogits, heads, threads, scale, offset, precision, weightCopies);
  }

  /**
   * Sets how weights are kept: exactness against speed.
   *
   * @param value {@link Precision#FP32} by default
   * @return changed options
   */
  public PredictorOptions precision(Precision value) {
    return new PredictorOptions(
        maxBatchSize, isLogits, heads, threads, pixelScale, pixelOffset, value, weightCopies);
  }

  /**
   * Sets how many copies of its weights a predictor keeps: memory against the throughput of several
   * callers at once. With 1 all callers read the same weights. With more, a caller reads the copy
   * for the L2 cache of the CPU that it is on; copies beyond the number of L2 caches are never
   * read. The bits of the results do not depend on it.
   *
   * <p>On some CPUs two cores that read the same bytes, each from its own L2 cache, get less of
   * them a second than if each reads its own: on Intel's Cascade Lake a sixth to a fourth. So by
   * default there is a copy for each L2 if a network is mainly dense layers, its weights are larger
   * than an L1 cache and not larger than L2, and all copies take no more than 8 MiB, the others
   * than the first no more than a quarter of the native memory that is left; otherwise there is
   * one. With many cores that can be so with weights in bfloat16 alone, which then take more memory
   * than those in float. {@link Predictor#describe()} tells how many copies there are.
   *
   * @param count 1 to 256; 0, the default, for what pays
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions weightCopies(int count) {
    return new PredictorOptions(
        maxBatchSize, isLogits, heads, threads, pixelScale, pixelOffset, precision, count);
  }
}
