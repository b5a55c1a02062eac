// SPDX-License-Identifier: Apache-2.0

// Networks that read several things, of floats and of integers.

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"
#include "testing/normal_floats.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::NormalFloats;
using testing::ParametersOf;
using testing::Spec;

constexpr std::int64_t kBatch = 7;
constexpr std::int64_t kLength = 4;
constexpr std::int64_t kRow = 3 + kLength + 1;

Network TextAndNumbers() {
  NetworkBuilder builder({{.name = "numbers",
                           .shape = Shape::Vector(3),
                           .normalization = Normalization{.mean = {0.5}, .std = {2.0}}},
                          {.name = "ids", .shape = Shape{kLength}, .type = ElementType::kInt32},
                          {.name = "length", .shape = Shape{1}, .type = ElementType::kInt32}});
  const Attributes table = {{"count", std::int64_t{9}}, {"width", std::int64_t{6}}};
  builder.Layer(Spec("embedding", table, "words", {"ids"}));
  builder.Layer(Spec("token_pool", "text", {"words", "length"}));
  builder.Layer(Spec("concat", "all", {"text", "numbers"}));
  builder.Dense("hidden", 8).Relu().Head("signs", LabelsTask({"a", "b"}));
  return builder.Build(1);
}

// The same examples in both forms.
struct Examples {
  std::vector<float> numbers = NormalFloats(kBatch * 3, {.seed = 5});
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> lengths;
  std::vector<float> rows;
  std::vector<float> labels;

  Examples() {
    for (std::int32_t i = 0; i < kBatch; ++i) {
      for (std::int32_t k = 0; k < kLength; ++k) ids.push_back((3 * i + 5 * k) % 9);
      lengths.push_back(1 + i % static_cast<std::int32_t>(kLength));
      for (std::int32_t k = 0; k < 3; ++k)
        rows.push_back(numbers[static_cast<std::size_t>(3 * i + k)]);
      for (std::int32_t k = 0; k < kLength; ++k) {
        rows.push_back(static_cast<float>((3 * i + 5 * k) % 9));
      }
      rows.push_back(static_cast<float>(lengths.back()));
      labels.insert(labels.end(), {static_cast<float>(i % 2), static_cast<float>(i % 3 == 0)});
    }
  }

  std::vector<InputData> data() const {
    return {std::span<const float>(numbers), std::span<const std::int32_t>(ids),
            std::span<const std::int32_t>(lengths)};
  }
  std::vector<TaskTargets> targets() const { return {{.values = labels}}; }
};

TEST(SeveralInputs, SideBySideOrEachForItself) {
  const Network network = TextAndNumbers();
  const Examples examples;
  for (const std::int64_t piece : {1, 3, 16}) {
    const Predictor predictor(network, {.max_batch_size = piece});
    EXPECT_EQ(predictor.input_size(), kRow);
    std::vector<float> each(kBatch * 2);
    std::vector<float> side(kBatch * 2);
    const std::vector<InputData> data = examples.data();
    predictor.Predict(kBatch, Inputs(data), each);
    predictor.Predict(kBatch, Inputs::SideBySide(examples.rows), side);
    EXPECT_EQ(each, side);
    EXPECT_NE(each[0], each[2]);
  }
}

TEST(SeveralInputs, TrainAndEvaluateTheSame) {
  Network one = TextAndNumbers();
  Network other = TextAndNumbers();
  const Examples examples;
  const std::vector<InputData> data = examples.data();
  {
    Trainer a(one, {.max_batch_size = kBatch});
    Trainer b(other, {.max_batch_size = kBatch});
    for (int step = 0; step < 4; ++step) {
      const double loss = a.Step(kBatch, Inputs(data), examples.targets()).loss;
      EXPECT_EQ(b.Step(kBatch, Inputs::SideBySide(examples.rows), examples.targets()).loss, loss);
    }
    std::vector<float> x(kBatch * 2);
    std::vector<float> y(kBatch * 2);
    a.Evaluate(kBatch, Inputs(data), x);
    b.Evaluate(kBatch, Inputs::SideBySide(examples.rows), y);
    EXPECT_EQ(x, y);
  }
  EXPECT_EQ(ParametersOf(one), ParametersOf(other));
  EXPECT_NE(ParametersOf(one), ParametersOf(TextAndNumbers()));
}

