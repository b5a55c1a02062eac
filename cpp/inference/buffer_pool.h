// SPDX-License-Identifier: Apache-2.0
#pragma once

// Buffers for any number of callers of one plan, without locks: each takes a set that is
// free, or makes one, and puts it back.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "core/memory.h"
#include "inference/inference_buffers.h"
#include "inference/inference_plan.h"

namespace espalier {

class BufferPool {
  struct Buffers;
  struct Slot;

 public:
  /// Keeps at most this many sets; more callers at once make temporary ones.
  static constexpr int kSlots = 64;

  /// The plan is borrowed for the pool's life. Makes the first set. `most_threads` limits
  /// the threads of a call; 0: the thread pool alone does.
  BufferPool(const InferencePlan& plan, std::int64_t batch, int most_threads = 0);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// Makes sets for so many callers at once, whose first calls then need not; fewer if they
  /// took more than `most_bytes` together. To be called before the first lease.
  void Prepare(int callers, std::int64_t most_bytes);

  std::int64_t batch() const { return batch_; }
  std::int64_t NativeBytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::int64_t made_count() const { return made_.load(std::memory_order_relaxed); }
  std::int64_t temporary_count() const { return temporary_.load(std::memory_order_relaxed); }
  std::int64_t lease_count() const;  ///< so far

  /// A set for the length of a scope.
  class Lease {
   public:
    explicit Lease(BufferPool& pool) : pool_(pool), slot_(pool.TakeSlot()) {
      buffers_ = slot_ != nullptr ? pool.PrepareBuffers(*slot_) : pool.MakeTemporary();
    }
    ~Lease() {
      if (slot_ != nullptr) {
        slot_->is_free.store(true, std::memory_order_release);
      } else {
        pool_.Drop(std::unique_ptr<Buffers>(buffers_));
      }
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    InferenceBuffers& operator*() const { return *buffers_->plan; }

    /// Room for inputs of `floats`; grows with the largest number so far.
    float* Converted(std::int64_t floats) const;

   private:
    BufferPool& pool_;
    Slot* slot_;        // null: the set is a temporary one
    Buffers* buffers_;  // of the slot, or its own
  };

 private:
  struct Buffers {
    std::unique_ptr<InferenceBuffers> plan;
    AlignedArray<float> converted;  // inputs that came in another form
  };

  // Belongs to whoever cleared is_free: taking it is the only step that threads contend for.
  // A cache line each, so that callers on different CPUs do not disturb each other.
  struct alignas(kAlignmentBytes) Slot {
    bool TryTake() {
      return is_free.load(std::memory_order_relaxed) &&
             is_free.exchange(false, std::memory_order_acquire);
    }

    std::atomic<bool> is_free{false};
    std::atomic<std::int64_t> leases{0};
    std::unique_ptr<Buffers> buffers;
  };

  Slot* TakeSlot();
  Slot* TakeOtherSlot();
  Buffers* PrepareBuffers(Slot& slot);
  Buffers* RenewBuffers(Slot& slot);
  Buffers* MakeTemporary();
  int WantedThreads() const;
  std::unique_ptr<Buffers> Make();
  void Drop(std::unique_ptr<Buffers> buffers) noexcept;

  const InferencePlan& plan_;
  std::int64_t batch_;
  int most_threads_;
  std::array<Slot, kSlots> slots_;
  std::atomic<std::size_t> used_slots_{0};  // the first ones; slots after them are nobody's
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::int64_t> made_{0};
  std::atomic<std::int64_t> temporary_{0};
};

}  // namespace espalier
