// SPDX-License-Identifier: Apache-2.0
#include "inference/buffer_pool.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "core/thread_pool.h"
#include "espalier/error.h"

namespace espalier {
namespace {

// Where the calling thread looks first, in any pool: where it last found a slot, whose set may
// still be in its CPU's cache, and where no other thread looks as long as there are slots enough.
thread_local constinit std::size_t last_slot = 0;

// Reading the clock takes 5 ns, as long as this many multiply-adds, or a twentieth of the shortest
// calls: after longer ones it is read each time, after others now and then.
constexpr std::int64_t kLongWork = 100'000;
constexpr std::int64_t kShortCallMask = 63;

// To 4 ms or so.
std::int64_t CoarseNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

}  // namespace

BufferPool::BufferPool(const InferencePlan& plan, std::int64_t batch, int most_threads,
                       std::int64_t idle_nanos)
    : plan_(plan),
      batch_(batch),
      most_threads_(plan.CanUseWorkers(batch) ? most_threads : 1),
      idle_nanos_(idle_nanos),
      looking_mask_(plan.work() >= kLongWork ? 0 : kShortCallMask),
      look_next_(CoarseNanos() + idle_nanos) {
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
    kept_ = i + 1;
  }
}

void BufferPool::PrepareConverted(std::int64_t floats) {
  AlignedArray<float> converted(floats);
  bytes_.fetch_add(converted.bytes(), std::memory_order_relaxed);
  slots_[0].buffers->converted = std::move(converted);
}

void BufferPool::GiveBackIdle() {
  const std::int64_t now = CoarseNanos();
  std::int64_t due = look_next_.load(std::memory_order_relaxed);
  if (now < due || !look_next_.compare_exchange_strong(due, now + idle_nanos_)) return;
  const std::size_t used = used_slots_.load(std::memory_order_acquire);
  for (std::size_t i = kept_; i < used; ++i) {
    Slot& slot = slots_[i];
    const std::int64_t leases = slot.leases.load(std::memory_order_relaxed);
    const bool is_idle = slot.leases_then.exchange(leases, std::memory_order_relaxed) == leases;
    if (!is_idle || !slot.TryTake()) continue;
    Drop(std::exchange(slot.buffers, nullptr));
    slot.is_free.store(true, std::memory_order_release);
  }
}

std::int64_t BufferPool::lease_count() const {
  std::int64_t count = temporary_count();
  for (const Slot& slot : slots_) {
    count += slot.leases.load(std::memory_order_relaxed);
  }
  return count;
}

float* BufferPool::Lease::Converted(std::int64_t floats) {
  if (lent_ != nullptr) return lent_->buffers->converted.data();
  AlignedArray<float>& converted = buffers_->converted;
  if (converted.size() >= floats) return converted.data();
  try {
    AlignedArray<float> larger(floats);
    pool_.bytes_.fetch_add(larger.bytes() - converted.bytes(), std::memory_order_relaxed);
    converted = std::move(larger);
    return converted.data();
  } catch (const Error&) {
    Slot& first = pool_.slots_[0];
    if (&first == slot_ || !first.TryTake()) throw;
    lent_ = &first;
    if (first.buffers->converted.size() < floats) throw;
    return first.buffers->converted.data();
  }
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

// A set that is there goes before a new one. Where there is no memory for that, a set for fewer
// threads has to do; without any the slot is given back.
BufferPool::Buffers* BufferPool::RenewBuffers(Slot*& slot) {
  if (slot->buffers == nullptr) {
    if (Slot* const ready = TakeReadySlot(); ready != nullptr) {
      // The lease counts where it ends up.
      slot->leases.store(slot->leases.load(std::memory_order_relaxed) - 1,
                         std::memory_order_relaxed);
      slot->is_free.store(true, std::memory_order_release);
      slot = ready;
      slot->Count();
    }
  }
  if (slot->buffers != nullptr && slot->buffers->plan->workers() >= WantedThreads()) {
    return slot->buffers.get();
  }
  try {
    std::unique_ptr<Buffers> renewed = Make();
    if (slot->buffers != nullptr) {
      // Its size is in the count of bytes already.
      renewed->converted = std::move(slot->buffers->converted);
      Drop(std::exchange(slot->buffers, nullptr));
    }
    slot->buffers = std::move(renewed);
  } catch (...) {  // std::bad_alloc, too
    if (slot->buffers == nullptr) {
      slot->is_free.store(true, std::memory_order_release);
      throw;
    }
  }
  return slot->buffers.get();
}

// Returns a slot with a set, which now belongs to the caller; null if none is free.
BufferPool::Slot* BufferPool::TakeReadySlot() {
  const std::size_t used = used_slots_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) {
    if (!slots_[i].TryTake()) continue;
    if (slots_[i].buffers != nullptr) {
      last_slot = i;
      return &slots_[i];
    }
    slots_[i].is_free.store(true, std::memory_order_release);
  }
  return nullptr;
}

BufferPool::Buffers* BufferPool::MakeTemporary() {
  temporary_.fetch_add(1, std::memory_order_relaxed);
  return Make().release();
}

int BufferPool::ThreadsNow() const {
  const int threads = ThreadPool::Shared().thread_count();
  return most_threads_ > 0 ? std::min(threads, most_threads_) : threads;
}

std::unique_ptr<BufferPool::Buffers> BufferPool::Make() {
  auto buffers = std::make_unique<Buffers>();
  buffers->plan = plan_.MakeRun(WantedThreads(), batch_);
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
