// SPDX-License-Identifier: Apache-2.0

// Plans whose products are in whole numbers.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "testing/cpu_targets.h"
#include "testing/digest.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

using testing::NormalFloats;
using testing::SameBits;
using testing::Spec;

constexpr std::int64_t kInputs = 100;

Network DenseNetwork() {
  NetworkBuilder builder(Shape::Vector(kInputs));
  builder.Dense("one", 130).Relu().Dense("two", 90).Layer(Spec("relu6", "limited", {}));
  builder.Layer(Spec("dense", {{"units", std::int64_t{10}}}, "narrow"));
  builder.From("limited").Head("kind", ClassesTask(70));
  Network network = builder.Build(3);
  testing::FillWeights(network);
  return network;
}

Network ConvolutionNetwork() {
  const auto conv = [](std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
    return Attributes{{"channels", channels}, {"kernel", kernel}, {"stride", stride}};
  };
  NetworkBuilder builder(Shape::Image(8, 6, 5));
  builder.Layer(Spec("conv2d", conv(96, 3, 1), "spatial", {})).Relu();
  builder.Layer(Spec("conv2d", conv(128, 1, 1), "expand")).BatchNorm("norm").Relu();
  builder.Layer(Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}}, "deep"));
  builder.Layer(Spec("conv2d", conv(96, 1, 1), "project"));
  builder.Add("sum", "project", "relu1").Relu();
  builder.Layer(Spec("conv2d", conv(96, 1, 2), "strided"));
  builder.Layer(Spec("conv2d", conv(8, 1, 1), "few"));
  builder.Layer(Spec("global_average_pool2d", "pool", {}));
  builder.Head("kind", ClassesTask(5));
  Network network = builder.Build(3);
  testing::Scatter(network);
  return network;
}

std::vector<float> Predict(const Network& network, const PredictorConfig& config,
                           std::int64_t batch, std::span<const float> inputs) {
  const Predictor predictor(network, config);
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

PredictorConfig Int8(int threads = 1) {
  return {.logits = true, .precision = Precision::kInt8, .threads = threads};
}

double RelativeError(std::span<const float> got, std::span<const float> expected) {
  double error = 0.0;
  double square = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += (got[i] - expected[i]) * static_cast<double>(got[i] - expected[i]);
    square += expected[i] * static_cast<double>(expected[i]);
  }
  return std::sqrt(error / square);
}

TEST(Int8Plans, DenseLayersHaveTheBitsOfEveryInstructionSetInAnyBatchOnAnyThreads) {
  Network network = DenseNetwork();
  constexpr std::int64_t kBatch = 67;
  std::vector<float> inputs(static_cast<std::size_t>(kBatch * kInputs));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = static_cast<float>(static_cast<int>(i * 7919 % 4001) - 2000) * 0x1p-10f;
  }
  // The values below the head, which is in float.
  const auto answers = [&](int threads, std::int64_t batch, std::span<const float> rows) {
    PredictorConfig config = Int8(threads);
    config.layers = {"limited"};
    return Predict(network, config, batch, rows);
  };
  testing::ForEachCpuTarget([&] {
    const std::vector<float> all = answers(1, kBatch, inputs);
    EXPECT_EQ(testing::Digest(all), 5990301197742007085u);
    EXPECT_TRUE(SameBits(answers(3, kBatch, inputs), all));
    EXPECT_TRUE(SameBits(answers(1, 1, std::span(inputs).last(kInputs)), std::span(all).last(90)));
    EXPECT_LT(RelativeError(Predict(network, Int8(), kBatch, inputs),
                            Predict(network, {.logits = true}, kBatch, inputs)),
              0.02);
  });
}

TEST(Int8Plans, ConvolutionsOfOnePositionAreCloseInAnyBatchOnAnyThreads) {
  const Network network = ConvolutionNetwork();
  constexpr std::int64_t kBatch = 5;
  constexpr std::int64_t kFloats = 8 * 6 * 5;
  const std::vector<float> inputs = NormalFloats(kBatch * kFloats, 7);
  testing::ForEachCpuTarget([&] {
    const std::vector<float> int8 = Predict(network, Int8(), kBatch, inputs);
    EXPECT_LT(RelativeError(int8, Predict(network, {.logits = true}, kBatch, inputs)), 0.03);
    EXPECT_TRUE(SameBits(Predict(network, Int8(3), kBatch, inputs), int8));
    EXPECT_TRUE(SameBits(Predict(network, Int8(), 1, std::span(inputs).last(kFloats)),
                         std::span(int8).last(5)));
  });
}

