// SPDX-License-Identifier: Apache-2.0
#include "inference/buffer_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/memory.h"
#include "espalier/error.h"
#include "espalier/builder.h"
#include "espalier/runtime.h"
#include "testing/inference_networks.h"

namespace espalier {
namespace {

constexpr int kFirstLayer = 1;  // its value, behind the network's one input

TEST(BufferPool, CallersAtOnceGetSetsOfTheirOwnAndPutThemBack) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {},
                           {network.state()->logits(network.state()->heads[0])}, 2);
  BufferPool pool(plan, 2);
  EXPECT_EQ(pool.made_count(), 1);
  {
    const BufferPool::Lease first(pool);
    const BufferPool::Lease second(pool);
    EXPECT_NE(&*first, &*second);
    EXPECT_EQ(pool.made_count(), 2);
  }
  {
    const BufferPool::Lease first(pool);
    const BufferPool::Lease second(pool);
    EXPECT_EQ(pool.made_count(), 2);  // both found what was put back
  }
  // From another thread too, which has had none before.
  std::thread([&] { const BufferPool::Lease lease(pool); }).join();
  EXPECT_EQ(pool.made_count(), 2);
  EXPECT_EQ(pool.lease_count(), 5);
}

TEST(BufferPool, PreparedCallersMakeNoSets) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1);
  const std::int64_t one = pool.NativeBytes();
  pool.Prepare(3, 3 * one);
  pool.Prepare(5, 4 * one - 1);
  EXPECT_EQ(pool.made_count(), 3);
  EXPECT_EQ(pool.NativeBytes(), 3 * one);
  {
    const BufferPool::Lease first(pool);
    const BufferPool::Lease second(pool);
    const BufferPool::Lease third(pool);
    EXPECT_EQ(pool.made_count(), 3);
    const BufferPool::Lease fourth(pool);
    EXPECT_EQ(pool.made_count(), 4);
  }
}

TEST(BufferPool, RoomForConvertedInputsGrowsWithTheLargest) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1);
  const std::int64_t before = pool.NativeBytes();
  for (const std::int64_t floats : {3, 100, 7}) {
    BufferPool::Lease lease(pool);
    lease.Converted(floats)[floats - 1] = 1.0f;
  }
  EXPECT_EQ(pool.NativeBytes(), before + 100 * static_cast<std::int64_t>(sizeof(float)));
}

// A layer of so many inputs and outputs.
Network OneDense(std::int64_t width) {
  NetworkBuilder builder(Shape::Vector(width));
  builder.Dense("dense", width);
  return builder.Build(1);
}

TEST(BufferPool, MoreThreadsGetNewSets) {
  const Network network = OneDense(2000);
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  SetThreadCount(1);
  BufferPool pool(plan, 1);
  SetThreadCount(3);
  EXPECT_EQ((*BufferPool::Lease(pool)).workers(), 3);
  SetThreadCount(2);
  EXPECT_EQ((*BufferPool::Lease(pool)).workers(), 3);  // fewer of them take part
  EXPECT_EQ(pool.made_count(), 2);
  EXPECT_EQ(pool.NativeBytes(), (*BufferPool::Lease(pool)).NativeBytes());
}

TEST(BufferPool, KeepsSetsThatMoreThreadsWouldNotHelp) {
  const Network network = OneDense(20);
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  SetThreadCount(1);
  BufferPool pool(plan, 1);
  SetThreadCount(3);
  EXPECT_EQ((*BufferPool::Lease(pool)).workers(), 1);
  EXPECT_EQ(pool.made_count(), 1);
}

TEST(BufferPool, KeepsNoMoreThanItsSlots) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1);
  const std::int64_t one = pool.NativeBytes();
  {
    std::vector<std::unique_ptr<BufferPool::Lease>> leases;
    for (int i = 0; i < BufferPool::kSlots + 3; ++i) {
      leases.push_back(std::make_unique<BufferPool::Lease>(pool));
    }
    EXPECT_EQ(pool.NativeBytes(), one * (BufferPool::kSlots + 3));
  }
  EXPECT_EQ(pool.NativeBytes(), one * BufferPool::kSlots);
  EXPECT_EQ(pool.temporary_count(), 3);
  EXPECT_EQ(pool.lease_count(), BufferPool::kSlots + 3);
}

TEST(BufferPool, NoSetIsInTwoHands) {
  constexpr int kCallers = 8;
  constexpr int kLeases = 20'000;
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1);
  std::vector<std::atomic<const InferenceRun*>> held(kCallers);
  std::atomic<int> twice{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < kLeases; ++i) {
        const BufferPool::Lease lease(pool);
        held[caller].store(&*lease);
        for (int other = 0; other < kCallers; ++other) {
          if (other != caller && held[other].load() == &*lease) twice.fetch_add(1);
        }
        held[caller].store(nullptr);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(twice.load(), 0);
  EXPECT_EQ(pool.lease_count(), kCallers * kLeases);
  EXPECT_LE(pool.made_count(), kCallers);
  EXPECT_EQ(pool.temporary_count(), 0);
}

