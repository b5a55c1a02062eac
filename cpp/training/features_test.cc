// SPDX-License-Identifier: Apache-2.0

// Features that several trainers and predictors share, and the fingerprints that tell them apart.

#include "espalier/features.h"

#include <numeric>
#include <set>

#include "core/memory.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/inference_networks.h"
#include "testing/known_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"
#include "training/feature_rows.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::SameBits;
using testing::ThreeHeads;

constexpr std::int64_t kExamples = 40;
constexpr std::int64_t kBatch = 8;

Network Frozen(NetworkBuilder builder, const char* through, std::uint64_t seed = 5) {
  Network network = builder.Build(seed);
  network.Freeze({.pattern = through, .through = true});
  return network;
}

std::string FingerprintOf(const Network& network) {
  return FeaturePredictor(network).Fingerprint();
}

std::vector<std::int64_t> All() {
  std::vector<std::int64_t> all(kExamples);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Features MakeFeatures(const FeaturePredictor& predictor, const std::string& folder = "") {
  return {kExamples, predictor.FeatureCount(), predictor.Fingerprint(), folder};
}

TEST(FeatureRows, HasRoomForWhatWasAskedForAlone) {
  FeatureRows rows(1000, 100, "");
  const std::int64_t before = rows.NativeBytes();
  const std::int64_t few[] = {7, 999, 7};
  rows.MakeRoom(few);
  EXPECT_EQ(rows.NativeBytes() - before, 2 * 100 * 4);
  std::fill_n(rows.Row(7), 100, 7.0f);
  std::fill_n(rows.Row(999), 100, 999.0f);
  const std::int64_t more[] = {7, 3};
  rows.MakeRoom(more);
  EXPECT_EQ(rows.NativeBytes() - before, 3 * 100 * 4);
  for (const std::int64_t example : {7, 999, 3}) rows.MarkFilled(example, true);
  std::vector<float> gathered(3);
  const std::int64_t examples[] = {999, 7, 3};
  rows.CheckFilled(examples);
  rows.Gather(examples, 99, 1, gathered.data());
  EXPECT_EQ(gathered, (std::vector<float>{999, 7, 0}));
  const std::int64_t without[] = {4};
  MessageOf(ErrorCode::kInvalidArgument, [&] { rows.CheckRoom(without); });
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{1000}}) {
    MessageOf(ErrorCode::kInvalidArgument, [&] { rows.MakeRoom({&bad, 1}); });
  }
}

TEST(FeatureRows, WithoutRoomNothingChanges) {
  FeatureRows rows(100, 1000, "");
  const std::int64_t first[] = {1};
  rows.MakeRoom(first);
  const std::int64_t before = rows.NativeBytes();
  const std::int64_t limit = NativeBytesLimit();
  SetNativeBytesLimit(NativeBytesInUse() + 1000);
  const std::int64_t second[] = {1, 2};
  MessageOf(ErrorCode::kOutOfMemory, [&] { rows.MakeRoom(second); });
  SetNativeBytesLimit(limit);
  EXPECT_EQ(rows.NativeBytes(), before);
  rows.CheckRoom(first);
  MessageOf(ErrorCode::kInvalidArgument, [&] { rows.CheckRoom(second); });
}

TEST(FeatureRows, SharesWhatOthersHold) {
  const std::int64_t from[] = {7, 2};
  const std::int64_t to[] = {0, 3};
  const std::int64_t own[] = {1};
  FeatureRows rows(5, 100, "");
  rows.MakeRoom(own);
  const std::int64_t before = rows.NativeBytes();
  {
    FeatureRows other(10, 100, "");
    other.MakeRoom(from);
    for (const std::int64_t example : from) {
      std::fill_n(other.Row(example), 100, static_cast<float>(example));
    }
    MessageOf(ErrorCode::kInvalidArgument, [&] { rows.ShareRows(other, from, to); });
    for (const std::int64_t example : from) other.MarkFilled(example, true);
    MessageOf(ErrorCode::kInvalidArgument, [&] { rows.ShareRows(other, from, own); });
    MessageOf(ErrorCode::kInvalidArgument, [&] { rows.ShareRows(other, from, from); });
    MessageOf(ErrorCode::kShapeMismatch,
              [&] { FeatureRows(5, 99, "").ShareRows(other, from, to); });
    MessageOf(ErrorCode::kInvalidArgument, [&] { rows.CheckFilled(to); });
    rows.ShareRows(other, from, to);
    rows.ShareRows(rows, std::span(to).first(1), own);
  }
  EXPECT_EQ(rows.NativeBytes(), before);
  const std::int64_t all[] = {3, 0, 1};
  std::vector<float> gathered(3);
  rows.CheckFilled(all);
  rows.Gather(all, 99, 1, gathered.data());
  EXPECT_EQ(gathered, (std::vector<float>{2, 7, 7}));
}

