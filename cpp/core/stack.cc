// SPDX-License-Identifier: Apache-2.0
#include "core/stack.h"

#include <pthread.h>

#include <cstddef>
#include <limits>

namespace espalier {
namespace {

// The lowest byte of the calling thread's stack; null if unknown.
const std::byte* LowestByte() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return nullptr;
  void* lowest = nullptr;
  std::size_t bytes = 0;
  const int error = pthread_attr_getstack(&attributes, &lowest, &bytes);
  pthread_attr_destroy(&attributes);
  return error == 0 ? static_cast<const std::byte*>(lowest) : nullptr;
}

}  // namespace

std::int64_t StackBytesLeft() {
  static thread_local const std::byte* const lowest = LowestByte();
  if (lowest == nullptr) return std::numeric_limits<std::int64_t>::max();
  return static_cast<const std::byte*>(__builtin_frame_address(0)) - lowest;
}

}  // namespace espalier
