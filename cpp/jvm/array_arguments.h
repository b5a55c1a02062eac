// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bridge functions that take Java arrays: included by JavaCPP's generated code alone.
//
// The generated code would borrow arrays with Get…ArrayElements, which returns null when memory
// is short, and give that null back, which crashes HotSpot. Here elements are copied, small
// arrays to the stack; without memory for the others the call is OUT_OF_MEMORY. Results reach
// the Java array after the call only if it succeeded.

#include <jni.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "core/text.h"
#include "jvm/bridge.h"

namespace espalier::jvm {

inline void CopyIn(JNIEnv* environment, jbyteArray from, jsize count, std::int8_t* to) {
  environment->GetByteArrayRegion(from, 0, count, to);
}
inline void CopyIn(JNIEnv* environment, jfloatArray from, jsize count, float* to) {
  environment->GetFloatArrayRegion(from, 0, count, to);
}
inline void CopyIn(JNIEnv* environment, jdoubleArray from, jsize count, double* to) {
  environment->GetDoubleArrayRegion(from, 0, count, to);
}
inline void CopyIn(JNIEnv* environment, jlongArray from, jsize count, std::int64_t* to) {
  environment->GetLongArrayRegion(from, 0, count, reinterpret_cast<jlong*>(to));
}
inline void CopyOut(JNIEnv* environment, const std::int8_t* from, jsize count, jbyteArray to) {
  environment->SetByteArrayRegion(to, 0, count, from);
}
inline void CopyOut(JNIEnv* environment, const float* from, jsize count, jfloatArray to) {
  environment->SetFloatArrayRegion(to, 0, count, from);
}
inline void CopyOut(JNIEnv* environment, const double* from, jsize count, jdoubleArray to) {
  environment->SetDoubleArrayRegion(to, 0, count, from);
}
inline void CopyOut(JNIEnv* environment, const std::int64_t* from, jsize count, jlongArray to) {
  environment->SetLongArrayRegion(to, 0, count, reinterpret_cast<const jlong*>(from));
}

/// Asking the JVM costs 10 ns.
inline jsize LengthOf(JNIEnv* environment, jarray array) {
  return array == nullptr ? 0 : environment->GetArrayLength(array);
}

/// As many elements as a Java array has, which `count` must be; null for a null array.
template <typename Element>
class Elements {
 public:
  Elements(jarray array, jsize count) : is_null_(array == nullptr), count_(count) {
    const std::size_t bytes = sizeof(Element) * static_cast<std::size_t>(count_);
    if (bytes <= sizeof(stack_)) return;
    heap_.reset(static_cast<Element*>(std::malloc(bytes)));
    if (heap_ == nullptr) {
      Fail(ErrorCode::kOutOfMemory, "the system has no ", bytes, " bytes left");
    }
  }

  jsize count() const { return count_; }
  Element* data() {
    if (is_null_) return nullptr;
    return heap_ == nullptr ? stack_ : heap_.get();
  }

 private:
  struct Free {
    void operator()(Element* elements) const { std::free(elements); }
  };

  bool is_null_;
  jsize count_;
  std::unique_ptr<Element, Free> heap_;
  alignas(64) Element stack_[4096 / sizeof(Element)];
};

/// The elements of an array, to be read.
template <typename Element, typename Array>
class Input {
 public:
  Input(JNIEnv* environment, Array array)
      : Input(environment, array, LengthOf(environment, array)) {}
  Input(JNIEnv* environment, Array array, jsize count) : elements_(array, count) {
    if (array != nullptr) CopyIn(environment, array, count, elements_.data());
  }

  const Element* data() { return elements_.data(); }
  std::int64_t address() { return reinterpret_cast<std::int64_t>(data()); }

 private:
  Elements<Element> elements_;
};

/// Elements for an array, to be written in whole.
template <typename Element, typename Array>
class Output {
 public:
  Output(JNIEnv* environment, Array array)
      : Output(environment, array, LengthOf(environment, array)) {}
  Output(JNIEnv* environment, Array array, jsize count)
      : environment_(environment), array_(array), elements_(array, count) {}

  Element* data() { return elements_.data(); }
  std::int64_t address() { return reinterpret_cast<std::int64_t>(data()); }
  void Deliver() {
    if (array_ != nullptr) CopyOut(environment_, data(), elements_.count(), array_);
  }