TEST(Features, PredictAsInputsDo) {
  for (const char* through : {"norm1", "images", "conv2", "dense1", "features"}) {
    Network network = Frozen(ThreeHeads(), through);
    const RandomExamples examples(network, kExamples, 3);
    for (const bool logits : {false, true}) {
      FeaturePredictor cached(network, {.max_batch_size = kBatch, .logits = logits});
      ASSERT_TRUE(cached.HasFrozenPrefix()) << through;
      Features features = MakeFeatures(cached);
      features.MakeRoom(All());
      cached.CacheFeatures(features, All(), examples.Inputs(0, kExamples));
      std::vector<float> outputs(kExamples * 10);
      cached.Predict(features, All(), outputs);
      std::vector<float> expected(kExamples * 10);
      Predictor(network, {.logits = logits})
          .Predict(kExamples, examples.Inputs(0, kExamples), expected);
      EXPECT_TRUE(SameBits(outputs, expected)) << through;
    }
  }
}

// Wherever the border lies: sums of branches, depthwise convolutions, pooling, fused activations.
TEST(Features, PredictAsInputsDoOfAnyLayers) {
  std::vector<Network> networks;
  networks.push_back(testing::FusionNetwork());
  networks.push_back(Network::Build(testing::ResNet18(Shape::Image(3, 32, 32), 7, 8), 3));
  networks.push_back(Network::Build(testing::MobileNetV2(Shape::Image(3, 32, 32), 5, 4), 4));
  int cuts = 0;
  for (Network& network : networks) {
    testing::Scatter(network);
    const NetworkSpec spec = network.Spec();
    const RandomExamples examples(network, 3, 3);
    Predictor predictor(network, {.logits = true});
    std::vector<float> expected(static_cast<std::size_t>(3 * predictor.output_size()));
    predictor.Predict(3, examples.Inputs(0, 3), expected);
    for (const LayerSpec& layer : spec.layers) {
      network.Unfreeze({.pattern = "*"});
      network.Freeze({.pattern = layer.name, .through = true});
      FeaturePredictor cached(network, {.logits = true});
      if (!cached.HasFrozenPrefix()) continue;
      ++cuts;
      Features features(3, cached.FeatureCount(), cached.Fingerprint());
      const std::int64_t all[] = {0, 1, 2};
      features.MakeRoom(all);
      cached.CacheFeatures(features, all, examples.Inputs(0, 3));
      std::vector<float> outputs(expected.size());
      cached.Predict(features, all, outputs);
      EXPECT_TRUE(SameBits(outputs, expected)) << layer.name << ", " << layer.kind;
    }
  }
  EXPECT_GT(cuts, 100);
}

TEST(Features, PredictNothingWhereBitsWouldDiffer) {
  Network network = ThreeHeads().Build(5);
  EXPECT_FALSE(FeaturePredictor(network).HasFrozenPrefix());
  network.Freeze({.pattern = "conv1"});  // which the predictor folds norm1 into
  FeaturePredictor predictor(network);
  EXPECT_FALSE(predictor.HasFrozenPrefix());
  Features features(kExamples, 1, "");
  std::vector<float> floats(10);
  const std::int64_t example[] = {0};
  MessageOf(ErrorCode::kInvalidState, [&] { predictor.Predict(features, example, floats); });
}

