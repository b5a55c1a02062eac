// SPDX-License-Identifier: Apache-2.0
#include "inference/buffer_pool.h"

#include <algorithm>
#include <utility>

#include "core/thread_pool.h"

namespace espalier {
namespace {

// Where the calling thread looks first, in any pool: where it last found a slot, whose set may
// still be in its CPU's cache, and where no other thread looks as long as there are slots enough.
thread_local constinit std::size_t last_slot = 0;

// Only the owner of a slot counts in it, so that no atomic addition is needed.
void Count(std::atomic<std::int64_t>& leases) {
  leases.store(leases.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

BufferPool::BufferPool(const InferencePlan& plan, std::int64_t batch, int most_threads)
    : plan_(plan), batch_(batch), most_threads_(plan.CanUseWorkers(batch) ? most_threads : 1) {
  slots_[0].buffers = Make();
  slots_[0].buffers->plan->TouchPages();
  slots_[0].is_free.store(true, std::memory_order_release);
  used_slots_.store(1, std::memory_order_release);
}

BufferPool::~BufferPool() = default;

void BufferPool::Prepare(int callers, std::int64_t most_bytes) {
  const std::int64_t bytes = NativeBytes() / made_count();
  const std::size_t count =
      std::min({static_cast<std::size_t>(kSlots), static_cast<std::size_t>(callers),
                static_cast<std::size_t>(most_bytes / std::max<std::int64_t>(1, bytes))});
  for (std::size_t i = used_slots_.load(std::memory_order_relaxed); i < count; ++i) {
    slots_[i].buffers = Make();
    slots_[i].buffers->plan->TouchPages();
    slots_[i].is_free.store(true, std::memory_order_release);
    used_slots_.store(i + 1, std::memory_order_release);
  }
}

std::int64_t BufferPool::lease_count() const {
  std::int64_t count = temporary_count();
  for (const Slot& slot : slots_) {
    count += slot.leases.load(std::memory_order_relaxed);
  }
  return count;
}

float* BufferPool::Lease::Converted(std::int64_t floats) const {
  AlignedArray<float>& converted = buffers_->converted;
  if (converted.size() < floats) {
    AlignedArray<float> larger(floats);
    pool_.bytes_.fetch_add(larger.bytes() - converted.bytes(), std::memory_order_relaxed);
    converted = std::move(larger);
  }
  return converted.data();
}

// Returns a slot that now belongs to the caller; null if all are taken.
BufferPool::Slot* BufferPool::TakeSlot() {
  Slot& slot = slots_[last_slot];
  return slot.TryTake() ? &slot : TakeOtherSlot();
}

BufferPool::Slot* BufferPool::TakeOtherSlot() {
  std::size_t used = used_slots_.load(std::memory_order_acquire);
  const std::size_t first = last_slot < used ? last_slot : 0;
  for (std::size_t i = 0; i < used; ++i) {
    const std::size_t index = first + i < used ? first + i : first + i - used;
    if (slots_[index].TryTake()) {
      last_slot = index;
      return &slots_[index];
    }
  }
  while (used < kSlots) {
    if (used_slots_.compare_exchange_weak(used, used + 1, std::memory_order_acq_rel)) {
      last_slot = used;
      return &slots_[used];
    }
  }
  return nullptr;
}

// Returns the set of a slot of the caller's. More threads may be wanted than when it was made.
BufferPool::Buffers* BufferPool::PrepareBuffers(Slot& slot) {
  Count(slot.leases);
  Buffers* const buffers = slot.buffers.get();
  if (buffers == nullptr || buffers->plan->workers() < WantedThreads()) [[unlikely]] {
    return RenewBuffers(slot);
  }
  return buffers;
}

// Gives the slot back if there is no memory for another set.
BufferPool::Buffers* BufferPool::RenewBuffers(Slot& slot) {
  try {
    Drop(std::exchange(slot.buffers, nullptr));
    slot.buffers = Make();
  } catch (...) {
    slot.is_free.store(true, std::memory_order_release);
    throw;
  }
  return slot.buffers.get();
}

BufferPool::Buffers* BufferPool::MakeTemporary() {
  temporary_.fetch_add(1, std::memory_order_relaxed);
  return Make().release();
}

int BufferPool::WantedThreads() const {
  if (most_threads_ == 1) return 1;
  const int threads = ThreadPool::Shared().thread_count();
  return most_threads_ > 0 ? std::min(threads, most_threads_) : threads;
}

std::unique_ptr<BufferPool::Buffers> BufferPool::Make() {
  auto buffers = std::make_unique<Buffers>();
  buffers->plan = plan_.MakeBuffers(WantedThreads(), batch_);
  bytes_.fetch_add(buffers->plan->NativeBytes(), std::memory_order_relaxed);
  made_.fetch_add(1, std::memory_order_relaxed);
  return buffers;
}

void BufferPool::Drop(std::unique_ptr<Buffers> buffers) noexcept {
  if (buffers != nullptr) {
    bytes_.fetch_sub(buffers->plan->NativeBytes() + buffers->converted.bytes(),
                     std::memory_order_relaxed);
  }
}

}  // namespace espalier
