// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/memory.h"
#include "espalier/predictor.h"
#include "inference/buffer_pool.h"
#include "inference/inference_plan.h"
#include "network/network_state.h"
#include "testing/inference_networks.h"
#include "testing/sanitized.h"

#ifndef ESPALIER_SANITIZED
namespace {

std::atomic<std::int64_t> allocations{0};
std::atomic<bool> fails{false};

void* CountedAllocation(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (fails) throw std::bad_alloc();
  void* memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                     : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return CountedAllocation(size, 0); }
void* operator new[](std::size_t size) { return CountedAllocation(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return CountedAllocation(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
#endif

namespace espalier {
namespace {

#ifndef ESPALIER_SANITIZED
TEST(Allocation, PredictAllocatesNothing) {
  const Network network = testing::FusionNetwork();
  const Predictor predictor(network, {.max_batch_size = 8});
  const std::vector<float> inputs = testing::NormalFloats(20 * predictor.input_size(), 1);
  std::vector<float> outputs(static_cast<std::size_t>(20 * predictor.output_size()));
  const std::vector<std::uint8_t> pixels(inputs.size());
  const auto predict = [&](std::int64_t batch) {
    const std::size_t values = static_cast<std::size_t>(batch * predictor.input_size());
    const auto to =
        std::span(outputs).first(static_cast<std::size_t>(batch * predictor.output_size()));
    predictor.Predict(batch, std::span(inputs).first(values), to);
    predictor.PredictPixels(batch, std::span(pixels).first(values), to);
  };
  predict(20);  // starts workers, if it wants any
  const std::int64_t native = NativeBytesInUse();
  const std::int64_t before = allocations.load();
  for (int i = 0; i < 50; ++i) {
    predict(1);
    predict(8);
    predict(20);
  }
  EXPECT_EQ(allocations.load() - before, 0);
  EXPECT_EQ(NativeBytesInUse(), native);
}

TEST(Allocation, ACallerWithoutMemoryLeavesItsPlaceToOthers) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {},
                           {network.state()->logits(network.state()->heads[0])}, 1);
  BufferPool pool(plan, 1);
  const BufferPool::Lease first(pool);
  for (int i = 0; i < BufferPool::kSlots; ++i) {
    fails = true;
    bool has_failed = false;
    try {
      const BufferPool::Lease second(pool);
    } catch (const std::bad_alloc&) {
      has_failed = true;
    }
    fails = false;
    ASSERT_TRUE(has_failed);
  }
  {
    const BufferPool::Lease second(pool);
  }
  {
    const BufferPool::Lease second(pool);
  }
  EXPECT_EQ(pool.made_count(), 2);
  EXPECT_EQ(pool.temporary_count(), 0);
}

TEST(Allocation, TheCounterCounts) {
  const std::int64_t before = allocations.load();
  const std::vector<float> values(100);
  EXPECT_EQ(allocations.load() - before, 1);
  EXPECT_EQ(values.size(), 100u);
}
#endif

}  // namespace
}  // namespace espalier
