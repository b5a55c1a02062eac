// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether the features of frozen layers are computed once and kept, and computes them.
 * Where that is not possible, they are computed anew each time, with the same bits.
 */
final class FitFeatures {
  private static final int TRAINING_SLOT = 0;
  private static final int VALIDATION_SLOT = 1;
  private static final String ANEW = "features of frozen layers are computed anew each time: ";

  private final NativeHandle trainer;
  private final int batchSize;
  private final Optional<FeatureCache> shared;
  private final BooleanSupplier stop;
  private int @Nullable [] trainingExamples; // of the shared root; null: the data set's own
  private int @Nullable [] validationExamples;
  private boolean holdsTraining;
  private boolean holdsValidation;
  private boolean isInFile; // what was reserved last
  private String note;
  private final List<String> warnings = new ArrayList<>();

  FitFeatures(
      NativeHandle trainer, int batchSize, Optional<FeatureCache> shared, BooleanSupplier stop) {
    this.trainer = trainer;
    this.batchSize = batchSize;
    this.shared = shared;
    this.stop = stop;
  }

  /** Keeps the features of both data sets as far as that is possible. */
  void fill(TargetBinding binding, Dataset training, Dataset validation, long limitBytes) {
    boolean hasPrefix = trainer.get(Bridge::trainerHasFrozenPrefix);
    if (!hasPrefix) {
      note = "not kept: no frozen layers below the lowest trainable one";
    } else if (limitBytes == 0 && shared.isEmpty()) {
      note = "not kept: switched off";
    } else if (!training.isStable()) {
      note = "not kept: the data set does not say that it is stable";
      warnings.add(ANEW + unstable("the data set", training));
    } else {
      boolean keepsValidation = validation != null && validation.isStable();
      if (validation != null && !keepsValidation) {
        warnings.add(ANEW + unstable("the validation data", validation));
      }
      if (shared.isPresent()) {
        fillShared(shared.get(), binding, training, keepsValidation ? validation : null);
        return;
      }
      long exampleBytes = Float.BYTES * trainer.getLong(Bridge::trainerFeatureCount);
      long trainingBytes = exampleBytes * training.size();
      long validationBytes = keepsValidation ? exampleBytes * validation.size() : 0;
      if (trainingBytes > limitBytes) {
        note = "not kept: " + trainingBytes + " bytes are above the limit of " + limitBytes;
        return;
      }
      String refusal = keep(TRAINING_SLOT, binding.withoutTargets(), training, exampleBytes);
      if (refusal != null) {
        note = "not kept: " + refusal;
        return;
      }
      holdsTraining = true;
      note =
          (isInFile ? "kept in a file: " : "kept: ")
              + (trainingBytes + " bytes for " + training.size() + " examples");
      if (keepsValidation) {
        refusal =
            validationBytes > limitBytes - trainingBytes
                ? validationBytes + " more bytes are above the limit of " + limitBytes
                : keep(VALIDATION_SLOT, binding.forValidationInputs(), validation, exampleBytes);
        holdsValidation = refusal == null;
        note += holdsValidation ? "" : "; those of the validation data not: " + refusal;
      }
    }
  }

  private void fillShared(
      FeatureCache cache, TargetBinding binding, Dataset training, @Nullable Dataset validation) {
    DataRoot root = DataRoot.of(training);
    long before = cache.computedExamples();
    String refusal = keepShared(cache, TRAINING_SLOT, root, binding.withoutTargets(), training);
    if (refusal != null) {
      note = "not kept: " + refusal;
      return;
    }
    holdsTraining = true;
    trainingExamples = root.examples();
    note =
        (isInFile ? "kept in a file" : "kept")
            + " in the given cache: "
            + training.size()
            + " examples, "
            + (cache.computedExamples() - before)
            + " of them computed now";
    if (validation != null) {
      root = DataRoot.of(validation);
      refusal = keepShared(cache, VALIDATION_SLOT, root, binding.forValidationInputs(), validation);
      holdsValidation = refusal == null;
      validationExamples = root.examples();
      note += holdsValidation ? "" : "; those of the validation data not: " + refusal;
    }
  }

