// SPDX-License-Identifier: Apache-2.0
#include "core/memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

#include "core/resources.h"
#include "espalier/error.h"
#include "espalier/runtime.h"
#include "testing/sanitized.h"

namespace espalier {
namespace {

ErrorCode CodeOf(auto call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "did not throw";
  return ErrorCode::kInternal;
}

class ScopedLimit {
 public:
  explicit ScopedLimit(std::int64_t bytes) : before_(NativeBytesLimit()) {
    SetNativeBytesLimit(bytes);
  }
  ~ScopedLimit() { SetNativeBytesLimit(before_); }

 private:
  std::int64_t before_;
};

#ifndef ESPALIER_SANITIZED  // whose heap fills all that it gives
TEST(Memory, SparseUseTakesThePagesThatAreTouched) {
  constexpr std::int64_t kHugeFloats = (2 << 20) / sizeof(float);
  constexpr std::int64_t kTouched = 32;
  AlignedArray<float> array(kTouched * kHugeFloats);
  ExpectSparseUse(array.data() + 100, array.bytes() - 400);
  for (std::int64_t i = 0; i < kTouched; ++i) array[i * kHugeFloats + kHugeFloats / 2] = 1.0f;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto bytes = static_cast<std::size_t>(array.bytes());
  std::vector<unsigned char> is_there((bytes + page - 1) / page);
  ASSERT_EQ(mincore(array.data(), bytes, is_there.data()), 0);
  EXPECT_EQ(std::count(is_there.begin(), is_there.end(), 1), kTouched);
}
#endif

TEST(Memory, IsAlignedZeroedAndCounted) {
  const std::int64_t before = NativeBytesInUse();
  // Heap and mapping: both sides of the size where memory is mapped.
  for (const std::int64_t size : {1, 3, 17, 65, (1 << 20) / 4 - 1, (1 << 20) / 4, 3 << 20}) {
    AlignedArray<float> array(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % kAlignmentBytes, 0u);
    EXPECT_TRUE(std::all_of(array.span().begin(), array.span().end(),
                            [](float value) { return value == 0.0f; }));
    EXPECT_EQ(NativeBytesInUse(), before + size * 4);
    std::fill(array.span().begin(), array.span().end(), 1.0f);
  }
  EXPECT_EQ(NativeBytesInUse(), before);
}

TEST(Memory, EmptyHoldsNothing) {
  const AlignedArray<double> none(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_TRUE(none.empty());
}

TEST(Memory, MovesWithoutCopying) {
  const std::int64_t before = NativeBytesInUse();
  AlignedArray<int> first(10);
  first[3] = 7;
  AlignedArray<int> second(std::move(first));
  EXPECT_EQ(second[3], 7);
  EXPECT_EQ(first.size(), 0);  // NOLINT: the state after a move is part of the contract
  first = std::move(second);
  EXPECT_EQ(first[3], 7);
  EXPECT_EQ(NativeBytesInUse(), before + 40);
}

TEST(Memory, StopsAtTheBudget) {
  const std::int64_t before = NativeBytesInUse();
  const ScopedLimit limit(before + 1000);
  const AlignedArray<std::uint8_t> most(1000);
  EXPECT_EQ(CodeOf([] { AlignedArray<std::uint8_t>(1); }), ErrorCode::kOutOfMemory);
  EXPECT_EQ(NativeBytesInUse(), before + 1000);
  EXPECT_EQ(NativeBytesBudget(), before + 1000);
}

TEST(Memory, RejectsSizesThatWrap) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(CodeOf([] { AlignedArray<float>(-1); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { AlignedArray<float>(kMax / 2); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { AlignedArray<std::uint8_t>{kMax}; }), ErrorCode::kOutOfMemory);
  EXPECT_EQ(CodeOf([] { SetNativeBytesLimit(-1); }), ErrorCode::kInvalidArgument);
}

TEST(Memory, CountsExactlyFromManyThreads) {
  const std::int64_t before = NativeBytesInUse();
  const ScopedLimit limit(before + 64 * 8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 2000; ++round) {
        try {
          const AlignedArray<std::uint8_t> a(64 * 3);
        } catch (const Error&) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(NativeBytesInUse(), before);
}

TEST(Memory, FailPointFailsTheNthAllocation) {
  const std::int64_t before = NativeBytesInUse();
  FailAllocation(2, false);
  const AlignedArray<float> first(4);
  EXPECT_EQ(CodeOf([] { AlignedArray<float>(4); }), ErrorCode::kOutOfMemory);
  const AlignedArray<float> third(4);
  EXPECT_EQ(NativeBytesInUse(), before + 32);

  FailAllocation(1, true);
  EXPECT_EQ(CodeOf([] { AlignedArray<float>(4); }), ErrorCode::kOutOfMemory);
  EXPECT_EQ(CodeOf([] { AlignedArray<float>(4); }), ErrorCode::kOutOfMemory);
  FailAllocation(0, false);
  const AlignedArray<float> fourth(4);
}

TEST(Resources, ReadsQuotas) {
  EXPECT_EQ(ParseCpuMax("max 100000"), -1);
  EXPECT_EQ(ParseCpuMax("200000 100000"), 2);
  EXPECT_EQ(ParseCpuMax("150000 100000"), 2);
  EXPECT_EQ(ParseCpuMax("1000 100000"), 1);
  EXPECT_EQ(ParseCpuMax("-1 100000"), -1);
  EXPECT_EQ(ParseCpuMax(""), -1);
  EXPECT_EQ(ParseCpuMax(" "), -1);
  EXPECT_EQ(ParseCpuMax("100000 0"), -1);
}

TEST(Resources, AreThere) {
  EXPECT_GE(AvailableCpus(), 1);
  EXPECT_GE(AvailableMemoryBytes(), std::int64_t{1} << 20);
  EXPECT_EQ(AvailableMemoryBytes(), AvailableMemoryBytes());
}

TEST(Runtime, DescribesItself) {
  EXPECT_NE(DescribeRuntime().find(CpuTarget()), std::string::npos);
  const int threads = ThreadCount();
  SetThreadCount(3);
  EXPECT_NE(DescribeRuntime().find("threads 3"), std::string::npos);
  EXPECT_EQ(CodeOf([] { SetThreadCount(0); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { SetThreadCount(257); }), ErrorCode::kInvalidArgument);
  SetThreadCount(threads);
}

}  // namespace
}  // namespace espalier