TEST(Int8Plans, TransformersAreCloseAtAnyLength) {
  testing::BertSizes sizes = {.length = 21,
                              .vocabulary = 50,
                              .positions = 64,
                              .layers = 2,
                              .width = 96,
                              .heads = 3,
                              .feed_forward = 160};
  Network network = testing::Bert(sizes).Head("x", ValuesTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  const std::vector<std::int32_t> lengths = {21, 1, 8, 20};
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 4 * 21; ++i) ids.push_back(i * i % 50);
  const std::vector<std::int32_t> types(ids.size());
  const auto predict = [&](const PredictorConfig& config) {
    const Predictor predictor(network, config);
    std::vector<float> outputs(static_cast<std::size_t>(4 * predictor.output_size()));
    const std::vector<InputData> inputs = {std::span<const std::int32_t>(ids),
                                           std::span<const std::int32_t>(types),
                                           std::span<const std::int32_t>(lengths)};
    predictor.Predict(4, Inputs(std::span<const InputData>(inputs)), outputs);
    return outputs;
  };
  testing::ForEachCpuTarget([&] {
    PredictorConfig int8 = Int8();
    int8.layers = {"features"};
    PredictorConfig fp32 = int8;
    fp32.precision = Precision::kFp32;
    const std::vector<float> features = predict(int8);
    EXPECT_LT(RelativeError(features, predict(fp32)), 0.05);
    int8.threads = 3;
    EXPECT_TRUE(SameBits(predict(int8), features));
  });
  const std::string text = Predictor(network, Int8()).Describe();
  EXPECT_NE(text.find("product 96 x 160, in int8 at 21 positions"), std::string::npos) << text;
}

TEST(Int8Plans, EmbeddingsHaveTheirRoundedRowsOnEveryInstructionSetAndAQuarterOfTheMemory) {
  constexpr std::int64_t kCount = 2000;
  constexpr std::int64_t kWidth = 65;
  NetworkBuilder builder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}});
  builder.Layer(Spec("embedding", {{"count", kCount}, {"width", kWidth}}, "words"));
  builder.Layer(Spec("token_pool", "pooled", {})).Head("x", ValuesTask({"a"}));
  Network network = builder.Build(3);
  std::vector<float> table = network.ReadParameter("words.weight");
  std::fill_n(table.begin() + 7 * kWidth, kWidth, 0.0f);
  table[1999 * kWidth + 4] = -1e6f;  // takes all the bits of its row
  network.WriteParameter("words.weight", table);
  PredictorConfig config = {.max_batch_size = 2, .threads = 1, .weight_copies = 1};
  config.layers = {"words"};
  const std::int64_t fp32_bytes = Predictor(network, config).NativeBytes();
  config.precision = Precision::kInt8;
  EXPECT_LT(Predictor(network, config).NativeBytes(), 3 * fp32_bytes / 10);
  const std::vector<std::int32_t> ids = {0, 7, 1999, 1, 1, 1998};
  std::vector<float> expected;
  for (const std::int32_t id : ids) {
    const auto row = std::span(table).subspan(static_cast<std::size_t>(id * kWidth), kWidth);
    float most = 0.0f;
    for (const float value : row) most = std::max(most, std::abs(value));
    const auto scale = static_cast<float>(most / 127.0);
    for (const float value : row) {
      const double steps = most > 0.0f ? std::nearbyint(value * (127.0 / most)) : 0.0;
      expected.push_back(static_cast<float>(steps) * scale);
    }
  }
  testing::ForEachCpuTarget([&] {
    const Predictor predictor(network, config);
    std::vector<float> rows(expected.size());
    const std::vector<InputData> inputs = {std::span<const std::int32_t>(ids)};
    predictor.Predict(2, Inputs(std::span<const InputData>(inputs)), rows);
    EXPECT_EQ(rows, expected);
    EXPECT_NE(predictor.Describe().find("words: table 2000 x 65, in int8"), std::string::npos);
  });
}

TEST(Int8Plans, BatchNormsAreFoldedIntoScales) {
  NetworkBuilder builder(Shape::Vector(kInputs));
  builder.Dense("one", 130).BatchNorm("norm").Relu().Head("kind", ClassesTask(3));
  Network network = builder.Build(3);
  testing::Scatter(network);
  // Channels that a norm turns around, takes away or nearly does.
  std::vector<float> weights = network.ReadParameter("norm.weight");
  weights[0] = -weights[0];
  weights[1] = 0.0f;
  weights[2] = 1e-30f;
  network.WriteParameter("norm.weight", weights);
  const std::vector<float> inputs = NormalFloats(9 * kInputs, 7);
  PredictorConfig config = Int8();
  config.layers = {"relu1"};
  PredictorConfig fp32 = config;
  fp32.precision = Precision::kFp32;
  std::vector<float> first;
  testing::ForEachCpuTarget([&] {
    const std::vector<float> answers = Predict(network, config, 9, inputs);
    EXPECT_LT(RelativeError(answers, Predict(network, fp32, 9, inputs)), 0.02);
    if (first.empty()) first = answers;
    EXPECT_TRUE(SameBits(answers, first));
  });
}

