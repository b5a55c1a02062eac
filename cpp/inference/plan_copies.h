// SPDX-License-Identifier: Apache-2.0
#pragma once

// On some CPUs two cores that read the same bytes, each from its own L2, get a sixth to a fourth
// less of them a second than if each reads bytes of its own: docs/decisions/0008.

#include <cstdint>
#include <utility>
#include <vector>

#include "core/function_ref.h"
#include "inference/inference_plan.h"

namespace espalier {

/// A plan for several callers, with its weights as often as wanted, or as pays. Any copy runs with
/// a run of the first one, and gives the same bits.
class PlanCopies {
 public:
  explicit PlanCopies(InferencePlan first) : first_(std::move(first)) {}

  /// Makes it `wanted` copies, the first one included; 0: as many as pay. To be called before any
  /// other thread has it.
  void AddCopies(int wanted, FunctionRef<InferencePlan()> make);

  const InferencePlan& first() const { return first_; }
  int count() const { return static_cast<int>(others_.size()) + 1; }
  std::int64_t NativeBytes() const { return first_.NativeBytes() * count(); }

  /// The copy for the L2 of the CPU that the caller is on.
  const InferencePlan& ForCaller() const;

 private:
  InferencePlan first_;
  std::vector<InferencePlan> others_;
};

struct WeightUse {
  std::int64_t bytes = 0;
  std::int64_t work = 0;  // multiply-adds of an example, or what takes as long
};

/// True if reading the weights from L2 is most of what an example costs. Smaller weights lie in L1,
/// where sharing costs nothing; larger ones come from a cache or a memory that cores share, in
/// which copies would only take each other's place; and convolutions, which take many multiply-adds
/// for each byte, find most of them in L1 again.
bool IsReadingFromL2(const WeightUse& use, std::int64_t l1_bytes, std::int64_t l2_bytes);

/// A copy for each L2, if together they take no more than 8 MiB, and the others than the first no
/// more than a quarter of the free memory; otherwise 1, for a copy that two cores read is read no
/// faster than one that all read.
int CopiesWithin(std::int64_t bytes, int l2_count, std::int64_t free_bytes);

}  // namespace espalier
