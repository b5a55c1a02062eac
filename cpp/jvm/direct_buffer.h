// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one function that needs JNI itself: included by JavaCPP's generated code alone.

#include <jni.h>

#include <cstdint>

namespace espalier::jvm {

/// Address of a direct buffer's first element (position 0); 0 for null or a heap buffer.
inline std::int64_t bufferAddress(JNIEnv* environment, jclass, jobject buffer) {
  return buffer == nullptr
             ? 0
             : reinterpret_cast<std::int64_t>(environment->GetDirectBufferAddress(buffer));
}

}  // namespace espalier::jvm
