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

/// The field of java.nio.Buffer where the JVM itself finds the address, made sure of with a direct
/// buffer; null where it is another.
inline jfieldID addressField(JNIEnv* environment, jclass type, jobject buffer) {
  static const jfieldID field = [&]() -> jfieldID {
    const jclass owner = environment->FindClass("java/nio/Buffer");
    const jfieldID found =
        owner == nullptr ? nullptr : environment->GetFieldID(owner, "address", "J");
    environment->ExceptionClear();
    return found != nullptr && environment->GetLongField(buffer, found) ==
                                   bufferAddress(environment, type, buffer)
               ? found
               : nullptr;
  }();
  return field;
}

/// As predictorPredict, from and to direct buffers of floats, from element `input` and `output`
/// on: one crossing instead of three. The caller has checked that the buffers are direct, so that
/// their addresses may be read from the field: asking the JVM costs 10 ns each.
inline void predictorPredictBuffers(JNIEnv* environment, jclass type, jobject inputs,
                                    std::int64_t input, jobject outputs, std::int64_t output,
                                    std::int64_t predictor, std::int64_t batch) {
  const auto address = [&](jobject buffer, std::int64_t element) {
    if (buffer == nullptr) return std::int64_t{0};
    const jfieldID field = addressField(environment, type, buffer);
    const std::int64_t first = field == nullptr ? bufferAddress(environment, type, buffer)
                                                : environment->GetLongField(buffer, field);
    return first == 0 ? 0 : first + element * static_cast<std::int64_t>(sizeof(float));
  };
  predictorPredict(predictor, batch, address(inputs, input), address(outputs, output));
}

}  // namespace espalier::jvm
