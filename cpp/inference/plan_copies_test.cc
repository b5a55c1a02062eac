// SPDX-License-Identifier: Apache-2.0
#include "inference/plan_copies.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>

#include "core/caches.h"
#include "core/memory.h"
#include "core/text.h"
#include "espalier/predictor.h"
#include "testing/each_cpu.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::NormalFloats;
using testing::OnEachCpu;
using testing::SameBits;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
constexpr std::int64_t kPlenty = std::numeric_limits<std::int64_t>::max();

// Dense, so that its weights take about 4 · inputs · 64 bytes.
Network DenseNetwork(std::int64_t inputs) {
  NetworkBuilder builder(Shape::Vector(inputs));
  builder.Dense("d", 64).Relu().Head("a", LabelsTask({"x", "y", "z"}));
  return builder.Build(3);
}

InferencePlan PlanOf(const Network& network) {
  return {*network.state(), {}, {network.state()->logits(network.state()->heads[0])}, 1};
}

void ExpectCopies(const Predictor& predictor, int copies) {
  const std::string expected = copies > 1 ? Concat(" bytes in ", copies, " copies;") : " bytes;";
  EXPECT_NE(predictor.Describe().find(expected), std::string::npos)
      << expected << " " << predictor.Describe();
}

TEST(PlanCopies, PaysWhereWeightsAreReadFromL2) {
  const auto pays = [](std::int64_t bytes, std::int64_t work) {
    return IsReadingFromL2({.bytes = bytes, .work = work}, 1000, 20000);
  };
  EXPECT_FALSE(pays(0, 0));
  EXPECT_FALSE(pays(1000, 250));
  EXPECT_TRUE(pays(1001, 250));
  EXPECT_TRUE(pays(20000, 10000));
  EXPECT_FALSE(pays(20001, 5000));
  EXPECT_TRUE(pays(2000, 2000));
  EXPECT_FALSE(pays(2000, 2001));  // each byte is used more than once
}

TEST(PlanCopies, TakesEightMebibytesAtMost) {
  EXPECT_EQ(CopiesWithin(kMebibyte, 1, kPlenty), 1);
  EXPECT_EQ(CopiesWithin(kMebibyte, 8, kPlenty), 8);
  EXPECT_EQ(CopiesWithin(kMebibyte, 9, kPlenty), 1);
  EXPECT_EQ(CopiesWithin(kMebibyte / 2, 16, kPlenty), 16);
}

TEST(PlanCopies, LeavesMemoryFree) {
  EXPECT_EQ(CopiesWithin(1000, 3, 8000), 3);
  EXPECT_EQ(CopiesWithin(1000, 3, 7996), 1);
  EXPECT_EQ(CopiesWithin(1000, 3, -1), 1);
}

TEST(PlanCopies, GivesEachL2ItsCopy) {
  const Network network = DenseNetwork(4);
  PlanCopies plan(PlanOf(network));
  EXPECT_EQ(&plan.ForCaller(), &plan.first());
  const int copies = L2CacheCount() + 1;
  plan.AddCopies(copies, [&] { return PlanOf(network); });
  EXPECT_EQ(plan.count(), copies);
  EXPECT_EQ(plan.NativeBytes(), copies * plan.first().NativeBytes());
  std::map<int, const InferencePlan*> of_cache;
  std::set<const InferencePlan*> used;
  OnEachCpu([&] {
    const InferencePlan* const mine = &plan.ForCaller();
    EXPECT_EQ(of_cache.emplace(CurrentL2Cache(), mine).first->second, mine);
    used.insert(mine);
  });
  EXPECT_EQ(static_cast<int>(used.size()), L2CacheCount());
}

TEST(PlanCopies, OfAPredictorHasAsManyCopiesAsWantedOrPay) {
  const Network small = DenseNetwork(4);
  ExpectCopies(Predictor(small), 1);
  ExpectCopies(Predictor(small, {.weight_copies = 3}), 3);
  const Network medium = DenseNetwork(512);
  const WeightUse use = {.bytes = PlanOf(medium).NativeBytes(), .work = PlanOf(medium).work()};
  ASSERT_TRUE(IsReadingFromL2(use, L1DataCacheBytes(), L2CacheBytes()));
  ExpectCopies(Predictor(medium), CopiesWithin(use.bytes, L2CacheCount(), kPlenty));
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

TEST(PlanCopies, IsCounted) {
  const Network network = DenseNetwork(512);
  const std::int64_t before = NativeBytesInUse();
  const Predictor shared(network, {.weight_copies = 1});
  const std::int64_t one = NativeBytesInUse() - before;
  const Predictor copied(network, {.weight_copies = 4});
  const std::int64_t four = NativeBytesInUse() - before - one;
  EXPECT_EQ(shared.NativeBytes(), one);
  EXPECT_EQ(copied.NativeBytes(), four);
  EXPECT_EQ(four - one, 3 * PlanOf(network).NativeBytes());
}

TEST(PlanCopies, GivesTheSameBitsOnEachCpu) {
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

// Copies that nobody asked for; on a machine with one L2 there are none anyway.
TEST(PlanCopies, YieldsWhereMemoryIsShort) {
  const Network network = DenseNetwork(512);
  const std::int64_t limit = NativeBytesLimit();
  const std::int64_t bytes = Predictor(network, {.weight_copies = 1}).NativeBytes();
  SetNativeBytesLimit(NativeBytesInUse() + bytes + 3 * PlanOf(network).NativeBytes());
  ExpectCopies(Predictor(network), 1);
  SetNativeBytesLimit(limit);
}

}  // namespace
}  // namespace espalier