TEST(Features, TrainersAndPredictorsShareThem) {
  Network network = Frozen(ThreeHeads(), "images");
  Network alone = Frozen(ThreeHeads(), "images");
  const RandomExamples examples(network, kExamples, 3);
  FeaturePredictor predictor(network, {.logits = true});
  Features features = MakeFeatures(predictor);
  features.MakeRoom(All());
  predictor.CacheFeatures(features, All(), examples.Inputs(0, kExamples));
  const std::vector<std::int64_t> all = All();
  {
    Trainer shared(network, {.max_batch_size = kBatch});
    Trainer own(alone, {.max_batch_size = kBatch});
    EXPECT_EQ(shared.PrefixFingerprint(), predictor.Fingerprint());
    const std::int64_t bytes = shared.NativeBytes();
    shared.ShareFeatures(0, features);
    EXPECT_EQ(shared.NativeBytes(), bytes);
    for (std::int64_t first = 0; first + kBatch <= kExamples; first += kBatch) {
      shared.StepCached(0, std::span(all).subspan(static_cast<std::size_t>(first), kBatch),
                        examples.Targets(first, kBatch));
      own.Step(kBatch, examples.Inputs(first, kBatch), examples.Targets(first, kBatch));
    }
    EXPECT_EQ(shared.prefix_examples(), 0);
  }
  EXPECT_EQ(Differences(ParametersOf(network), ParametersOf(alone)), std::vector<std::string>{});
  std::vector<float> outputs(kExamples * 10);
  FeaturePredictor(network, {.logits = true}).Predict(features, all, outputs);
  std::vector<float> expected(kExamples * 10);
  Predictor(network, {.logits = true}).Predict(kExamples, examples.Inputs(0, kExamples), expected);
  EXPECT_TRUE(SameBits(outputs, expected));
}

TEST(Features, ATrainerComputesExamplesInAnyOrderAndKeepsThemAlive) {
  Network network = Frozen(OneHead(), "dense1");
  const RandomExamples examples(network, kExamples, 3);
  Trainer trainer(network, {.max_batch_size = 4});
  {
    Features features(kExamples, trainer.FeatureCount(), trainer.PrefixFingerprint());
    trainer.ShareFeatures(3, features);
    const std::int64_t chosen[] = {9, 2, 30, 31, 5};
    MessageOf(ErrorCode::kInvalidArgument,
              [&] { trainer.CacheFeatures(3, chosen, examples.Inputs(0, 5)); });
    features.MakeRoom(chosen);
    trainer.CacheFeatures(3, chosen, examples.Inputs(0, 5));
  }
  EXPECT_EQ(trainer.prefix_examples(), 5);
  const std::int64_t read[] = {31, 9};
  std::vector<float> logits(8);
  trainer.EvaluateCached(3, read, logits);
  std::vector<float> expected(5 * 4);
  trainer.Evaluate(5, examples.Inputs(0, 5), expected);
  EXPECT_TRUE(SameBits(std::span(logits).first(4), std::span(expected).subspan(12, 4)));
  EXPECT_TRUE(SameBits(std::span(logits).last(4), std::span(expected).first(4)));
}

TEST(Features, OfOtherFrozenLayersAreRefused) {
  Network network = Frozen(OneHead(), "dense1");
  Network other = Frozen(OneHead(), "dense1", 6);
  FeaturePredictor predictor(network);
  Features features = MakeFeatures(predictor);
  features.MakeRoom(All());
  FeaturePredictor stranger(other);
  const RandomExamples examples(network, kExamples, 3);
  const std::string message = MessageOf(ErrorCode::kInvalidArgument, [&] {
    stranger.CacheFeatures(features, All(), examples.Inputs(0, kExamples));
  });
  EXPECT_NE(message.find(stranger.Fingerprint()), std::string::npos) << message;
  EXPECT_NE(message.find(predictor.Fingerprint()), std::string::npos) << message;
  Trainer trainer(other, {});
  MessageOf(ErrorCode::kInvalidArgument, [&] { trainer.ShareFeatures(0, features); });
}

TEST(Features, FingerprintsAreOfTheFrozenLayersAlone) {
  Network network = Frozen(OneHead(), "dense2");
  const std::string expected = FingerprintOf(network);
  EXPECT_EQ(expected.size(), 32u);
  EXPECT_EQ(FingerprintOf(network.Clone()), expected);
  // Another head, with other layers' names.
  NetworkBuilder named(Shape::Vector(12));
  named.Layer({.name = "first", .kind = "dense", .attributes = {{"units", std::int64_t{19}}}})
      .Relu()
      .Layer({.name = "second", .kind = "dense", .attributes = {{"units", std::int64_t{10}}}})
      .Layer({.name = "features", .kind = "relu"})
      .Head("kind", ClassesTask(3));
  Network grafted = Frozen(std::move(named), "second", 9);
  EXPECT_NE(FingerprintOf(grafted), expected);
  for (const auto& [from, to] : {std::pair{"dense1", "first"}, std::pair{"dense2", "second"}}) {
    for (const char* parameter : {".weight", ".bias"}) {
      grafted.WriteParameter(std::string(to) + parameter,
                             network.ReadParameter(std::string(from) + parameter));
    }
  }
  EXPECT_EQ(FingerprintOf(grafted), expected);
}

