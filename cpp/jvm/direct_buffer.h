// SPDX-License-Identifier: Apache-2.0
#pragma once

// What needs JNI itself: included by JavaCPP's generated code alone.

#include <jni.h>

#include <cstdint>

#include "jvm/bridge.h"

namespace espalier::jvm {

/// Address of a direct buffer's first element (position 0); 0 for null or a heap buffer.
inline std::int64_t bufferAddress(JNIEnv* environment, jclass, jobject buffer) {
  return buffer == nullptr
             ? 0
             : reinterpret_cast<std::int64_t>(environment->GetDirectBufferAddress(buffer));
}

/// As predictorPredict, from and to direct buffers of floats, from element `input` and `output`
/// on: one crossing instead of three.
inline void predictorPredictBuffers(JNIEnv* environment, jclass type, jobject inputs,
                                    std::int64_t input, jobject outputs, std::int64_t output,
                                    std::int64_t predictor, std::int64_t batch) {
  const auto address = [&](jobject buffer, std::int64_t element) {
    const std::int64_t first = bufferAddress(environment, type, buffer);
    return first == 0 ? 0 : first + element * static_cast<std::int64_t>(sizeof(float));
  };
  predictorPredict(predictor, batch, address(inputs, input), address(outputs, output));
}

}  // namespace espalier::jvm
