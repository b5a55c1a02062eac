// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
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
 * What frozen layers, or all that lead to a layer, compute from examples, kept across fits, folds
 * and evaluations: each example runs through them once for as long as the cache is open.
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
 * <p>{@link #features} makes a data set of what a layer computes, frozen or not: any networks train
 * on it, on as many threads as wanted.
 *
 * <p><b>The bits are the same</b> with and without a cache, those of networks, evaluations,
 * calibrations and thresholds.
 *
 * <p><b>Whose features.</b> Features are those of examples and of layers. Networks whose frozen
 * layers below the lowest trainable one are equal, in their settings and in every bit of their
 * parameters, share them: copies, and all heads grafted onto one backbone. Whatever differs there,
 * through a parameter that was set or trained, or by what is frozen, makes other layers, whose
 * features are computed and kept beside the first ones.
 *
 * <p>Examples are told apart by the bits of their inputs, so data sets with equal inputs share
 * features, too: one that is made anew, or joined from others. It takes reading each example once
 * to find that out. {@link Datasets#subset}, {@code range}, {@code shuffle}, {@code split}, {@code
 * folds}, {@code fewShot} and what only adds or renames targets give views, whose examples are
 * known to be those of the data set that they are views of, without reading them; so make what is
 * slow to read once, and take views of it. Where none of a batch of examples is known, the rest of
 * that data set is taken for new. The cache keeps its data sets reachable until it is closed.
 *
 * <p><b>Only stable data</b> ({@link Dataset#isStable}) is kept. Where that, or the limit of {@link
 * FeatureCacheOptions#budget}, or memory, rules it out, features are computed anew each time:
 * {@link History#cacheNote} and {@link History#warnings} tell so of a fit; an evaluation and {@link
 * #features} log a warning of the {@link System.Logger} "dev.espalier". Evaluations keep none
 * either, and say nothing, where no layer is frozen, or where a predictor does not compute the
 * layers above the frozen ones apart from them: right above a frozen layer lies a batch norm that
 * is not frozen, or a sum with nothing between it and a frozen layer with parameters; or layers
 * read the network's input beside its frozen ones.
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

  /** Examples that {@link #features} computes at a time. */
  private static final int BATCH_SIZE = 256;

  /** Values of the larger of inputs and features that they have at most: 16 MiB. */
  private static final int BATCH_VALUES = 1 << 22;

  private final FeatureCacheOptions options;
  private final ReentrantLock user = new ReentrantLock();
  private final List<Entry> entries = new ArrayList<>(); // guarded by itself
  private final List<Predictor> predictors = new ArrayList<>(); // of features not kept; guarded so
  private volatile boolean isClosed; // written where entries are guarded
  private volatile long computedExamples; // written by the user

  private FeatureCache(FeatureCacheOptions options) {
    this.options = options;
  }

  private record Entry(Dataset root, KeptFeatures features) {}

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
   * Makes a data set of what a layer makes of another's inputs, to train any network on, as often
   * as wanted. Each example is computed once, now, in batches (texts of about one length together),
   * as {@link Predictor} computes it. Changing or closing the network changes nothing in it.
   *
   * <p>Features of data that is not stable, or that there is no room for, are computed whenever
   * they are read, from this network as it is now.
   *
   * @param network a network
   * @param layer name of one of its layers, of floats; the network needs no head
   * @param data examples, with or without targets
   * @return inputs of the layer's shape, read from this cache: any number of threads may, until it
   *     is closed; the targets of {@code data}, and stable if that is
   * @throws IllegalArgumentException if there is no such layer
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws BusyException if another thread uses this cache, or trains the network
   * @throws ClosedException if this cache or the network is closed
   */
  public Dataset features(Network network, String layer, Dataset data) {
    Objects.requireNonNull(network, "network");
    TargetBinding binding = TargetBinding.ofInputs(network.networkInputs(), data);
    return use(
        () -> {
          Predictor predictor = network.predictor(PredictorOptions.defaults().layers(layer));
          boolean isNeeded = false;
          try {
            String fingerprint = network.handle().get(id -> Bridge.networkFingerprint(id, layer));
            Dataset features = kept(predictor, fingerprint, layer, binding, data);
            if (features == null) {
              features = predictor.features(data);
              synchronized (entries) {
                requireOpen();
                isNeeded = predictors.add(predictor);
              }
            }
            return features;
          } finally {
            if (!isNeeded) {
              predictor.close();
            }
          }
        });
  }

  /** Returns null where features are not kept, after a warning. */
  private @Nullable Dataset kept(
      Predictor predictor, String fingerprint, String layer, TargetBinding binding, Dataset data) {
    if (!data.isStable()) {
      warn(FitFeatures.unstable("the data set", data));
      return null;
    }
    DataRoot root = DataRoot.of(data);
    int width = predictor.outputSize();
    KeptFeatures kept = kept(root.root(), new KeptFeatures.Prefix(fingerprint, width));
    int fitting = BATCH_VALUES / Math.max(width, binding.inputSize());
    int batchSize = Math.max(1, Math.min(fitting, BATCH_SIZE));
    ByteBuffer outputs = DirectMemory.allocate((long) batchSize * width, "features");
    long address = DirectMemory.address(outputs);
    String refusal =
        fill(
            kept,
            root,
            binding,
            data,
            batchSize,
            () -> false,
            (examples, inputs) -> {
              predictor.predictAt(examples.length, inputs, address);
              kept.handle().run(id -> Bridge.featuresWrite(id, examples.length, examples, address));
            });
    Reference.reachabilityFence(outputs);
    if (refusal != null) {
      warn(refusal);
      return null;
    }
    return new FeatureDataset(this, kept, root.examples(), data, layer, predictor.outputShape());
  }

  /**
   * Returns how many examples have run through layers for this cache so far.
   *
   * @return the examples that it computed the features of, counted for each group of layers
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
      predictors.forEach(Predictor::close);
      predictors.clear();
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

  /** Returns the features of a root and of some layers, empty at first. */
  KeptFeatures kept(Dataset root, KeptFeatures.Prefix prefix) {
    synchronized (entries) {
      requireOpen();
      for (Entry entry : entries) {
        if (entry.root == root && entry.features.prefix().equals(prefix)) {
          entry.features.requireSize(root);
          return entry.features;
        }
      }
      KeptFeatures features = new KeptFeatures(root.size(), prefix, options.folderPath());
      entries.add(new Entry(root, features));
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
    int[] missing = features.missing(root.examples());
    if (missing.length == 0) {
      return null;
    }
    Batch inputs = new Batch(binding, Math.min(batchSize, missing.length), true);
    shareEqual(features, root, inputs, data, missing, batchSize, stop);
    missing = features.missing(root.examples());
    String refusal = makeRoom(features, root.examples());
    if (refusal != null) {
      return refusal;
    }
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
      for (int k = 0; k < count; k++) {
        features.addComputed(examples[k], inputs.content(k));
      }
      computedExamples += count;
    }
    Reference.reachabilityFence(inputs);
    return null;
  }

  /**
   * Takes over what is kept for equal inputs, up to a batch of which none is known: reading a whole
   * data set once more would be too much for a few chance meetings.
   */
  private void shareEqual(
      KeptFeatures features,
      DataRoot root,
      Batch inputs,
      Dataset data,
      int[] missing,
      int batchSize,
      BooleanSupplier stop) {
    List<KeptFeatures> others = computedOf(features.prefix());
    boolean isKnown = !others.isEmpty();
    for (int first = 0;
        isKnown && first < missing.length && !stop.getAsBoolean();
        first += batchSize) {
      int count = Math.min(batchSize, missing.length - first);
      inputs.read(data, missing, first, count);
      isKnown = false;
      for (int k = 0; k < count; k++) {
        ContentIndex.Content content = inputs.content(k);
        int own = root.examples()[missing[first + k]];
        for (KeptFeatures other : others) {
          int example = other.computed().find(content);
          if (example >= 0) {
            whileOpen(
                () -> {
                  features.share(other, example, own);
                  return null;
                });
            isKnown = true;
            break;
          }
        }
      }
    }
  }

  /** Returns all features of some layers that were computed, not shared. */
  private List<KeptFeatures> computedOf(KeptFeatures.Prefix prefix) {
    synchronized (entries) {
      requireOpen();
      return entries.stream()
          .map(Entry::features)
          .filter(kept -> kept.prefix().equals(prefix) && !kept.computed().isEmpty())
          .toList();
    }
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

  /** Tells why features were not kept, where no history does. */
  static void warn(String reason) {
    LOGGER.log(System.Logger.Level.WARNING, "features are computed anew each time: " + reason);
  }
}