TEST(SeveralInputs, CachedFeaturesTrainAsUncachedOnes) {
  Network cached = TextAndNumbers();
  Network plain = TextAndNumbers();
  for (Network* network : {&cached, &plain}) network->Freeze({.pattern = "words"});
  const Examples examples;
  const std::vector<InputData> data = examples.data();
  {
    Trainer a(cached, {.max_batch_size = kBatch});
    Trainer b(plain, {.max_batch_size = kBatch});
    ASSERT_TRUE(a.HasFrozenPrefix());
    EXPECT_EQ(a.FeatureCount(), 6 + 3);
    a.ReserveFeatures(0, kBatch);
    a.CacheFeatures(0, 0, kBatch, Inputs::SideBySide(examples.rows));
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < kBatch; ++i) order.push_back(i);
    for (int step = 0; step < 3; ++step) {
      const double loss = b.Step(kBatch, Inputs(data), examples.targets()).loss;
      EXPECT_EQ(a.StepCached(0, order, examples.targets()).loss, loss);
    }
  }
  EXPECT_EQ(ParametersOf(cached), ParametersOf(plain));
}

TEST(SeveralInputs, WrongDataIsRefused) {
  Network network = TextAndNumbers();
  const Predictor predictor(network);
  std::vector<float> outputs(kBatch * 2);
  Examples examples;
  const auto refused = [&](ErrorCode code, const auto& inputs, const std::string& part) {
    const std::string message =
        MessageOf(code, [&] { predictor.Predict(kBatch, inputs, outputs); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  refused(ErrorCode::kShapeMismatch, Inputs(examples.numbers), "expected data of 3 inputs, got 1");
  std::vector<InputData> swapped = examples.data();
  std::swap(swapped[0], swapped[1]);
  refused(ErrorCode::kShapeMismatch, Inputs(swapped),
          "input 'numbers': expected values of float32, got int32");
  std::vector<InputData> shorter = examples.data();
  shorter[1] = std::span<const std::int32_t>(examples.ids).first(5);
  refused(ErrorCode::kShapeMismatch, Inputs(shorter),
          "input 'ids' of 28 elements, 7 examples of [4], got 5");
  examples.ids[6] = 9;
  const std::vector<InputData> beyond = examples.data();
  refused(ErrorCode::kInvalidArgument, Inputs(beyond),
          "input 'ids': expected integers from 0 to 8, got 9 in row 1 at place 2");
  examples.rows[kRow + 3] = 0.5f;
  refused(ErrorCode::kInvalidArgument, Inputs::SideBySide(examples.rows),
          "input 'ids': expected integers from 0 to 8, got 0.5 in row 1 at place 0");
  refused(ErrorCode::kShapeMismatch, Inputs::SideBySide(examples.numbers),
          "expected inputs of 56 elements, 7 examples of 8 floats, got 21");
  const std::vector<std::uint8_t> pixels(kBatch * kRow);
  MessageOf(ErrorCode::kInvalidArgument, [&] { predictor.PredictPixels(kBatch, pixels, outputs); });
  examples.rows[0] = std::numeric_limits<float>::quiet_NaN();
  Trainer trainer(network, {.max_batch_size = kBatch});
  MessageOf(ErrorCode::kNonFinite,
            [&] { trainer.Step(kBatch, Inputs::SideBySide(examples.rows), examples.targets()); });
}

TEST(SeveralInputs, BuildingChecksNamesAndTypes) {
  const auto refused = [](NetworkBuilder builder, ErrorCode code, const std::string& part) {
    const std::string message = MessageOf(code, [&] { builder.Build(1); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const InputSpec ids = {.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32};
  refused(NetworkBuilder(std::vector<InputSpec>()).Relu(), ErrorCode::kInvalidArgument,
          "1 to 16 inputs, got 0");
  refused(NetworkBuilder({ids, ids}).Relu(), ErrorCode::kInvalidArgument,
          "input 'ids' is named twice");
  refused(NetworkBuilder({ids}).Dense("dense", 3), ErrorCode::kShapeMismatch,
          "expected values of float32, got 'ids' of int32");
  refused(NetworkBuilder(Shape{3}).Layer(
              Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{6}}}, "words")),
          ErrorCode::kShapeMismatch, "expected values of int32, got 'input' of float32");
  refused(NetworkBuilder({ids, {.name = "other", .shape = Shape{2}}}).Dense("ids", 3),
          ErrorCode::kInvalidArgument, "layer 'ids' is named twice; an input has that name");
  refused(NetworkBuilder({ids}).Normalize({1.0}, {1.0}).Relu(), ErrorCode::kInvalidArgument,
          "expected an input of float32, got int32");
}

}  // namespace
}  // namespace espalier
