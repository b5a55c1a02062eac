// SPDX-License-Identifier: Apache-2.0
#pragma once

// Flat functions for JavaCPP: handles are opaque int64 ids, memory is passed as raw
// addresses that are borrowed for the call, configuration travels as JSON text
// (jvm/config_json.h). Every function is one statement inside Guard (jvm/guard.h) and throws
// espalier::Error only. A closed or unknown handle is CLOSED; one of another kind is
// INVALID_STATE; what others use is BUSY. Closing never blocks: the last call inside frees.

#include <cstdint>
#include <string>

namespace espalier::jvm {

// Runtime.
void setThreadCount(int threads);
int threadCount();
std::string cpuTarget();
std::string describeRuntime();
std::int64_t nativeBytes();
std::int64_t nativeBytesBudget();
void setNativeBytesBudget(std::int64_t bytes);
std::int64_t liveHandles();
/// Bytes of the calling thread's stack, what the JVM guards at its end included.
std::int64_t stackBytesLeft();
/// Where cblas_sgemm may be resolved from when a training kernel wants it; empty: nowhere.
void setOpenBlasPath(const char* path);
/// For tests: throws an Error of the given code (its index in ErrorCode). Sanitized builds
/// commit a seeded fault if it is the number of one (jvm/seeded_faults.h).
void throwError(int code);
int errorCodeCount();
std::string errorCodeName(int code);

// Handles.
void closeHandle(std::int64_t handle);          // idempotent, never throws
std::int64_t handleBytes(std::int64_t handle);  // native bytes held by the object

// Network.
std::int64_t networkBuild(const char* spec_json, std::int64_t seed);
std::string networkSpec(std::int64_t network);        // NetworkSpec as JSON
std::string networkDescribe(std::int64_t network);    // JSON array of LayerDescription
std::string networkParameters(std::int64_t network);  // JSON array of {path, shape, buffer}
std::int64_t networkParameterSize(std::int64_t network, const char* path);
void networkReadParameter(std::int64_t network, const char* path, float* values, std::int64_t size);
void networkWriteParameter(std::int64_t network, const char* path, const float* values,
                           std::int64_t size);
/// patterns_json: an array of names or globs; all act, or none.
void networkFreeze(std::int64_t network, const char* patterns_json, bool through,
                   bool adapt_statistics);
void networkUnfreeze(std::int64_t network, const char* patterns_json, bool through);
void networkSetLearningRateScale(std::int64_t network, const char* pattern, double scale);
void networkSetThresholds(std::int64_t network, const char* head, const double* thresholds,
                          std::int64_t count);
/// Network::SetThresholds and Network::ScaleLogits of all heads.
void networkSetAllThresholds(std::int64_t network, const double* columns, std::int64_t count);
void networkScaleLogits(std::int64_t network, const double* scales, const double* biases,
                        std::int64_t count);
void networkSetMetadata(std::int64_t network, const char* key, const char* value);
void networkRemoveMetadata(std::int64_t network, const char* key);
std::int64_t networkClone(std::int64_t network);
std::int64_t networkTransfer(std::int64_t network, const char* transfer_json, std::int64_t seed);
std::string networkExplainTransfer(std::int64_t network,
                                   const char* transfer_json);  // as networkDescribe, with "fate"
/// int8_weights: SaveOptions has it; of a writer, too.
void networkSave(std::int64_t network, const char* path, bool int8_weights);
/// options_json: jvm/config_json.h.
void networkExportOnnx(std::int64_t network, const char* path, const char* options_json);
/// map_json and the report that is returned: jvm/weights_json.h.
std::string networkLoadWeights(std::int64_t network, const char* path, const char* map_json);
void networkExportSafetensors(std::int64_t network, const char* path, const char* map_json);
/// limits_json: jvm/config_json.h.
std::int64_t networkLoad(const char* path, const char* limits_json);

// Model files in pieces, front to back. A reader and a writer belong to one thread. The reader
// gives its network at the end; a writer fills `bytes` and returns how many there were, 0 at the
// end, and lets nobody change the network until it is closed.
std::int64_t modelReaderCreate(const char* limits_json);
void modelReaderWrite(std::int64_t reader, const std::int8_t* bytes, std::int64_t count);
std::int64_t modelReaderFinish(std::int64_t reader);
std::int64_t modelWriterCreate(std::int64_t network, bool int8_weights);
std::int64_t modelWriterRead(std::int64_t writer, std::int8_t* bytes, std::int64_t count);

// A model of the format "onnx" or "tflite", in pieces, as model files, or as a file, then its
// network; the report of it as JSON. Options and report: jvm/import_json.h.
std::int64_t foreignImporterCreate(const char* format, const char* options_json);
void foreignImporterWrite(std::int64_t importer, const std::int8_t* bytes, std::int64_t count);
std::int64_t foreignImporterFinish(std::int64_t importer);
std::int64_t foreignImporterRead(std::int64_t importer, const char* path);
std::string foreignImporterReport(std::int64_t importer);

// Trainer. Results of a step as doubles: [loss, learning_rate, gradient_norm, then per head: loss,
// labelled, factor]. targets and masks: per head an address or 0 (absent): float [batch, width] for
// labels and values heads, int32 [batch] for classes; masks uint8.
std::int64_t trainerCreate(std::int64_t network, const char* config_json);
void trainerStep(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                 const std::int64_t* targets, const std::int64_t* masks, double* results);
bool trainerHasFrozenPrefix(std::int64_t trainer);
std::int64_t trainerFeatureCount(std::int64_t trainer);
void trainerReserveFeatures(std::int64_t trainer, int slot, std::int64_t examples);
void trainerCacheFeatures(std::int64_t trainer, int slot, std::int64_t first, std::int64_t batch,
                          std::int64_t inputs);
void trainerStepCached(std::int64_t trainer, int slot, std::int64_t batch,
                       const std::int64_t* examples, const std::int64_t* targets,
                       const std::int64_t* masks, double* results);
/// A step in two halves, where Java computes the losses of the heads that the configuration names.
/// Begin writes their logits, head after head, each [batch, width]; Finish takes the gradients in
/// the same form, and the sum of each head.
void trainerBeginStep(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                      const std::int64_t* targets, const std::int64_t* masks, std::int64_t logits);
void trainerBeginStepCached(std::int64_t trainer, int slot, std::int64_t batch,
                            const std::int64_t* examples, const std::int64_t* targets,
                            const std::int64_t* masks, std::int64_t logits);
void trainerFinishStep(std::int64_t trainer, std::int64_t gradients, const double* sums,
                       double* results);
/// Data-parallel steps. totals: examples, then labelled ones of each target, [count]. Counting
/// writes those of a shard.
std::int64_t trainerTargetCount(std::int64_t trainer);
std::int64_t trainerGradientFloats(std::int64_t trainer);
void trainerCountLabelled(std::int64_t trainer, std::int64_t batch, const std::int64_t* targets,
                          const std::int64_t* masks, std::int64_t* totals, std::int64_t count);
void trainerComputeGradients(std::int64_t trainer, const std::int64_t* totals, std::int64_t count,
                             std::int64_t first, std::int64_t batch, std::int64_t inputs,
                             const std::int64_t* targets, const std::int64_t* masks,
                             std::int64_t gradients);
void trainerApplyGradients(std::int64_t trainer, const std::int64_t* totals, std::int64_t count,
                           std::int64_t gradients, double* results);
void trainerEvaluate(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                     std::int64_t logits);
void trainerEvaluateCached(std::int64_t trainer, int slot, std::int64_t batch,
                           const std::int64_t* examples, std::int64_t logits);
/// Of what featuresCreate made for the trainer's fingerprint.
std::string trainerPrefixFingerprint(std::int64_t trainer);
void trainerShareFeatures(std::int64_t trainer, int slot, std::int64_t features);
void trainerCacheExamples(std::int64_t trainer, int slot, std::int64_t batch,
                          const std::int64_t* examples, std::int64_t inputs);
void trainerSaveBest(std::int64_t trainer);
void trainerRestoreBest(std::int64_t trainer);
void trainerSwapAverage(std::int64_t trainer);
/// After the release of `earlier`; `steps`: the count to go on with.
void trainerContinueFrom(std::int64_t trainer, std::int64_t earlier, std::int64_t steps);
/// Checkpoints (espalier/checkpoint.h); loading returns the notes.
void trainerSaveCheckpoint(std::int64_t trainer, const char* path, const char* notes);
std::string trainerLoadCheckpoint(std::int64_t trainer, const char* path);
std::string checkpointNotes(const char* path);
std::int64_t trainerPrefixExamples(std::int64_t trainer);
void trainerRelease(std::int64_t trainer);  // gives the network free; idempotent

// Features that outlive a trainer, and predictions from them. For one thread at a time, but for
// featuresRead.
std::int64_t featuresCreate(std::int64_t examples, std::int64_t feature_count,
                            const char* fingerprint, const char* folder);
void featuresMakeRoom(std::int64_t features, std::int64_t count, const std::int64_t* examples);
/// What `from` has of `from_examples` becomes that of `to_examples` too.
void featuresShare(std::int64_t features, std::int64_t from, std::int64_t count,
                   const std::int64_t* from_examples, const std::int64_t* to_examples);
void featuresWrite(std::int64_t features, std::int64_t count, const std::int64_t* examples,
                   std::int64_t values);
void featuresRead(std::int64_t features, std::int64_t example, float* values, std::int64_t size);
bool featuresInFile(std::int64_t features);
std::string networkFingerprint(std::int64_t network, const char* layer);
std::int64_t featurePredictorCreate(std::int64_t network, bool logits);
bool featurePredictorHasFrozenPrefix(std::int64_t predictor);
std::int64_t featurePredictorFeatureCount(std::int64_t predictor);
std::string featurePredictorFingerprint(std::int64_t predictor);
void featurePredictorCache(std::int64_t predictor, std::int64_t features, std::int64_t batch,
                           const std::int64_t* examples, std::int64_t inputs);
void featurePredictorPredict(std::int64_t predictor, std::int64_t features, std::int64_t batch,
                             const std::int64_t* examples, std::int64_t outputs);

// Losses of a whole set from logits [examples, total width], for validation: per head loss (as in
// training, normalized over all examples) and labelled. results: [loss, then per head: loss,
// labelled].
void taskLosses(std::int64_t network, std::int64_t examples, std::int64_t logits,
                const std::int64_t* targets, const std::int64_t* masks, double* results);
/// A head's loss where Java has computed its sum over all examples.
double ownTaskLoss(std::int64_t network, const char* head, std::int64_t examples,
                   std::int64_t labelled, double sum);

// Metrics of one task, as JSON object {"metrics": [{name, label, value (null if undefined),
// support}], "counts": [[true positives, false positives, false negatives, true negatives, blanks]
// …], "confusion": [[…] …]}. `kind`: "labels", "classes", "values"; labels_json: array of names;
// thresholds: one a label, or one, or none. outputs: logits or probabilities, rows of float that
// lie `stride` apart. targets: float [examples, width], or int32 [examples] for classes.
std::string taskMetrics(const char* kind, const char* labels_json, const double* thresholds,
                        std::int64_t threshold_count, bool are_logits, std::int64_t examples,
                        std::int64_t stride, std::int64_t outputs, std::int64_t targets);

// Predictor.
std::int64_t predictorCreate(std::int64_t network, const char* config_json);
void predictorPredict(std::int64_t predictor, std::int64_t batch, std::int64_t inputs,
                      std::int64_t outputs);
/// The same for pixels of a byte each.
void predictorPredictPixels(std::int64_t predictor, std::int64_t batch, std::int64_t pixels,
                            std::int64_t outputs);
std::string predictorDescribe(std::int64_t predictor);

/// A new handle; the shape: "[3, 40, 64]".
std::int64_t predictorForShape(std::int64_t predictor, const char* shape_json);
/// "[[3, 40, 64], …]"
std::string predictorLayerShapes(std::int64_t predictor);

/// results: [calls, failed calls, workspaces, temporary workspaces].
void predictorStatistics(std::int64_t predictor, std::int64_t* results);

}  // namespace espalier::jvm
