// SPDX-License-Identifier: Apache-2.0
#pragma once

// Buffers for any number of callers of one plan, without locks: each takes a set that is
// free, or makes one, and puts it back.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "inference/inference_buffers.h"
#include "inference/inference_plan.h"

namespace espalier {

class BufferPool {
 public:
  /// Keeps at most this many sets; more callers at once make temporary ones.
  static constexpr int kSlots = 64;

  /// The plan is borrowed for the pool's life. Makes the first set.
  BufferPool(const InferencePlan& plan, std::int64_t batch);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  std::int64_t batch() const { return batch_; }
  std::int64_t NativeBytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::int64_t made_count() const { return made_.load(std::memory_order_relaxed); }

  /// A set for the length of a scope.
  class Lease {
   public:
    explicit Lease(BufferPool& pool) : pool_(pool), buffers_(pool.Take()) {}
    ~Lease() { pool_.Give(std::move(buffers_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    InferenceBuffers& operator*() const { return *buffers_; }

   private:
    BufferPool& pool_;
    std::unique_ptr<InferenceBuffers> buffers_;
  };

 private:
  // A cache line each, so that callers on different CPUs do not disturb each other.
  struct alignas(kAlignmentBytes) Slot {
    std::atomic<InferenceBuffers*> buffers{nullptr};
  };

  std::unique_ptr<InferenceBuffers> Make();
  void Drop(std::unique_ptr<InferenceBuffers> buffers) noexcept;
  std::unique_ptr<InferenceBuffers> Take();
  void Give(std::unique_ptr<InferenceBuffers> buffers) noexcept;

  const InferencePlan& plan_;
  std::int64_t batch_;
  std::array<Slot, kSlots> slots_;
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::int64_t> made_{0};
};

}  // namespace espalier
