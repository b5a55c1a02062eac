// SPDX-License-Identifier: Apache-2.0

// Slots of cached features, on their own and through the trainer.

#include "training/feature_cache.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/messages.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;

TEST(FeatureCache, GathersColumnsOfExamplesInAnyOrder) {
  FeatureCache cache(3);
  cache.Reserve(7, 4);
  for (std::int64_t example = 0; example < 4; ++example) {
    for (int i = 0; i < 3; ++i)
      cache.Rows(7).Row(example)[i] = static_cast<float>(10 * example + i);
    cache.Rows(7).MarkFilled(example, true);
  }
  std::vector<float> rows(6);
  const std::int64_t examples[] = {3, 0, 3};
  cache.Rows(7).Gather(examples, 1, 2, rows.data());
  EXPECT_EQ(rows, (std::vector<float>{31, 32, 1, 2, 31, 32}));
  EXPECT_EQ(cache.NativeBytes(), 4 * 3 * 4 + 4 * 8 + 4);
}

TEST(FeatureCache, KnowsWhatIsFilled) {
  FeatureCache cache(2);
  cache.Reserve(0, 3);
  cache.Rows(0).MarkFilled(0, true);
  cache.Rows(0).MarkFilled(2, false);
  const std::int64_t filled[] = {0, 2};
  cache.Rows(0).CheckFilled(filled);
  EXPECT_EQ(cache.Rows(0).FirstNonFinite(filled), 1);
  EXPECT_EQ(cache.Rows(0).FirstNonFinite(std::span(filled).first(1)), -1);
  for (const std::int64_t bad : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{3}}) {
    const std::int64_t examples[] = {0, bad};
    MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(0).CheckFilled(examples); });
    MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(5).CheckFilled(examples); });
  }
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  cache.Rows(0).CheckRange(1, 2);
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(0).CheckRange(1, 3); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(0).CheckRange(-1, 1); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(0).CheckRange(kMax, kMax); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Reserve(0, -1); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Reserve(0, kMax); });
}

// Restores the limit.
class NativeBytesLimitScope {
 public:
  explicit NativeBytesLimitScope(std::int64_t limit) : former_(NativeBytesLimit()) {
    SetNativeBytesLimit(limit);
  }
  ~NativeBytesLimitScope() { SetNativeBytesLimit(former_); }

 private:
  std::int64_t former_;
};

TEST(FeatureCache, GoesToAFileWhereMemoryHasNoRoom) {
  FeatureCache cache(1000, ::testing::TempDir());
  cache.Reserve(0, 10);
  EXPECT_FALSE(cache.Rows(0).IsInFile());
  const std::int64_t bytes = NativeBytesInUse();
  {
    const NativeBytesLimitScope scope(bytes + 1500);
    cache.Reserve(1, 100);
  }
  EXPECT_TRUE(cache.Rows(1).IsInFile());
  EXPECT_LT(NativeBytesInUse(), bytes + 1500);
  for (std::int64_t example = 0; example < 100; ++example) {
    std::fill_n(cache.Rows(1).Row(example), 1000, static_cast<float>(example));
    cache.Rows(1).MarkFilled(example, true);
  }
  std::vector<float> rows(2);
  const std::int64_t examples[] = {99, 3};
  cache.Rows(1).Gather(examples, 999, 1, rows.data());
  EXPECT_EQ(rows, (std::vector<float>{99, 3}));

  // Neither memory nor a file: the slot is gone, the others are as they were.
  FeatureCache nowhere(1000, ::testing::TempDir() + "none");
  nowhere.Reserve(0, 10);
  {
    const NativeBytesLimitScope scope(NativeBytesInUse() + 1500);
    MessageOf(ErrorCode::kOutOfMemory, [&] { nowhere.Reserve(1, 100); });
  }
  MessageOf(ErrorCode::kInvalidArgument, [&] { nowhere.Rows(1).CheckRange(0, 1); });
  nowhere.Rows(0).CheckRange(0, 10);
}

