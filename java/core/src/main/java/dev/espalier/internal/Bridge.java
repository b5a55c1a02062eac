// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.nio.Buffer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.annotation.Raw;
import org.bytedeco.javacpp.annotation.StdString;

/**
 * The native functions of {@code cpp/jvm/bridge.h}, where each is described; the names are equal.
 *
 * <p>Handles and addresses are plain {@code long}s, configuration is JSON text, memory is borrowed
 * for the call. Sizes of arrays are the caller's duty: native code cannot see them.
 *
 * <p>Never called bare: NativeHandle and NativeCall load the library first, keep owners reachable
 * and turn native errors into the exceptions of the public API. Text comes through NativeCall.text
 * where a user wrote it.
 */
@Properties(
    value =
        @Platform(
            include = {"jvm/bridge.h", "jvm/direct_buffer.h", "jvm/array_arguments.h"},
            library = "jniEspalier",
            define = {"STRING_BYTES_CHARSET \"UTF-8\""}))
@Namespace("espalier::jvm")
public final class Bridge {
  private Bridge() {}

  // Runtime.

  public static native void setThreadCount(int threads);

  public static native int threadCount();

  public static native @StdString String cpuTarget();

  public static native @StdString String describeRuntime();

  public static native long nativeBytes();

  public static native long nativeBytesBudget();

  public static native void setNativeBytesBudget(long bytes);

  public static native long liveHandles();

  public static native long stackBytesLeft();

  public static native void setOpenBlasPath(String path);

  public static native void throwError(int code);

  public static native int errorCodeCount();

  public static native @StdString String errorCodeName(int code);

  // Handles.

  public static native void closeHandle(long handle);

  public static native long handleBytes(long handle);

  // Network.

  public static native long networkBuild(String specJson, long seed);

  public static native @StdString String networkSpec(long network);

  public static native @StdString String networkDescribe(long network);

  public static native @StdString String networkParameters(long network);

  public static native long networkParameterSize(long network, String path);

  public static native void networkReadParameter(
      long network, String path, @Raw(withEnv = true) float[] values, long size);

  public static native void networkWriteParameter(
      long network, String path, @Raw(withEnv = true) float[] values, long size);

  public static native void networkFreeze(
      long network,
      String patternsJson,
      @Cast("bool") boolean through,
      @Cast("bool") boolean adaptStatistics);

  public static native void networkUnfreeze(
      long network, String patternsJson, @Cast("bool") boolean through);

  public static native void networkSetLearningRateScale(long network, String pattern, double scale);

  public static native void networkSetThresholds(
      long network, String head, @Raw(withEnv = true) double[] thresholds, long count);

  public static native void networkSetAllThresholds(
      long network, @Raw(withEnv = true) double[] columns, long count);

  public static native void networkScaleLogits(
      long network, @Raw(withEnv = true) double[] scales, @Raw double[] biases, long count);

  public static native void networkSetMetadata(long network, String key, String value);

  public static native void networkRemoveMetadata(long network, String key);

  public static native long networkClone(long network);

  public static native long networkTransfer(long network, String transferJson, long seed);

  public static native @StdString String networkExplainTransfer(long network, String transferJson);

  public static native void networkSave(
      long network, String path, @Cast("bool") boolean int8Weights);

  public static native void networkExportOnnx(long network, String path, String optionsJson);

  public static native @StdString String networkLoadWeights(
      long network, String path, String mapJson);

  public static native void networkExportSafetensors(long network, String path, String mapJson);

  public static native long networkLoad(String path, String limitsJson);

  public static native long modelReaderCreate(String limitsJson);

  /** Takes the first {@code count} bytes of an array. */
  public static native void modelReaderWrite(
      long reader, @Raw(withEnv = true) byte[] bytes, int count);

  public static native long modelReaderFinish(long reader);

  public static native long modelWriterCreate(long network, @Cast("bool") boolean int8Weights);

  /** Fills an array from its start. */
  public static native long modelWriterRead(long writer, @Raw(withEnv = true) byte[] bytes);

  public static native long foreignImporterCreate(String format, String optionsJson);

  /** Takes the first {@code count} bytes of an array. */
  public static native void foreignImporterWrite(
      long importer, @Raw(withEnv = true) byte[] bytes, int count);

  public static native long foreignImporterFinish(long importer);

  public static native long foreignImporterRead(long importer, String path);

  public static native @StdString String foreignImporterReport(long importer);

  // Trainer.

  public static native long trainerCreate(long network, String configJson);

  public static native void trainerStep(
      long trainer,
      long batch,
      long inputs,
      @Raw(withEnv = true) long[] targets,
      @Raw long[] masks,
      @Raw double[] results);

  public static native @Cast("bool") boolean trainerHasFrozenPrefix(long trainer);

  public static native long trainerFeatureCount(long trainer);

  public static native void trainerReserveFeatures(long trainer, int slot, long examples);

  public static native void trainerCacheFeatures(
      long trainer, int slot, long first, long batch, long inputs);

  public static native void trainerStepCached(
      long trainer,
      int slot,
      long batch,
      @Raw(withEnv = true) long[] examples,
      @Raw long[] targets,
      @Raw long[] masks,
      @Raw double[] results);

  public static native void trainerBeginStep(
      long trainer,
      long batch,
      long inputs,
      @Raw(withEnv = true) long[] targets,
      @Raw long[] masks,
      long logits);

  public static native void trainerBeginStepCached(
      long trainer,
      int slot,
      long batch,
      @Raw(withEnv = true) long[] examples,
      @Raw long[] targets,
      @Raw long[] masks,
      long logits);

  public static native void trainerFinishStep(
      long trainer, long gradients, @Raw(withEnv = true) double[] sums, @Raw double[] results);