// Leases of one caller after the other for so long; true if `done` becomes true.
template <typename Done>
bool LeasesUntil(BufferPool& pool, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!done() && std::chrono::steady_clock::now() < end) {
    {
      const BufferPool::Lease lease(pool);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return done();
}

void Burst(BufferPool& pool, int callers) {
  std::vector<std::unique_ptr<BufferPool::Lease>> leases;
  for (int i = 0; i < callers; ++i) leases.push_back(std::make_unique<BufferPool::Lease>(pool));
}

TEST(BufferPool, GivesBackWhatABurstLeft) {
  constexpr std::int64_t kIdleNanos = 50'000'000;
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  const std::int64_t native_bytes = NativeBytesInUse();
  BufferPool pool(plan, 1, 0, kIdleNanos);
  const std::int64_t one = pool.NativeBytes();
  pool.Prepare(2, 2 * one);
  Burst(pool, BufferPool::kSlots);
  EXPECT_EQ(pool.NativeBytes(), BufferPool::kSlots * one);
  // Those that were prepared stay, and the one that the caller left alone may happen to have.
  EXPECT_TRUE(LeasesUntil(pool, [&] { return pool.NativeBytes() <= 3 * one; }));
  EXPECT_GE(pool.NativeBytes(), 2 * one);
  EXPECT_EQ(NativeBytesInUse() - native_bytes, pool.NativeBytes());
  // As many at once as before find or make sets again.
  Burst(pool, BufferPool::kSlots);
  EXPECT_EQ(pool.NativeBytes(), BufferPool::kSlots * one);
}

TEST(BufferPool, WhoReadsTheBytesOfASilentPoolMayGiveBack) {
  constexpr std::int64_t kIdleNanos = 20'000'000;
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1, 0, kIdleNanos);
  const std::int64_t one = pool.NativeBytes();
  Burst(pool, 10);
  for (int i = 0; i < 500 && pool.NativeBytes() > one; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    pool.GiveBackIdle();
  }
  EXPECT_EQ(pool.NativeBytes(), one);
}

TEST(BufferPool, AsManyCallersAsBeforeMakeNothing) {
  constexpr std::int64_t kIdleNanos = 100'000'000;
  constexpr int kCallers = 4;
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1, 0, kIdleNanos);
  Burst(pool, kCallers);
  std::int64_t made = pool.made_count();
  const auto start = std::chrono::steady_clock::now();
  auto last = start;
  for (auto now = start; now < start + std::chrono::nanoseconds(5 * kIdleNanos);) {
    Burst(pool, kCallers);
    now = std::chrono::steady_clock::now();
    // Unless something else had the CPU for long: then they were idle.
    if (now - last < std::chrono::nanoseconds(kIdleNanos / 2)) {
      ASSERT_EQ(pool.made_count(), made);
    }
    made = pool.made_count();
    last = now;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

// A caller alone always finds the first set, whatever slot it looks at and had before.
TEST(BufferPool, OneCallerNeedsNoMemory) {
  constexpr std::int64_t kIdleNanos = 20'000'000;
  const Network network = OneDense(2000);
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  SetThreadCount(1);
  BufferPool pool(plan, 1, 0, kIdleNanos);
  pool.PrepareConverted(100);
  Burst(pool, 8);
  const std::int64_t budget = NativeBytesLimit();
  SetNativeBytesLimit(NativeBytesInUse());
  std::atomic<int> failures{0};
  const auto lease_once = [&] {
    try {
      BufferPool::Lease lease(pool);
      lease.Converted(100)[99] = 1.0f;
    } catch (const Error&) {
      failures.fetch_add(1);
    }
  };
  // As after a burst, whose sets go meanwhile, on threads that look at other slots first.
  for (int i = 0; i < 30; ++i) {
    std::thread(lease_once).join();
    SetNativeBytesLimit(NativeBytesInUse());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  SetThreadCount(3);  // wants larger sets
  lease_once();
  SetNativeBytesLimit(budget);
  EXPECT_EQ(failures.load(), 0);
}

TEST(BufferPool, ASlotWithoutMemoryServesTheNextCaller) {
  const Network network = testing::FusionNetwork();
  const InferencePlan plan(*network.state(), {}, {kFirstLayer}, 1);
  BufferPool pool(plan, 1);
  const std::int64_t budget = NativeBytesLimit();
  {
    const BufferPool::Lease first(pool);
    SetNativeBytesLimit(NativeBytesInUse());
    EXPECT_THROW(BufferPool::Lease{pool}, Error);
    SetNativeBytesLimit(budget);
    const BufferPool::Lease second(pool);
    EXPECT_NE(&*first, &*second);
  }
  EXPECT_EQ(pool.made_count(), 2);
  EXPECT_EQ(pool.temporary_count(), 0);
}

}  // namespace
}  // namespace espalier
