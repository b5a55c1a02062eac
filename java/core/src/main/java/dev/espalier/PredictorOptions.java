// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * How a predictor is made: immutable; each method that takes a value returns options of their own.
 *
 * <pre>{@code
 * PredictorOptions options = PredictorOptions.defaults().maxBatchSize(64).logits();
 * }</pre>
 *
 * @since 0.1
 */
@CheckReturnValue
public final class PredictorOptions {
  private static final PredictorOptions DEFAULTS =
      new PredictorOptions(
          256,
          false,
          List.of(),
          List.of(),
          OptionalInt.empty(),
          1f / 255f,
          0,
          Precision.FP32,
          List.of(),
          OptionalInt.empty(),
          0);

  private final int maxBatchSize;
  private final boolean isLogits;
  private final List<String> heads;
  private final List<String> layers;
  private final OptionalInt threads;
  private final float pixelScale;
  private final float pixelOffset;
  private final Precision precision;
  private final List<String> keepFloat;
  private final OptionalInt weightCopies;
  private final int otherShapes;

  private PredictorOptions(
      int maxBatchSize,
      boolean isLogits,
      List<String> heads,
      List<String> layers,
      OptionalInt threads,
      float pixelScale,
      float pixelOffset,
      Precision precision,
      List<String> keepFloat,
      OptionalInt weightCopies,
      int otherShapes) {
    this.maxBatchSize = maxBatchSize;
    this.isLogits = isLogits;
    this.heads = heads;
    this.layers = layers;
    this.threads = threads;
    this.pixelScale = pixelScale;
    this.pixelOffset = pixelOffset;
    this.precision = precision;
    this.keepFloat = keepFloat;
    this.weightCopies = weightCopies;
    this.otherShapes = otherShapes;
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
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions maxBatchSize(int size) {
    Arguments.inRange("maxBatchSize", size, 1, 1 << 20);
    return new PredictorOptions(
        size,
        isLogits,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Returns logits instead of probabilities.
   *
   * @return changed options
   */
  public PredictorOptions logits() {
    return new PredictorOptions(
        maxBatchSize,
        true,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Computes these heads alone (and {@link #layers}), and nothing that only others need. Outputs
   * keep the order of the network's heads, and their bits.
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
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Computes what layers make, features say, and no head but those named by {@link #heads}. Outputs
   * are those of the heads and then the values of the layers, in this order, each row-major: {@code
   * network.predictor(defaults().layers("features"))} turns examples into vectors, without a head
   * on the network.
   *
   * @param names names of layers of the network, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public PredictorOptions layers(String... names) {
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        List.of(Arguments.names("layers", names)),
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Limits the threads of a call. With 1 everything runs on the caller's thread. The bits of the
   * results do not depend on it.
   *
   * @param count 1 to 256, the caller's included; by default {@link Espalier#threads()}
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions threads(int count) {
    Arguments.inRange("threads", count, 1, 256);
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        OptionalInt.of(count),
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
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
    Arguments.finite("pixelScale", scale);
    Arguments.finite("pixelOffset", offset);
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        threads,
        scale,
        offset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Sets how weights are kept: exactness against speed.
   *
   * @param value {@link Precision#FP32} by default
   * @return changed options
   */
  public PredictorOptions precision(Precision value) {
    Objects.requireNonNull(value, "precision");
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        value,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /**
   * Keeps the weights of some layers in float, whatever the {@link #precision}: {@link
   * Quantization} says what each layer loses in 8 bits, and {@link PrecisionChoice} finds the few
   * that a network needs in float.
   *
   * @param layers names of layers of the network, at least one
   * @return changed options
   * @throws IllegalArgumentException if there is no name, or one is empty or given twice
   */
  public PredictorOptions keepFloat(String... layers) {
    return keepFloat(List.of(Arguments.names("keepFloat", layers)));
  }

  PredictorOptions keepFloat(List<String> layers) {
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        this.layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        layers,
        weightCopies,
        otherShapes);
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
   * @param count 1 to 256; by default what pays
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions weightCopies(int count) {
    Arguments.inRange("weightCopies", count, 1, 256);
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        OptionalInt.of(count),
        otherShapes);
  }

  /**
   * Sets for how many other shapes of the input {@link Predictor#forShape} keeps plans, those that
   * were asked for last: memory, packed weights for each, against milliseconds for a shape that is
   * no longer kept. With any, the predictor keeps a copy of the network as well.
   *
   * @param count 0 to 1024; 0, no other shapes, by default
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public PredictorOptions otherShapes(int count) {
    Arguments.inRange("otherShapes", count, 0, 1024);
    return new PredictorOptions(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        count);
  }

  /**
   * Returns how many examples are run at once.
   *
   * @return 1 to 2^20
   */
  public int maxBatchSize() {
    return maxBatchSize;
  }

  /**
   * Returns whether outputs are logits.
   *
   * @return false for probabilities
   */
  public boolean isLogits() {
    return isLogits;
  }

  /**
   * Returns the heads that are computed.
   *
   * @return their names, in the order given; empty for all heads, or none where {@link #layers} are
   *     given
   */
  public List<String> heads() {
    return heads;
  }

  /**
   * Returns the threads that a call uses at most.
   *
   * @return 1 to 256; empty for {@link Espalier#threads()}
   */
  public OptionalInt threads() {
    return threads;
  }

  /**
   * Returns the layers whose values are computed.
   *
   * @return names; empty for none
   */
  public List<String> layers() {
    return layers;
  }

  /**
   * Returns what pixels of a byte each are multiplied by.
   *
   * @return a finite number
   */
  public float pixelScale() {
    return pixelScale;
  }

  /**
   * Returns what is added to pixels once they are scaled.
   *
   * @return a finite number
   */
  public float pixelOffset() {
    return pixelOffset;
  }

  /**
   * Returns how weights are kept.
   *
   * @return the precision
   */
  public Precision precision() {
    return precision;
  }

  /**
   * Returns the layers whose weights stay in float.
   *
   * @return names; empty for none
   */
  public List<String> keepFloat() {
    return keepFloat;
  }

  /**
   * Returns the copies of the weights for callers on different CPUs.
   *
   * @return 1 to 256; empty for as many as pay
   */
  public OptionalInt weightCopies() {
    return weightCopies;
  }

  /**
   * Returns for how many other shapes plans are kept.
   *
   * @return 0 to 1024
   */
  public int otherShapes() {
    return otherShapes;
  }

  /** Returns those of a network's tasks that are computed. */
  List<Task> chosen(List<Task> tasks) {
    if (heads.isEmpty()) {
      return layers.isEmpty() ? tasks : List.of();
    }
    return tasks.stream().filter(task -> heads.contains(task.name())).toList();
  }

  private List<Object> values() {
    return List.of(
        maxBatchSize,
        isLogits,
        heads,
        layers,
        threads,
        pixelScale,
        pixelOffset,
        precision,
        keepFloat,
        weightCopies,
        otherShapes);
  }

  /** Returns whether the other ones are options of the same values. */
  @Override
  public boolean equals(Object other) {
    return other instanceof PredictorOptions options && values().equals(options.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns all values by name. */
  @Override
  public String toString() {
    return "PredictorOptions[maxBatchSize="
        + maxBatchSize
        + ", outputs="
        + (isLogits ? "logits" : "probabilities")
        + ", heads="
        + (heads.isEmpty() && layers.isEmpty() ? "all" : heads)
        + ", layers="
        + layers
        + ", threads="
        + (threads.isPresent() ? threads.getAsInt() : "all")
        + ", pixels="
        + pixelScale
        + " * pixel + "
        + pixelOffset
        + ", precision="
        + precision
        + ", keepFloat="
        + keepFloat
        + ", weightCopies="
        + (weightCopies.isPresent() ? weightCopies.getAsInt() : "as many as pay")
        + ", otherShapes="
        + otherShapes
        + "]";
  }
}
