// SPDX-License-Identifier: Apache-2.0
#pragma once

// Buffers for any number of callers of one plan, without locks: each takes a set that is
// free, or makes one, and puts it back. The first set is there for ever, so that one caller at a
// time always finds one; others that nobody has wanted for a while are given back.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "core/memory.h"
#include "inference/inference_run.h"
#include "inference/inference_plan.h"

namespace espalier {

class BufferPool {
  struct Buffers;
  struct Slot;

 public:
  /// Keeps at most this many sets; more callers at once make temporary ones.
  static constexpr int kSlots = 64;

  /// A set that nobody has taken for so long is given back; at most twice as long after.
  static constexpr std::int64_t kIdleNanos = 10'000'000'000;

  /// The plan is borrowed for the pool's life. Makes the first set. `most_threads` limits
  /// the threads of a call; 0: the thread pool alone does.
  BufferPool(const InferencePlan& plan, std::int64_t batch, int most_threads = 0,
             std::int64_t idle_nanos = kIdleNanos);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// Makes sets for so many callers at once, whose first calls then need not; fewer if they
  /// took more than `most_bytes` together. These are not given back. To be called before the first
  /// lease.
  void Prepare(int callers, std::int64_t most_bytes);

  /// Gives the first set room for converted inputs. To be called before the first lease.
  void PrepareConverted(std::int64_t floats);

  /// Gives back what has been idle for long. Leases do it by themselves from time to time; who
  /// reads NativeBytes after a burst may want it as well.
  void GiveBackIdle();

  std::int64_t batch() const { return batch_; }
  std::int64_t NativeBytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::int64_t made_count() const { return made_.load(std::memory_order_relaxed); }
  std::int64_t temporary_count() const { return temporary_.load(std::memory_order_relaxed); }
  std::int64_t lease_count() const;  ///< so far

  /// A set for the length of a scope. Throws Error: OUT_OF_MEMORY where there is no memory for one
  /// more than others hold.
  class Lease {
   public:
    explicit Lease(BufferPool& pool) : pool_(pool), slot_(pool.TakeSlot()) {
      buffers_ = slot_ != nullptr ? pool.PrepareBuffers(slot_) : pool.MakeTemporary();
    }
    ~Lease() {
      if (slot_ != nullptr) {
        slot_->is_free.store(true, std::memory_order_release);
      } else {
        pool_.Drop(std::unique_ptr<Buffers>(buffers_));
      }
      if (lent_ != nullptr) lent_->is_free.store(true, std::memory_order_release);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    InferenceRun& operator*() const { return *buffers_->plan; }

    /// Room for inputs of `floats`; grows with the largest number so far.
    float* Converted(std::int64_t floats);

   private:
    BufferPool& pool_;
    Slot* slot_;            // null: the set is a temporary one
    Buffers* buffers_;      // of the slot, or its own
    Slot* lent_ = nullptr;  // the first one, for its converted inputs, if there is no memory
  };

 private:
  struct Buffers {
    std::unique_ptr<InferenceRun> plan;
    AlignedArray<float> converted;  // inputs that came in another form
  };

  // Belongs to whoever cleared is_free: taking it is the only step that threads contend for.
  // A cache line each, so that callers on different CPUs do not disturb each other.
  struct alignas(kAlignmentBytes) Slot {
    bool TryTake() {
      return is_free.load(std::memory_order_relaxed) &&
             is_free.exchange(false, std::memory_order_acquire);
    }

    // Only the owner counts, so that no atomic addition is needed.
    std::int64_t Count() {
      const std::int64_t count = leases.load(std::memory_order_relaxed) + 1;
      leases.store(count, std::memory_order_relaxed);
      return count;
    }

    std::atomic<bool> is_free{false};
    std::atomic<std::int64_t> leases{0};
    std::atomic<std::int64_t> leases_then{0};  // when idle sets were last looked for
    std::unique_ptr<Buffers> buffers;
  };

  Slot* TakeSlot();
  Slot* TakeOtherSlot();

  // Returns the set of the caller's slot, or of another that now is the caller's instead. More
  // threads may be wanted than when it was made.
  Buffers* PrepareBuffers(Slot*& slot) {
    if ((slot->Count() & looking_mask_) == 0) GiveBackIdle();
    Buffers* const buffers = slot->buffers.get();
    if (buffers == nullptr || buffers->plan->workers() < WantedThreads()) [[unlikely]] {
      return RenewBuffers(slot);
    }
    return buffers;
  }

  Buffers* RenewBuffers(Slot*& slot);
  Slot* TakeReadySlot();
  Buffers* MakeTemporary();
  int WantedThreads() const { return most_threads_ == 1 ? 1 : ThreadsNow(); }
  int ThreadsNow() const;
  std::unique_ptr<Buffers> Make();
  void Drop(std::unique_ptr<Buffers> buffers) noexcept;

  const InferencePlan& plan_;
  std::int64_t batch_;
  int most_threads_;
  std::int64_t idle_nanos_;
  std::int64_t looking_mask_;            // of leases: idle sets are looked for where no bit is set
  std::size_t kept_ = 1;                 // the first ones are never given back
  std::atomic<std::int64_t> look_next_;  // when
  std::array<Slot, kSlots> slots_;
  std::atomic<std::size_t> used_slots_{0};  // the first ones; slots after them are nobody's
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::int64_t> made_{0};
  std::atomic<std::int64_t> temporary_{0};
};

}  // namespace espalier
