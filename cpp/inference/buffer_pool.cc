// SPDX-License-Identifier: Apache-2.0
#include "inference/buffer_pool.h"

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

BufferPool::BufferPool(const InferencePlan& plan, std::int64_t batch) : plan_(plan), batch_(batch) {
  Give(Make());
}

BufferPool::~BufferPool() {
  for (Slot& slot : slots_) {
    delete slot.buffers.load(std::memory_order_acquire);
  }
}

std::unique_ptr<InferenceBuffers> BufferPool::Make() {
  std::unique_ptr<InferenceBuffers> buffers =
      plan_.MakeBuffers(ThreadPool::Shared().thread_count(), batch_);
  bytes_.fetch_add(buffers->NativeBytes(), std::memory_order_relaxed);
  made_.fetch_add(1, std::memory_order_relaxed);
  return buffers;
}

std::unique_ptr<InferenceBuffers> BufferPool::Take() {
  const std::size_t home = HomeSlot();
  for (std::size_t i = 0; i < kSlots; ++i) {
    std::atomic<InferenceBuffers*>& slot = slots_[(home + i) % kSlots].buffers;
    if (slot.load(std::memory_order_relaxed) == nullptr) {
      continue;
    }
    std::unique_ptr<InferenceBuffers> buffers(slot.exchange(nullptr, std::memory_order_acquire));
    if (buffers == nullptr) {
      continue;
    }
    if (buffers->workers() >= ThreadPool::Shared().thread_count()) {
      return buffers;
    }
    Drop(std::move(buffers));  // more threads are wanted than when it was made
    break;
  }
  return Make();
}

void BufferPool::Give(std::unique_ptr<InferenceBuffers> buffers) noexcept {
  const std::size_t home = HomeSlot();
  for (std::size_t i = 0; i < kSlots; ++i) {
    InferenceBuffers* empty = nullptr;
    if (slots_[(home + i) % kSlots].buffers.compare_exchange_strong(
            empty, buffers.get(), std::memory_order_release, std::memory_order_relaxed)) {
      static_cast<void>(buffers.release());
      return;
    }
  }
  Drop(std::move(buffers));
}

void BufferPool::Drop(std::unique_ptr<InferenceBuffers> buffers) noexcept {
  bytes_.fetch_sub(buffers->NativeBytes(), std::memory_order_relaxed);
}

}  // namespace espalier