TEST(Features, FingerprintsTellEveryChangeApart) {
  std::set<std::string> seen;
  std::size_t changes = 0;
  const auto differs = [&](const Network& network) {
    seen.insert(FingerprintOf(network));
    EXPECT_EQ(seen.size(), ++changes);
  };
  Network network = Frozen(OneHead(), "features");
  differs(network);
  for (const char* path : {"dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"}) {
    const std::vector<float> values = network.ReadParameter(path);
    for (const std::size_t i : {std::size_t{0}, values.size() - 1}) {
      std::vector<float> changed = values;
      changed[i] = std::nextafter(changed[i], 2.0f);
      network.WriteParameter(path, changed);
      differs(network);
      network.WriteParameter(path, values);
    }
  }
  network.Unfreeze({.pattern = "dense2"});
  differs(network);
  const auto layer = [&](const char* kind, bool is_normalized) {
    NetworkBuilder builder(Shape::Vector(12));
    if (is_normalized) builder.Normalize({0.5}, {2.0});
    builder.Dense("dense1", 18)
        .Layer({.name = "active", .kind = kind})
        .Head("signs", LabelsTask({"a"}));
    return Frozen(std::move(builder), "active");
  };
  differs(layer("relu", false));
  differs(layer("tanh", false));
  differs(layer("tanh", true));
}

TEST(Features, OfALayerAreThoseOfWhatItIsComputedFrom) {
  const auto of = [](const Network& network) { return FingerprintLayer(network, "dense2"); };
  Network network = OneHead().Build(5);
  const std::string expected = of(network);
  EXPECT_EQ(expected.size(), 32u);
  EXPECT_EQ(of(network.Clone()), expected);
  network.Freeze({.pattern = "dense2", .through = true});
  EXPECT_EQ(of(network), expected);
  EXPECT_NE(FingerprintOf(network), expected);
  EXPECT_NE(FingerprintLayer(network, "features"), expected);
  for (const char* path : {"dense1.weight", "dense2.bias"}) {
    const std::vector<float> values = network.ReadParameter(path);
    std::vector<float> changed = values;
    changed.back() = std::nextafter(changed.back(), 2.0f);
    network.WriteParameter(path, changed);
    EXPECT_NE(of(network), expected) << path;
    network.WriteParameter(path, values);
    EXPECT_EQ(of(network), expected) << path;
  }
  // What lies behind counts for nothing.
  Network other = OneHead().Build(6);
  for (const char* path : {"dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"}) {
    other.WriteParameter(path, network.ReadParameter(path));
  }
  EXPECT_EQ(of(other), expected);
  const std::string message =
      MessageOf(ErrorCode::kInvalidArgument, [&] { FingerprintLayer(network, "dense3"); });
  EXPECT_NE(message.find("dense2"), std::string::npos) << message;
}

TEST(Features, AreWrittenAndRead) {
  Features features(3, 2, "a");
  const std::int64_t examples[] = {2, 0};
  const std::vector<float> values = {1, 2, 3, 4};
  MessageOf(ErrorCode::kInvalidArgument, [&] { features.Write(examples, values); });
  features.MakeRoom(examples);
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { features.Write(examples, std::span(values).first(3)); });
  std::vector<float> read(2);
  MessageOf(ErrorCode::kInvalidArgument, [&] { features.Read(0, read); });
  features.Write(examples, values);
  features.Read(0, read);
  EXPECT_EQ(read, (std::vector<float>{3, 4}));
  MessageOf(ErrorCode::kShapeMismatch, [&] { features.Read(0, std::span(read).first(1)); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { features.Read(3, read); });
  const std::int64_t to[] = {1, 2};
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { Features(3, 2, "b").Share(features, examples, to); });
  Features others(3, 2, "a");
  others.Share(features, examples, to);
  others.Read(1, read);
  EXPECT_EQ(read, (std::vector<float>{1, 2}));
}

TEST(Features, OfAPredictorThatWasMovedFromAreInvalidState) {
  Network network = Frozen(OneHead(), "dense1");
  FeaturePredictor predictor(network);
  const FeaturePredictor taken(std::move(predictor));
  EXPECT_TRUE(taken.HasFrozenPrefix());
  MessageOf(ErrorCode::kInvalidState, [&] { predictor.HasFrozenPrefix(); });
}

}  // namespace
}  // namespace espalier