  public static native long trainerTargetCount(long trainer);

  public static native long trainerGradientFloats(long trainer);

  public static native void trainerCountLabelled(
      long trainer,
      long batch,
      @Raw(withEnv = true) long[] targets,
      @Raw long[] masks,
      @Raw long[] totals,
      long count);

  public static native void trainerComputeGradients(
      long trainer,
      @Raw(withEnv = true) long[] totals,
      long count,
      long first,
      long batch,
      long inputs,
      @Raw long[] targets,
      @Raw long[] masks,
      long gradients);

  public static native void trainerApplyGradients(
      long trainer,
      @Raw(withEnv = true) long[] totals,
      long count,
      long gradients,
      @Raw double[] results);

  public static native void trainerEvaluate(long trainer, long batch, long inputs, long logits);

  public static native void trainerEvaluateCached(
      long trainer, int slot, long batch, @Raw(withEnv = true) long[] examples, long logits);

  public static native @StdString String trainerPrefixFingerprint(long trainer);

  public static native void trainerShareFeatures(long trainer, int slot, long features);

  public static native void trainerCacheExamples(
      long trainer, int slot, long batch, @Raw(withEnv = true) long[] examples, long inputs);

  public static native void trainerSaveBest(long trainer);

  public static native void trainerRestoreBest(long trainer);

  public static native void trainerSwapAverage(long trainer);

  public static native void trainerContinueFrom(long trainer, long earlier, long steps);

  public static native void trainerSaveCheckpoint(long trainer, String path, String notes);

  public static native @StdString String trainerLoadCheckpoint(long trainer, String path);

  public static native @StdString String checkpointNotes(String path);

  public static native long trainerPrefixExamples(long trainer);

  public static native void trainerRelease(long trainer);

  // Features that outlive a trainer.

  public static native long featuresCreate(
      long examples, long featureCount, String fingerprint, String folder);

  public static native void featuresMakeRoom(
      long features, long count, @Raw(withEnv = true) long[] examples);

  public static native void featuresShare(
      long features,
      long from,
      long count,
      @Raw(withEnv = true) long[] fromExamples,
      @Raw long[] toExamples);

  public static native void featuresWrite(
      long features, long count, @Raw(withEnv = true) long[] examples, long values);

  /** Writes {@code count} elements of an array, which it has, from {@code offset} on. */
  public static native void featuresRead(
      long features, long example, @Raw(withEnv = true) float[] values, int offset, int count);

  public static native @Cast("bool") boolean featuresInFile(long features);

  public static native @StdString String networkFingerprint(long network, String layer);

  public static native long featurePredictorCreate(long network, @Cast("bool") boolean logits);

  public static native @Cast("bool") boolean featurePredictorHasFrozenPrefix(long predictor);

  public static native long featurePredictorFeatureCount(long predictor);

  public static native @StdString String featurePredictorFingerprint(long predictor);

  public static native void featurePredictorCache(
      long predictor, long features, long batch, @Raw(withEnv = true) long[] examples, long inputs);

  public static native void featurePredictorPredict(
      long predictor,
      long features,
      long batch,
      @Raw(withEnv = true) long[] examples,
      long outputs);

  // Losses and metrics of a whole set.

  public static native void taskLosses(
      long network,
      long examples,
      long logits,
      @Raw(withEnv = true) long[] targets,
      @Raw long[] masks,
      @Raw double[] results);

  public static native double ownTaskLoss(
      long network, String head, long examples, long labelled, double sum);

  public static native @StdString String taskMetrics(
      String kind,
      String labelsJson,
      @Raw(withEnv = true) double[] thresholds,
      long thresholdCount,
      @Cast("bool") boolean areLogits,
      long examples,
      long stride,
      long outputs,
      long targets);

  // Predictor.

  public static native long predictorCreate(long network, String configJson);

  public static native void predictorPredict(long predictor, long batch, long inputs, long outputs);

  /**
   * Predicts from element {@code input} of a direct buffer of floats to element {@code output} of
   * another: one crossing for what would be three.
   */
  public static native void predictorPredictBuffers(
      @Raw(withEnv = true) Buffer inputs,
      long input,
      @Raw Buffer outputs,
      long output,
      long predictor,
      long batch);

  /**
   * Predicts from an array to another, whose lengths are given so that nobody need ask for them.
   */
  public static native void predictorPredictArray(
      long predictor,
      long batch,
      @Raw(withEnv = true) float[] inputs,
      int inputLength,
      @Raw float[] outputs,
      int outputLength);

  /** As {@link #predictorPredictBuffers}, for pixels of a byte each. */
  public static native void predictorPredictPixelBuffers(
      @Raw(withEnv = true) Buffer pixels,
      long pixel,
      @Raw Buffer outputs,
      long output,
      long predictor,
      long batch);

  /** As {@link #predictorPredictArray}, for pixels of a byte each. */
  public static native void predictorPredictPixelArray(
      long predictor,
      long batch,
      @Raw(withEnv = true) byte[] pixels,
      int pixelLength,
      @Raw float[] outputs,
      int outputLength);

  public static native @StdString String predictorDescribe(long predictor);

  public static native long predictorForShape(long predictor, String shapeJson);

  public static native @StdString String predictorLayerShapes(long predictor);

  public static native void predictorStatistics(
      long predictor, @Raw(withEnv = true) long[] results);

  /**
   * Returns the address of element 0 of a direct buffer, 0 for null or a heap buffer. It is valid
   * while the buffer is reachable. The position is not part of it, so that a thread which moves it
   * meanwhile cannot move the address past a check.
   */
  public static native long bufferAddress(@Raw(withEnv = true) Buffer buffer);
}