 private:
  JNIEnv* environment_;
  Array array_;
  Elements<Element> elements_;
};

using BytesIn = Input<std::int8_t, jbyteArray>;
using FloatsIn = Input<float, jfloatArray>;
using DoublesIn = Input<double, jdoubleArray>;
using LongsIn = Input<std::int64_t, jlongArray>;
using BytesOut = Output<std::int8_t, jbyteArray>;
using FloatsOut = Output<float, jfloatArray>;
using DoublesOut = Output<double, jdoubleArray>;
using LongsOut = Output<std::int64_t, jlongArray>;

inline void networkReadParameter(JNIEnv* environment, jclass, std::int64_t network,
                                 const char* path, jfloatArray values, std::int64_t size) {
  FloatsOut written(environment, values);
  networkReadParameter(network, path, written.data(), size);
  written.Deliver();
}

inline void networkWriteParameter(JNIEnv* environment, jclass, std::int64_t network,
                                  const char* path, jfloatArray values, std::int64_t size) {
  networkWriteParameter(network, path, FloatsIn(environment, values).data(), size);
}

/// As modelReaderWrite, from the first `count` bytes of an array.
inline void modelReaderWrite(JNIEnv* environment, jclass, std::int64_t reader, jbyteArray bytes,
                             jsize count) {
  modelReaderWrite(reader, BytesIn(environment, bytes, count).data(), count);
}

/// As foreignImporterWrite, from the first `count` bytes of an array.
inline void foreignImporterWrite(JNIEnv* environment, jclass, std::int64_t importer,
                                 jbyteArray bytes, jsize count) {
  foreignImporterWrite(importer, BytesIn(environment, bytes, count).data(), count);
}

/// As modelWriterRead, to an array.
inline std::int64_t modelWriterRead(JNIEnv* environment, jclass, std::int64_t writer,
                                    jbyteArray bytes) {
  BytesOut written(environment, bytes);
  const std::int64_t count = modelWriterRead(writer, written.data(), LengthOf(environment, bytes));
  CopyOut(environment, written.data(), static_cast<jsize>(count), bytes);
  return count;
}

inline void networkSetThresholds(JNIEnv* environment, jclass, std::int64_t network,
                                 const char* head, jdoubleArray thresholds, std::int64_t count) {
  networkSetThresholds(network, head, DoublesIn(environment, thresholds).data(), count);
}

inline void networkSetAllThresholds(JNIEnv* environment, jclass, std::int64_t network,
                                    jdoubleArray columns, std::int64_t count) {
  networkSetAllThresholds(network, DoublesIn(environment, columns).data(), count);
}

inline void networkScaleLogits(JNIEnv* environment, jclass, std::int64_t network,
                               jdoubleArray scales, jdoubleArray biases, std::int64_t count) {
  networkScaleLogits(network, DoublesIn(environment, scales).data(),
                     DoublesIn(environment, biases).data(), count);
}

inline void trainerStep(JNIEnv* environment, jclass, std::int64_t trainer, std::int64_t batch,
                        std::int64_t inputs, jlongArray targets, jlongArray masks,
                        jdoubleArray results) {
  DoublesOut written(environment, results);
  trainerStep(trainer, batch, inputs, LongsIn(environment, targets).data(),
              LongsIn(environment, masks).data(), written.data());
  written.Deliver();
}

inline void trainerStepCached(JNIEnv* environment, jclass, std::int64_t trainer, int slot,
                              std::int64_t batch, jlongArray examples, jlongArray targets,
                              jlongArray masks, jdoubleArray results) {
  DoublesOut written(environment, results);
  trainerStepCached(trainer, slot, batch, LongsIn(environment, examples).data(),
                    LongsIn(environment, targets).data(), LongsIn(environment, masks).data(),
                    written.data());
  written.Deliver();
}

inline void trainerBeginStep(JNIEnv* environment, jclass, std::int64_t trainer, std::int64_t batch,
                             std::int64_t inputs, jlongArray targets, jlongArray masks,
                             std::int64_t logits) {
  trainerBeginStep(trainer, batch, inputs, LongsIn(environment, targets).data(),
                   LongsIn(environment, masks).data(), logits);
}

inline void trainerBeginStepCached(JNIEnv* environment, jclass, std::int64_t trainer, int slot,
                                   std::int64_t batch, jlongArray examples, jlongArray targets,
                                   jlongArray masks, std::int64_t logits) {
  trainerBeginStepCached(trainer, slot, batch, LongsIn(environment, examples).data(),
                         LongsIn(environment, targets).data(), LongsIn(environment, masks).data(),
                         logits);
}

inline void trainerFinishStep(JNIEnv* environment, jclass, std::int64_t trainer,
                              std::int64_t gradients, jdoubleArray sums, jdoubleArray results) {
  DoublesOut written(environment, results);
  trainerFinishStep(trainer, gradients, DoublesIn(environment, sums).data(), written.data());
  written.Deliver();
}

inline void trainerCountLabelled(JNIEnv* environment, jclass, std::int64_t trainer,
                                 std::int64_t batch, jlongArray targets, jlongArray masks,
                                 jlongArray totals, std::int64_t count) {
  LongsOut written(environment, totals);
  trainerCountLabelled(trainer, batch, LongsIn(environment, targets).data(),
                       LongsIn(environment, masks).data(), written.data(), count);
  written.Deliver();
}

inline void trainerComputeGradients(JNIEnv* environment, jclass, std::int64_t trainer,
                                    jlongArray totals, std::int64_t count, std::int64_t first,
                                    std::int64_t batch, std::int64_t inputs, jlongArray targets,
                                    jlongArray masks, std::int64_t gradients) {
  trainerComputeGradients(trainer, LongsIn(environment, totals).data(), count, first, batch, inputs,
                          LongsIn(environment, targets).data(), LongsIn(environment, masks).data(),
                          gradients);
}

inline void trainerApplyGradients(JNIEnv* environment, jclass, std::int64_t trainer,
                                  jlongArray totals, std::int64_t count, std::int64_t gradients,
                                  jdoubleArray results) {
  DoublesOut written(environment, results);
  trainerApplyGradients(trainer, LongsIn(environment, totals).data(), count, gradients,
                        written.data());
  written.Deliver();
}

inline void trainerEvaluateCached(JNIEnv* environment, jclass, std::int64_t trainer, int slot,
                                  std::int64_t batch, jlongArray examples, std::int64_t logits) {
  trainerEvaluateCached(trainer, slot, batch, LongsIn(environment, examples).data(), logits);
}

inline void trainerCacheExamples(JNIEnv* environment, jclass, std::int64_t trainer, int slot,
                                 std::int64_t batch, jlongArray examples, std::int64_t inputs) {
  trainerCacheExamples(trainer, slot, batch, LongsIn(environment, examples).data(), inputs);
}

inline void featuresMakeRoom(JNIEnv* environment, jclass, std::int64_t features, std::int64_t count,
                             jlongArray examples) {
  featuresMakeRoom(features, count, LongsIn(environment, examples).data());
}

inline void featuresShare(JNIEnv* environment, jclass, std::int64_t features, std::int64_t from,
                          std::int64_t count, jlongArray from_examples, jlongArray to_examples) {
  featuresShare(features, from, count, LongsIn(environment, from_examples).data(),
                LongsIn(environment, to_examples).data());
}

inline void featuresWrite(JNIEnv* environment, jclass, std::int64_t features, std::int64_t count,
                          jlongArray examples, std::int64_t values) {
  featuresWrite(features, count, LongsIn(environment, examples).data(), values);
}

/// As featuresRead, to `count` elements of an array from `offset` on, which it has.
inline void featuresRead(JNIEnv* environment, jclass, std::int64_t features, std::int64_t example,
                         jfloatArray values, jsize offset, jsize count) {
  Elements<float> row(values, count);
  featuresRead(features, example, row.data(), count);
  environment->SetFloatArrayRegion(values, offset, count, row.data());
}

inline void featurePredictorCache(JNIEnv* environment, jclass, std::int64_t predictor,
                                  std::int64_t features, std::int64_t batch, jlongArray examples,
                                  std::int64_t inputs) {
  featurePredictorCache(predictor, features, batch, LongsIn(environment, examples).data(), inputs);
}

inline void featurePredictorPredict(JNIEnv* environment, jclass, std::int64_t predictor,
                                    std::int64_t features, std::int64_t batch, jlongArray examples,
                                    std::int64_t outputs) {
  featurePredictorPredict(predictor, features, batch, LongsIn(environment, examples).data(),
                          outputs);
}

inline void taskLosses(JNIEnv* environment, jclass, std::int64_t network, std::int64_t examples,
                       std::int64_t logits, jlongArray targets, jlongArray masks,
                       jdoubleArray results) {
  DoublesOut written(environment, results);
  taskLosses(network, examples, logits, LongsIn(environment, targets).data(),
             LongsIn(environment, masks).data(), written.data());
  written.Deliver();
}

inline std::string taskMetrics(JNIEnv* environment, jclass, const char* kind, const char* labels,
                               jdoubleArray thresholds, std::int64_t threshold_count,
                               bool are_logits, std::int64_t examples, std::int64_t stride,
                               std::int64_t outputs, std::int64_t targets) {
  return taskMetrics(kind, labels, DoublesIn(environment, thresholds).data(), threshold_count,
                     are_logits, examples, stride, outputs, targets);
}

/// As predictorPredict, from and to arrays, whose lengths are given.
inline void predictorPredictArray(JNIEnv* environment, jclass, std::int64_t predictor,
                                  std::int64_t batch, jfloatArray inputs, jsize input_count,
                                  jfloatArray outputs, jsize output_count) {
  FloatsOut written(environment, outputs, output_count);
  predictorPredict(predictor, batch, FloatsIn(environment, inputs, input_count).address(),
                   written.address());
  written.Deliver();
}

/// As predictorPredictPixels, from and to arrays.
inline void predictorPredictPixelArray(JNIEnv* environment, jclass, std::int64_t predictor,
                                       std::int64_t batch, jbyteArray pixels, jsize pixel_count,
                                       jfloatArray outputs, jsize output_count) {
  FloatsOut written(environment, outputs, output_count);
  predictorPredictPixels(predictor, batch, BytesIn(environment, pixels, pixel_count).address(),
                         written.address());
  written.Deliver();
}

inline void predictorStatistics(JNIEnv* environment, jclass, std::int64_t predictor,
                                jlongArray results) {
  LongsOut written(environment, results);
  predictorStatistics(predictor, written.data());
  written.Deliver();
}

}  // namespace espalier::jvm