TEST(Int8Plans, DescribeSaysWhichStayInFloatAndWhy) {
  const std::string dense = Predictor(DenseNetwork(), Int8()).Describe();
  for (const char* line :
       {"one + relu1: product 100 x 130, in int8", "two + limited: product 130 x 90, in int8",
        "heads.kind.dense: product 90 x 70, "}) {
    EXPECT_NE(dense.find(line), std::string::npos) << line << "\nis not in\n" << dense;
  }
  const std::string images = Predictor(ConvolutionNetwork(), Int8()).Describe();
  for (const char* line :
       {"spatial + relu1: 3 x 3, shifted rows, weights in float: not 1 x 1 of stride 1",
        "expand + norm + relu2: 1 x 1, one product, in int8",
        "deep: 3 x 3, depthwise, weights in float: depthwise",
        "project + sum + relu3: 1 x 1, one product, in int8",
        "strided: 1 x 1, shifted rows, weights in float: not 1 x 1 of stride 1",
        "few: 1 x 1, one product, weights in float: few"}) {
    EXPECT_NE(images.find(line), std::string::npos) << line << "\nis not in\n" << images;
  }
}

TEST(Int8Plans, LayersAreKeptInFloatByName) {
  const Network network = DenseNetwork();
  const std::vector<float> inputs = NormalFloats(9 * kInputs, 7);
  const auto layer = [&](const char* name, Precision precision, std::vector<std::string> kept) {
    PredictorConfig config = {.precision = precision, .keep_float = std::move(kept), .threads = 1};
    config.layers = {name};
    return Predict(network, config, 9, inputs);
  };
  testing::ForEachCpuTarget([&] {
    for (const Precision precision : {Precision::kInt8, Precision::kBf16Weights}) {
      EXPECT_TRUE(SameBits(layer("limited", precision, {"two", "one"}),
                           layer("limited", Precision::kFp32, {})));
      EXPECT_FALSE(
          SameBits(layer("limited", precision, {"two"}), layer("limited", Precision::kFp32, {})));
      EXPECT_TRUE(SameBits(layer("relu1", precision, {"two"}), layer("relu1", precision, {})));
    }
  });
  PredictorConfig config = Int8();
  config.keep_float = {"two", "narrow"};
  const std::string text = Predictor(network, config).Describe();
  for (const char* line :
       {"one + relu1: product 100 x 130, in int8", "two + limited: product 130 x 90, ",
        "weights in float, as asked for: two, narrow\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nis not in\n" << text;
  }
  config.keep_float = {"tow"};
  const std::string error =
      testing::MessageOf(ErrorCode::kInvalidArgument, [&] { Predictor(network, config); });
  EXPECT_NE(error.find("got 'tow', which no layer has; did you mean 'two'"), std::string::npos)
      << error;
}

TEST(Int8Plans, ConvolutionsAndTablesAreKeptInFloatByName) {
  const Network network = ConvolutionNetwork();
  const std::vector<float> inputs = NormalFloats(3 * 8 * 6 * 5, 7);
  PredictorConfig config = Int8();
  config.keep_float = {"expand", "project"};
  testing::ForEachCpuTarget([&] {
    EXPECT_TRUE(SameBits(Predict(network, config, 3, inputs),
                         Predict(network, {.logits = true, .threads = 1}, 3, inputs)));
  });
  NetworkBuilder builder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}});
  builder.Layer(
      Spec("embedding", {{"count", std::int64_t{200}}, {"width", std::int64_t{64}}}, "words"));
  builder.Layer(Spec("token_pool", "pooled", {})).Head("x", ValuesTask({"a"}));
  const Network words = builder.Build(3);
  config.keep_float = {"words"};
  const std::string text = Predictor(words, config).Describe();
  EXPECT_EQ(text.find("in int8"), std::string::npos) << text;
}

TEST(Int8Plans, TakeAQuarterOfTheMemory) {
  NetworkBuilder builder(Shape::Vector(512));
  builder.Dense("one", 512).Relu().Dense("two", 512).Relu().Head("kind", ClassesTask(5));
  const Network network = builder.Build(3);
  PredictorConfig config = {.max_batch_size = 1, .threads = 1, .weight_copies = 1};
  const std::int64_t fp32 = Predictor(network, config).NativeBytes();
  config.precision = Precision::kInt8;
  EXPECT_LT(Predictor(network, config).NativeBytes(), 3 * fp32 / 10);
}

TEST(Int8Plans, WhatIsNotFiniteStaysWithItsExample) {
  const Network network = DenseNetwork();
  std::vector<float> inputs = NormalFloats(3 * kInputs, 7);
  inputs[kInputs + 4] = std::numeric_limits<float>::quiet_NaN();
  testing::ForEachCpuTarget([&] {
    const std::vector<float> answers = Predict(network, Int8(), 3, inputs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(std::isfinite(answers[i]), i / 70 != 1) << i;
    }
  });
}

}  // namespace
}  // namespace espalier
