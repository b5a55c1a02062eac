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

/// Address of a direct buffer's element; 0 for null. The caller has checked that the buffer is
/// direct, so that its address may be read from the field: asking the JVM costs 10 ns.
template <typename Element>
std::int64_t elementAddress(JNIEnv* environment, jclass type, jobject buffer, std::int64_t index) {
  if (buffer == nullptr) return 0;
  const jfieldID field = addressField(environment, type, buffer);
  const std::int64_t first = field == nullptr ? bufferAddress(environment, type, buffer)
                                              : environment->GetLongField(buffer, field);
  return first == 0 ? 0 : first + index * static_cast<std::int64_t>(sizeof(Element));
}

/// As predictorPredict, from and to direct buffers of floats, from element `input` and `output`
/// on: one crossing instead of three.
inline void predictorPredictBuffers(JNIEnv* environment, jclass type, jobject inputs,
                                    std::int64_t input, jobject outputs, std::int64_t output,
                                    std::int64_t predictor, std::int64_t batch) {
  predictorPredict(predictor, batch, elementAddress<float>(environment, type, inputs, input),
                   elementAddress<float>(environment, type, outputs, output));
}

/// As predictorPredictPixels, likewise.
inline void predictorPredictPixelBuffers(JNIEnv* environment, jclass type, jobject pixels,
                                         std::int64_t pixel, jobject outputs, std::int64_t output,
                                         std::int64_t predictor, std::int64_t batch) {
  predictorPredictPixels(predictor, batch,
                         elementAddress<std::uint8_t>(environment, type, pixels, pixel),
                         elementAddress<float>(environment, type, outputs, output));
}

}  // namespace espalier::jvm
