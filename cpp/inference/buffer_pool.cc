// SPDX-License-Identifier: Apache-2.0
#include "inference/buffer_pool.h"

#include <algorithm>

#include "core/thread_pool.h"

namespace espalier {
namespace {

// Where the calling thread looks first: threads are numbered as they come.
std::size_t HomeSlot() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t home =
      threads.fetch_add(1, std::memory_order_relaxed) % BufferPool::kSlots;
  return home;
}

}  // namespace

BufferPool::BufferPool(const InferencePlan& plan, std::int64_t batch, int most_threads)
    : plan_(plan), batch_(batch), most_threads_(most_threads) {
  std::unique_ptr<Buffers> first = Make();
  first->plan->TouchPages();
  Give(std::move(first));
}

BufferPool::~BufferPool() {
  for (Slot& slot : slots_) {
    delete slot.buffers.load(std::memory_order_acquire);
  }
}

std::int64_t BufferPool::lease_count() const {
  std::int64_t count = 0;
  for (const Slot& slot : slots_) {
    count += slot.leases.load(std::memory_order_relaxed);
  }
  return count;
}

float* BufferPool::Lease::Converted(std::int64_t floats) const {
  AlignedArray<float>& converted = buffers_->converted;
  if (converted.empty()) {
    converted = AlignedArray<float>(floats);
    pool_.bytes_.fetch_add(converted.bytes(), std::memory_order_relaxed);
  }
  return converted.data();
}

int BufferPool::WantedThreads() const {
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

std::unique_ptr<BufferPool::Buffers> BufferPool::Take() {
  const std::size_t home = HomeSlot();
  slots_[home].leases.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kSlots; ++i) {
    std::atomic<Buffers*>& slot = slots_[(home + i) % kSlots].buffers;
    if (slot.load(std::memory_order_relaxed) == nullptr) {
      continue;
    }
    std::unique_ptr<Buffers> buffers(slot.exchange(nullptr, std::memory_order_acquire));
    if (buffers == nullptr) {
      continue;
    }
    if (buffers->plan->workers() >= WantedThreads()) {
      return buffers;
    }
    Drop(std::move(buffers));  // more threads are wanted than when it was made
    break;
  }
  return Make();
}

void BufferPool::Give(std::unique_ptr<Buffers> buffers) noexcept {
  const std::size_t home = HomeSlot();
  for (std::size_t i = 0; i < kSlots; ++i) {
    Buffers* empty = nullptr;
    if (slots_[(home + i) % kSlots].buffers.compare_exchange_strong(
            empty, buffers.get(), std::memory_order_release, std::memory_order_relaxed)) {
      static_cast<void>(buffers.release());
      return;
    }
  }
  temporary_.fetch_add(1, std::memory_order_relaxed);
  Drop(std::move(buffers));
}

void BufferPool::Drop(std::unique_ptr<Buffers> buffers) noexcept {
  bytes_.fetch_sub(buffers->plan->NativeBytes() + buffers->converted.bytes(),
                   std::memory_order_relaxed);
}

}  // namespace espalier
