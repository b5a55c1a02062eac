// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What frozen layers compute from examples, kept across fits, folds and evaluations: each example
 * runs through them once for as long as the cache is open.
 *
 * <pre>{@code
 * try (FeatureCache cache = FeatureCache.create()) {
 *   for (Split fold : Datasets.folds(data, 5, seed)) {
 *     try (Network network = backbone.transfer().head("finding", head).build(seed)) {
 *       Trainer.of(network).featureCache(cache).fit(fold.first());
 *       evaluations.add(cache.evaluate(network, fold.second()));
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p><b>The bits are the same</b> with and without a cache, those of networks, evaluations,
 * calibrations and thresholds.
 *
 * <p><b>Whose features.</b> Features are those of a data set and of frozen layers. Networks whose
 * frozen layers below the lowest trainable one are equal, in their settings and in every bit of
 * their parameters, share them: copies, and all heads grafted onto one backbone. Whatever differs
 * there, through a parameter that was set or trained, or by what is frozen, makes other layers,
 * whose features are computed and kept beside the first ones. Data sets are told apart by identity,
 * but {@link Datasets#subset}, {@code range}, {@code shuffle}, {@code split}, {@code folds}, {@code
 * fewShot} and what only adds or renames targets give views, which share the features of the data
 * set that they are views of. Everything else ({@code map}, {@code reshape}, {@code concat}, {@code
 * cache}) gives a data set of its own: make it once, and take views of it. The cache keeps its data
 * sets reachable until it is closed.
 *
 * <p><b>Only stable data</b> ({@link Dataset#isStable}) is kept. Where that, or the limit of {@link
 * FeatureCacheOptions#budget}, or memory, rules it out, features are computed anew each time:
 * {@link History#cacheNote} and {@link History#warnings} tell so of a fit; an evaluation logs a
 * warning of the {@link System.Logger} "dev.espalier". Evaluations keep none either, and say
 * nothing, where no layer is frozen, or where a predictor does not compute the layers above the
 * frozen ones apart from them: right above a frozen layer lies a batch norm that is not frozen, or
 * a sum with nothing between it and a frozen layer with parameters; or layers read the network's
 * input beside its frozen ones.
 *
 * <p><b>Threads.</b> One thread at a time uses a cache, from the beginning to the end of a fit or
 * an evaluation; others get {@link BusyException}. Listeners of that fit may use it. Closing is
 * always allowed: what uses the cache then ends with {@link ClosedException}.
 *
 * <p>The native memory is freed by {@link #close}, at the latest when the object is collected.
 *
 * @since 0.1
 */
public final class FeatureCache implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger("dev.espalier");

  private final FeatureCacheOptions options;
  private final ReentrantLock user = new ReentrantLock();
  private final List<Entry> entries = new ArrayList<>(); // guarded by itself
  private volatile boolean isClosed; // written where entries are guarded
  private volatile long computedExamples; // written by the user

  private FeatureCache(FeatureCacheOptions options) {
    this.options = options;
  }

  private record Entry(Dataset root, KeptFeatures.Prefix prefix, KeptFeatures features) {}

  /**
   * Makes an empty cache that keeps what there is room for, in memory or in temporary files.
   *
   * @return the cache, to be closed by the caller
   */
  public static FeatureCache create() {
    return create(FeatureCacheOptions.defaults());
  }

  /**
   * Makes an empty cache with limits.
   *
   * @param options how much may be kept, and where
   * @return the cache, to be closed by the caller
   */
  public static FeatureCache create(FeatureCacheOptions options) {
    return new FeatureCache(Objects.requireNonNull(options, "options"));
  }

  /**
   * As {@link Network#evaluate(Dataset)}, with the same result.
   *
   * @param network a network
   * @param data examples with targets, at least one example
   * @return the evaluation
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws BusyException if another thread uses this cache, or trains the network
   * @throws ClosedException if this cache or the network is closed
   * @throws NativeMemoryException if there is no memory for the logits and targets of all examples
   */
  public Evaluation evaluate(Network network, Dataset data) {
    TargetBinding binding = binding(network, data);
    return use(
        () -> {
          try (FeatureOutputs outputs = new FeatureOutputs(this, network, binding, data, true)) {
            return outputs.isKept()
                ? new EvaluationRun(
                        network.handle(), binding, data, OptionalDouble.empty(), Map.of())
                    .run(outputs::compute, () -> false)
                : network.evaluate(data);
          }
        });
  }

  /**
   * As {@link Network#calibrate}, with the same result.
   *
   * @param network a network
   * @param validation examples with targets, at least one example
   * @return what was done
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws BusyException if another thread uses this cache, or uses the network
   * @throws ClosedException if this cache or the network is closed
   */
  public CalibrationReport calibrate(Network network, Dataset validation) {
    TargetBinding binding = binding(network, validation);
    return use(
        () ->
            outputs(network, binding, validation, true)
                .map(logits -> Tuning.calibrate(network, validation, logits))
                .orElseGet(() -> network.calibrate(validation)));
  }

  /**
   * As {@link Network#tuneThresholds}, with the same result.
   *
   * @param network a network
   * @param validation examples with targets that the network was not trained on
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws BusyException if another thread uses this cache, or uses the network
   * @throws ClosedException if this cache or the network is closed
   */
  public void tuneThresholds(Network network, Dataset validation) {
    TargetBinding binding = binding(network, validation);
    use(
        () -> {
          outputs(network, binding, validation, false)
              .ifPresentOrElse(
                  probabilities -> Tuning.tuneThresholds(network, validation, probabilities),
                  () -> network.tuneThresholds(validation));
          return null;
        });
  }

  /**
   * Returns how many examples have run through frozen layers for this cache so far.
   *
   * @return the examples that it knows the features of, counted for each data set and each group of
   *     frozen layers
   */
  public long computedExamples() {
    return computedExamples;
  }

  /**
   * Returns what is kept.
   *
   * @return bytes of features, in memory and in files; 0 once closed
   */
  public long bytes() {
    synchronized (entries) {
      return entries.stream().mapToLong(entry -> entry.features.bytes()).sum();
    }
  }

  /**
   * Returns whether this cache was closed.
   *
   * @return true after {@link #close}
   */
  public boolean isClosed() {
    return isClosed;
  }

  /** Drops all features. What uses the cache ends with {@link ClosedException}. */
  @Override
  public void close() {
    synchronized (entries) {
      isClosed = true;
      entries.forEach(entry -> entry.features.close());
      entries.clear();
    }
  }

  @Override
  public String toString() {
    return "FeatureCache["
        + (isClosed ? "closed" : bytes() + " bytes of " + computedExamples + " examples")
        + ']';
  }

  private static TargetBinding binding(Network network, Dataset data) {
    Objects.requireNonNull(network, "network");
    return TargetBinding.of(
        network.tasks(), network.networkInputs(), Objects.requireNonNull(data, "data"));
  }

  private Optional<float[][]> outputs(
      Network network, TargetBinding binding, Dataset data, boolean areLogits) {
    try (FeatureOutputs outputs = new FeatureOutputs(this, network, binding, data, areLogits)) {
      return outputs.isKept() ? Optional.of(outputs.rows()) : Optional.empty();
    }
  }

  /** Does something that other threads have to stay out of. */
  <R> R use(Supplier<R> work) {
    if (!user.tryLock()) {
      throw new BusyException("the feature cache is in use by another thread");
    }
    try {
      requireOpen();
      return work.get();
    } finally {
      user.unlock();
    }
  }

  void requireOpen() {
    if (isClosed) {
      throw new ClosedException("the feature cache is closed");
    }
  }

  /** Returns a call's result; what a closing meanwhile made of it is a {@link ClosedException}. */
  <R> R whileOpen(Supplier<R> call) {
    try {
      return call.get();
    } catch (IllegalStateException error) {
      if (isClosed) {
        throw new ClosedException("the feature cache was closed while it was used", error);
      }
      throw error;
    }
  }

  /** Returns the features of a root and of frozen layers, empty at first. */
  KeptFeatures features(Dataset root, KeptFeatures.Prefix prefix) {
    synchronized (entries) {
      requireOpen();
      for (Entry entry : entries) {
        if (entry.root == root && entry.prefix.equals(prefix)) {
          entry.features.requireSize(root);
          return entry.features;
        }
      }
      KeptFeatures features = new KeptFeatures(root.size(), prefix, options.folderPath());
      entries.add(new Entry(root, prefix, features));
      return features;
    }
  }

  /** Computes features of examples of the root from as many inputs at an address. */
  interface Computation {
    void compute(long[] examples, long inputsAddress);
  }

  /**
   * Computes what is missing of the features of all of a data set's examples.
   *
   * @param features those of the data set's root
   * @param binding the data set's, of inputs alone
   * @return why there is no room, or null
   */
  @Nullable String fill(
      KeptFeatures features,
      DataRoot root,
      TargetBinding binding,
      Dataset data,
      int batchSize,
      BooleanSupplier stop,
      Computation computation) {
    String refusal = makeRoom(features, root.examples());
    int[] missing = features.missing(root.examples());
    if (refusal != null || missing.length == 0) {
      return refusal;
    }
    Batch inputs = new Batch(binding, Math.min(batchSize, missing.length), true);
    for (int first = 0; first < missing.length && !stop.getAsBoolean(); first += batchSize) {
      int count = Math.min(batchSize, missing.length - first);
      inputs.read(data, missing, first, count);
      inputs.requireFiniteInputs();
      long[] examples = new long[count];
      for (int k = 0; k < count; k++) {
        examples[k] = root.examples()[missing[first + k]];
      }
      whileOpen(
          () -> {
            computation.compute(examples, inputs.inputAddress());
            return null;
          });
      features.markFilled(examples);
      computedExamples += count;
    }
    Reference.reachabilityFence(inputs);
    return null;
  }

  private @Nullable String makeRoom(KeptFeatures features, int[] examples) {
    synchronized (entries) {
      requireOpen();
      long missing = features.missingBytes(examples);
      if (missing > options.budget() - bytes()) {
        return missing + " more bytes are above the limit of " + options.budget();
      }
      try {
        features.makeRoom(examples);
        return null;
      } catch (NativeMemoryException refusal) {
        return refusal.getMessage();
      }
    }
  }

  /** Tells why features of an evaluation were not kept. */
  static void warn(String reason) {
    LOGGER.log(
        System.Logger.Level.WARNING,
        "features of frozen layers are computed anew in each evaluation: " + reason);
  }
}
