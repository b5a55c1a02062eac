// SPDX-License-Identifier: Apache-2.0
#include "jvm/seeded_faults.h"

#ifdef ESPALIER_SEEDED_FAULTS

#include <limits>
#include <thread>

#include "core/memory.h"

namespace espalier::jvm {
namespace {

// Right behind memory of the allocator that all tensors come from.
void OverflowHeap() {
  AlignedArray<float> array(16);
  volatile float* const values = array.data();
  volatile const std::int64_t end = array.size();
  values[end] = 1.0f;
}

void OverflowInt() {
  volatile int value = std::numeric_limits<int>::max();
  value = value + 1;
}

void RaceForInt() {
  volatile int value = 0;
  const auto count = [&] {
    for (int i = 0; i < 1000; ++i) value = value + i;
  };
  std::thread other(count);
  count();
  other.join();
}

}  // namespace

void CommitSeededFault(int number) {
  switch (number) {
    case kHeapOverflow:
      return OverflowHeap();
    case kSignedOverflow:
      return OverflowInt();
    case kDataRace:
      return RaceForInt();
    default:
      return;
  }
}

}  // namespace espalier::jvm

#endif