TEST(FeatureCache, TrainsWithTheSameBitsFromMemoryAndFromAFile) {
  NamedValues expected;
  for (const bool is_in_file : {false, true}) {
    Network network = OneHead().Build(5);
    network.Freeze({.pattern = "dense1", .through = true});
    const RandomExamples examples(network, 64, 3);
    Trainer trainer(network, {.max_batch_size = 8, .feature_folder = ::testing::TempDir()});
    {
      const NativeBytesLimitScope scope(is_in_file ? NativeBytesInUse() + 1000
                                                   : NativeBytesLimit());
      EXPECT_EQ(trainer.ReserveFeatures(0, 64), is_in_file);
    }
    trainer.CacheFeatures(0, 0, 64, examples.Inputs(0, 64));
    for (std::int64_t step = 0; step < 30; ++step) {
      std::vector<std::int64_t> chosen;
      for (std::int64_t i = 0; i < 8; ++i) chosen.push_back((step * 8 + i) % 64);
      trainer.StepCached(0, chosen, examples.Targets(step * 8 % 64, 8));
    }
    const NamedValues values = ParametersOf(network);
    if (!is_in_file) expected = values;
    EXPECT_EQ(Differences(values, expected), std::vector<std::string>{});
  }
}

TEST(FeatureCache, ReservingAgainEmptiesTheSlot) {
  FeatureCache cache(2);
  cache.Reserve(0, 3);
  cache.Rows(0).MarkFilled(0, true);
  cache.Reserve(0, 5);
  const std::int64_t example[] = {0};
  MessageOf(ErrorCode::kInvalidArgument, [&] { cache.Rows(0).CheckFilled(example); });
}

TEST(FeatureCache, WithoutFrozenPrefixIsInvalidState) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 4, 3);
  Trainer trainer(network, {});
  EXPECT_FALSE(trainer.HasFrozenPrefix());
  EXPECT_EQ(trainer.FeatureCount(), 0);
  MessageOf(ErrorCode::kInvalidState, [&] { trainer.ReserveFeatures(0, 4); });
  MessageOf(ErrorCode::kInvalidState,
            [&] { trainer.CacheFeatures(0, 0, 4, examples.Inputs(0, 4)); });
  const std::int64_t batch[] = {0};
  MessageOf(ErrorCode::kInvalidState,
            [&] { trainer.StepCached(0, batch, examples.Targets(0, 1)); });
}

TEST(FeatureCache, RefusesExamplesThatAreNotThere) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "dense1"});
  const RandomExamples examples(network, 8, 3);
  Trainer trainer(network, {.max_batch_size = 4});
  EXPECT_EQ(trainer.FeatureCount(), 19);
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.CacheFeatures(0, 0, 4, examples.Inputs(0, 4)); });
  trainer.ReserveFeatures(0, 8);
  trainer.CacheFeatures(0, 1, 7, examples.Inputs(1, 7));  // in pieces of max_batch_size
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.CacheFeatures(0, 4, 5, examples.Inputs(0, 5)); });
  const std::int64_t missing[] = {1, 0};
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.StepCached(0, missing, examples.Targets(0, 2)); });
  const std::int64_t too_many[] = {1, 2, 3, 4, 5};
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.StepCached(0, too_many, examples.Targets(0, 5)); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.StepCached(0, {}, examples.Targets(0, 0)); });
  std::vector<float> logits(8);
  MessageOf(ErrorCode::kInvalidArgument, [&] { trainer.EvaluateCached(0, missing, logits); });
  EXPECT_EQ(trainer.steps(), 0);
}

// As without a cache: an error in training, and propagated in evaluation.
TEST(FeatureCache, RemembersInputsThatWereNotFinite) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "dense1"});
  RandomExamples examples(network, 8, 3);
  examples.inputs()[5 * 12 + 3] = std::nanf("");
  Trainer trainer(network, {});
  trainer.ReserveFeatures(0, 8);
  trainer.CacheFeatures(0, 0, 8, examples.Inputs(0, 8));
  const std::int64_t batch[] = {1, 5};
  const std::string message = MessageOf(
      ErrorCode::kNonFinite, [&] { trainer.StepCached(0, batch, examples.Targets(0, 2)); });
  EXPECT_NE(message.find("row 1, example 5"), std::string::npos) << message;
  std::vector<float> logits(8);
  trainer.EvaluateCached(0, batch, logits);
  EXPECT_TRUE(std::isfinite(logits[0]));
  EXPECT_TRUE(std::isnan(logits[4]));
}

}  // namespace
}  // namespace espalier