  private @Nullable String keepShared(
      FeatureCache cache, int slot, DataRoot root, TargetBinding binding, Dataset data) {
    KeptFeatures features =
        cache.kept(
            root.root(),
            new KeptFeatures.Prefix(
                trainer.get(Bridge::trainerPrefixFingerprint),
                trainer.getLong(Bridge::trainerFeatureCount)));
    cache.whileOpen(
        () -> {
          features
              .handle()
              .run(kept -> trainer.run(id -> Bridge.trainerShareFeatures(id, slot, kept)));
          return null;
        });
    String refusal =
        cache.fill(
            features,
            root,
            binding,
            data,
            batchSize,
            stop,
            (examples, inputs) ->
                trainer.run(
                    id ->
                        Bridge.trainerCacheExamples(id, slot, examples.length, examples, inputs)));
    isInFile = refusal == null && cache.whileOpen(features::isInFile);
    return refusal;
  }

  /** Returns why there is no room, or null where the features are kept now. */
  private String keep(int slot, TargetBinding binding, Dataset data, long exampleBytes) {
    int size = data.size();
    try {
      long before = trainer.nativeBytes();
      trainer.run(id -> Bridge.trainerReserveFeatures(id, slot, size));
      // A file is not native memory.
      isInFile = trainer.nativeBytes() - before < exampleBytes * size;
    } catch (NativeMemoryException refusal) {
      return refusal.getMessage();
    }
    Batch inputs = new Batch(binding, Math.min(batchSize, size), true);
    int[] order = Shuffle.identity(size);
    for (int first = 0; first < size && !stop.getAsBoolean(); first += batchSize) {
      int count = Math.min(batchSize, size - first);
      long from = first;
      inputs.read(data, order, first, count);
      inputs.requireFiniteInputs();
      trainer.run(id -> Bridge.trainerCacheFeatures(id, slot, from, count, inputs.inputAddress()));
    }
    Reference.reachabilityFence(inputs);
    return null;
  }

  static String unstable(String what, Dataset data) {
    return what
        + " does not say that it is stable; "
        + data.getClass().getName()
        + ".isStable() returns false";
  }

  private static void requireOpen(FeatureCache cache) {
    if (cache.isClosed()) {
      throw new ClosedException("the feature cache was closed while it was used");
    }
  }

  /** Returns what is probably not as it was meant, for people. */
  List<String> warnings() {
    return warnings;
  }

  /** Returns why features were kept or not, for people. */
  String note() {
    return note;
  }

  boolean holdsTraining() {
    return holdsTraining;
  }

  /** Trains one step on kept features; {@code indices} has room for the batch. */
  void step(Batch batch, long[] indices, double[] results) {
    find(batch, indices);
    trainer.run(
        id ->
            Bridge.trainerStepCached(
                id,
                TRAINING_SLOT,
                batch.size(),
                indices,
                batch.targetAddresses(),
                batch.maskAddresses(),
                results));
  }

  /** The first half of such a step: leaves logits at the address. */
  void beginStep(Batch batch, long[] indices, long logits) {
    find(batch, indices);
    trainer.run(
        id ->
            Bridge.trainerBeginStepCached(
                id,
                TRAINING_SLOT,
                batch.size(),
                indices,
                batch.targetAddresses(),
                batch.maskAddresses(),
                logits));
  }

  private void find(Batch batch, long[] indices) {
    shared.ifPresent(FitFeatures::requireOpen);
    batch.indices(indices);
    for (int k = 0; trainingExamples != null && k < batch.size(); k++) {
      indices[k] = trainingExamples[(int) indices[k]];
    }
  }

  /** Returns where the validation's logits come from: kept features, or inputs. */
  EvaluationRun.LogitSource validationSource(EvaluationRun validation) {
    if (!holdsValidation) {
      return validation.fromInputs(
          (count, inputs, logits) ->
              trainer.run(id -> Bridge.trainerEvaluate(id, count, inputs, logits)));
    }
    long[] examples = new long[batchSize];
    return (first, count, logits) -> {
      shared.ifPresent(FitFeatures::requireOpen);
      for (int k = 0; k < count; k++) {
        examples[k] = validationExamples == null ? first + k : validationExamples[first + k];
      }
      trainer.run(id -> Bridge.trainerEvaluateCached(id, VALIDATION_SLOT, count, examples, logits));
    };
  }
}
