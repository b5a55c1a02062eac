// SPDX-License-Identifier: Apache-2.0
#include "core/fast_paths.h"

#ifdef ESPALIER_FAIL_POINTS
#include <atomic>

namespace espalier {
namespace {

constexpr int kNone = -1;
std::atomic<int> missing{kNone};
std::atomic<std::int64_t> missed_count{0};

}  // namespace

bool Takes(FastPath path) {
  if (missing.load(std::memory_order_relaxed) != static_cast<int>(path)) return true;
  missed_count.fetch_add(1, std::memory_order_relaxed);
  return false;
}

WithoutFastPath::WithoutFastPath(FastPath path) {
  missed_count = 0;
  missing = static_cast<int>(path);
}

WithoutFastPath::~WithoutFastPath() { missing = kNone; }

std::int64_t WithoutFastPath::missed() const { return missed_count; }

}  // namespace espalier
#endif
