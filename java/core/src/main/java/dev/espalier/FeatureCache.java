// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Decides whether the features of frozen layers are computed once and kept, and computes them.
 * Where that is not possible, they are computed anew each time, with the same bits.
 */
final class FeatureCache {
  private static final int TRAINING_SLOT = 0;
  private static final int VALIDATION_SLOT = 1;

  private final NativeHandle trainer;
  private final int batchSize;
  private final BooleanSupplier stop;
  private boolean holdsTraining;
  private boolean holdsValidation;
  private boolean isInFile; // what was reserved last
  private String note;
  private final List<String> warnings = new ArrayList<>();

  FeatureCache(NativeHandle trainer, int batchSize, BooleanSupplier stop) {
    this.trainer = trainer;
    this.batchSize = batchSize;
    this.stop = stop;
  }

  /** Keeps the features of both data sets as far as that is possible. */
  void fill(TargetBinding binding, Dataset training, Dataset validation, long limitBytes) {
    boolean hasPrefix = trainer.get(Bridge::trainerHasFrozenPrefix);
    if (!hasPrefix) {
      note = "not kept: no frozen layers below the lowest trainable one";
    } else if (limitBytes == 0) {
      note = "not kept: switched off";
    } else if (!training.isStable()) {
      note = "not kept: the data set does not say that it is stable";
      warnings.add(unstable("the data set", training));
    } else {
      long exampleBytes = Float.BYTES * trainer.getLong(Bridge::trainerFeatureCount);
      boolean keepsValidation = validation != null && validation.isStable();
      if (validation != null && !keepsValidation) {
        warnings.add(unstable("the validation data", validation));
      }
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

  private static String unstable(String what, Dataset data) {
    return "features of frozen layers are computed anew each time: "
        + what
        + " does not say that it is stable; "
        + data.getClass().getName()
        + ".isStable() returns false";
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
    batch.indices(indices);
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

  /** Returns where the validation's logits come from: kept features, or inputs. */
  EvaluationRun.LogitSource validationSource(EvaluationRun validation) {
    if (!holdsValidation) {
      return validation.fromInputs(
          (count, inputs, logits) ->
              trainer.run(id -> Bridge.trainerEvaluate(id, count, inputs, logits)));
    }
    long[] examples = new long[batchSize];
    return (first, count, logits) -> {
      for (int k = 0; k < count; k++) {
        examples[k] = first + k;
      }
      trainer.run(id -> Bridge.trainerEvaluateCached(id, VALIDATION_SLOT, count, examples, logits));
    };
  }
}
