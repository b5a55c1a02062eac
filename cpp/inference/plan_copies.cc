// SPDX-License-Identifier: Apache-2.0
#include "inference/plan_copies.h"

#include "core/caches.h"
#include "core/memory.h"

namespace espalier {
namespace {

// Of a predictor: little beside a Java virtual machine, which takes 39 MB when it does nothing.
constexpr std::int64_t kMostBytes = std::int64_t{8} << 20;

int CopiesThatPay(const InferencePlan& plan) {
  const WeightUse use = {.bytes = plan.NativeBytes(), .work = plan.work()};
  if (!IsReadingFromL2(use, L1DataCacheBytes(), L2CacheBytes())) return 1;
  return CopiesWithin(use.bytes, L2CacheCount(), NativeBytesLimit() - NativeBytesInUse());
}

}  // namespace

void PlanCopies::AddCopies(int wanted, FunctionRef<InferencePlan()> make) {
  const int count = wanted > 0 ? wanted : CopiesThatPay(first_);
  while (this->count() < count) others_.push_back(make());
}

const InferencePlan& PlanCopies::ForCaller() const {
  if (others_.empty()) return first_;
  const int copy = CurrentL2Cache() % count();
  return copy == 0 ? first_ : others_[static_cast<std::size_t>(copy - 1)];
}

bool IsReadingFromL2(const WeightUse& use, std::int64_t l1_bytes, std::int64_t l2_bytes) {
  // Dense layers take a multiply-add for four bytes, in bfloat16 for two.
  return use.work <= use.bytes && use.bytes > l1_bytes && use.bytes <= l2_bytes;
}

int CopiesWithin(std::int64_t bytes, int l2_count, std::int64_t free_bytes) {
  const bool is_little = bytes <= kMostBytes / l2_count;
  return is_little && bytes * (l2_count - 1) <= free_bytes / 4 ? l2_count : 1;
}

}  // namespace espalier
