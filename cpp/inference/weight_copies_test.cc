// SPDX-License-Identifier: Apache-2.0
#include "inference/weight_copies.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "core/cores.h"
#include "core/memory.h"
#include "core/text.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::NormalFloats;
using testing::SameBits;

// Dense, so that its weights take about 4 · inputs · 64 bytes.
Network DenseNetwork(std::int64_t inputs) {
  NetworkBuilder builder(Shape::Vector(inputs));
  builder.Dense("d", 64).Relu().Head("a", LabelsTask({"x", "y", "z"}));
  return builder.Build(3);
}

// Nothing, or " in n copies".
std::string CopiesIn(int copies) { return copies > 1 ? Concat(" in ", copies, " copies;") : ";"; }

void ExpectCopies(const Predictor& predictor, int copies) {
  const std::string text = predictor.Describe();
  EXPECT_NE(text.find(" bytes" + CopiesIn(copies)), std::string::npos) << copies << ": " << text;
}

// Calls `body` on each CPU of this process, on a thread of its own.
template <typename Body>
void OnEachCpu(const Body& body) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::thread([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      body();
    }).join();
  }
}

TEST(WeightCopies, PayBetweenL1AndL2) {
  const std::int64_t l1 = L1DataCacheBytes();
  const std::int64_t l2 = L2CacheBytes();
  EXPECT_EQ(WeightCopiesThatPay(0, 0), 1);
  EXPECT_EQ(WeightCopiesThatPay(l1, l1 / 4), 1);
  EXPECT_EQ(WeightCopiesThatPay(l1 + 1, l1 / 4), CopiesWithin(l1 + 1, AvailableCores()));
  EXPECT_EQ(WeightCopiesThatPay(l2, l2 / 2), CopiesWithin(l2, AvailableCores()));
  EXPECT_EQ(WeightCopiesThatPay(l2 + 1, l2 / 4), 1);
}

TEST(WeightCopies, DontPayWhereEachByteIsUsedManyTimes) {
  const std::int64_t l2 = L2CacheBytes();
  EXPECT_EQ(WeightCopiesThatPay(l2, l2), CopiesWithin(l2, AvailableCores()));
  EXPECT_EQ(WeightCopiesThatPay(l2, l2 + 1), 1);
}

TEST(WeightCopies, TakeEightMebibytesAtMost) {
  constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
  EXPECT_EQ(CopiesWithin(kMebibyte, 1), 1);
  EXPECT_EQ(CopiesWithin(kMebibyte, 8), 8);
  EXPECT_EQ(CopiesWithin(kMebibyte, 9), 1);
  EXPECT_EQ(CopiesWithin(kMebibyte / 2, 16), 16);
}

TEST(WeightCopies, OfAPredictorAreAsManyAsWantedOrPay) {
  const Network small = DenseNetwork(4);
  ExpectCopies(Predictor(small), 1);
  ExpectCopies(Predictor(small, {.weight_copies = 3}), 3);
  const Network medium = DenseNetwork(512);
  ExpectCopies(Predictor(medium), CopiesWithin(4 * 512 * 64, AvailableCores()));
  ExpectCopies(Predictor(medium, {.weight_copies = 1}), 1);
  NetworkBuilder builder(Shape::Image(16, 12, 12));
  builder.Conv2d("c", 64, 3).Relu().Head("a", ClassesTask(2));
  const Network convolutions = builder.Build(3);
  ExpectCopies(Predictor(convolutions), 1);
  ExpectCopies(Predictor(convolutions, {.weight_copies = 2}), 2);
  for (const int copies : {-1, 257}) {
    const std::string message = MessageOf(ErrorCode::kInvalidArgument, [&] {
      const Predictor predictor(medium, {.weight_copies = copies});
    });
    EXPECT_NE(message.find("expected weight_copies of 0 to 256"), std::string::npos) << message;
  }
}

TEST(WeightCopies, AreCounted) {
  const Network network = DenseNetwork(512);
  const std::int64_t before = NativeBytes();
  const Predictor shared(network, {.weight_copies = 1});
  const std::int64_t one = NativeBytes() - before;
  const Predictor copied(network, {.weight_copies = 4});
  const std::int64_t four = NativeBytes() - before - one;
  EXPECT_EQ(shared.NativeBytes(), one);
  EXPECT_EQ(copied.NativeBytes(), four);
  EXPECT_GE(four - one, std::int64_t{3} * 4 * 512 * 64);
  EXPECT_LE(four - one, std::int64_t{4} * 4 * 512 * 64);
}

TEST(WeightCopies, GiveTheSameBitsOnEachCpu) {
  const Network network = testing::FusionNetwork();
  for (const Precision precision : {Precision::kFp32, Precision::kBf16Weights}) {
    const Predictor shared(network, {.precision = precision, .weight_copies = 1});
    const Predictor copied(network, {.precision = precision, .weight_copies = 3});
    for (const std::int64_t batch : {1, 5}) {
      const std::vector<float> inputs = NormalFloats(batch * shared.input_size(), 8);
      std::vector<float> expected(static_cast<std::size_t>(batch * shared.output_size()));
      shared.Predict(batch, inputs, expected);
      OnEachCpu([&] {
        std::vector<float> outputs(expected.size());
        copied.Predict(batch, inputs, outputs);
        EXPECT_TRUE(SameBits(outputs, expected)) << "batch " << batch;
      });
    }
  }
}

// Where memory suffices for one copy alone, those that only pay are left away.
TEST(WeightCopies, ThatOnlyPayYieldToMemory) {
  const Network network = DenseNetwork(512);
  const std::int64_t budget = NativeBytesBudget();
  const auto fits = [&](std::int64_t bytes, const PredictorConfig& config) {
    SetNativeBytesBudget(NativeBytes() + bytes);
    try {
      const Predictor predictor(network, config);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      return false;
    }
  };
  std::int64_t bytes = 0;
  while (!fits(bytes, {.weight_copies = 1})) bytes += 16 << 10;
  EXPECT_TRUE(fits(bytes, {}));
  EXPECT_FALSE(fits(bytes, {.weight_copies = 2}));
  SetNativeBytesBudget(budget);
}

}  // namespace
}  // namespace espalier
