// SPDX-License-Identifier: Apache-2.0

// Plans of transformers.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/predictor.h"
#include "inference/inference_run.h"
#include "inference/inference_plan.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/reference_forward.h"
#include "testing/tolerance.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

constexpr testing::BertSizes kSizes = {.length = 37,
                                       .vocabulary = 50,
                                       .positions = 64,
                                       .layers = 2,
                                       .width = 24,
                                       .heads = 3,
                                       .feed_forward = 40};

Network SmallBert(std::int64_t length) {
  testing::BertSizes sizes = kSizes;
  sizes.length = length;
  Network network = testing::Bert(sizes).Head("x", ValuesTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  return network;
}

// Sentences of given lengths, with any ids behind them.
struct Sentences {
  Sentences(std::vector<std::int32_t> lengths_in, std::int64_t length)
      : batch(static_cast<std::int64_t>(lengths_in.size())), lengths(std::move(lengths_in)) {
    for (std::int64_t i = 0; i < batch; ++i) {
      for (std::int64_t j = 0; j < length; ++j) {
        const bool is_valid = j < lengths[static_cast<std::size_t>(i)];
        const std::int64_t id = is_valid ? (7 * i + j * j) % 49 + 1 : (j + length) % 50;
        ids.push_back(static_cast<std::int32_t>(id));
        types.push_back(is_valid ? static_cast<std::int32_t>(j / 3 % 2) : 1);
      }
    }
    all = {std::span<const std::int32_t>(ids), std::span<const std::int32_t>(types),
           std::span<const std::int32_t>(lengths)};
  }

  // As a plan takes them: the bits of floats.
  std::vector<std::vector<float>> Floats() const {
    std::vector<std::vector<float>> values;
    for (const auto* input : {&ids, &types, &lengths}) {
      values.emplace_back();
      for (const std::int32_t value : *input) values.back().push_back(std::bit_cast<float>(value));
    }
    return values;
  }

  std::int64_t batch;
  std::vector<std::int32_t> lengths, ids, types;
  std::vector<InputData> all;
};

std::vector<float> Predict(const Predictor& predictor, const Sentences& sentences) {
  std::vector<float> outputs(static_cast<std::size_t>(2 * sentences.batch));
  predictor.Predict(sentences.batch, Inputs(std::span<const InputData>(sentences.all)), outputs);
  return outputs;
}

TEST(TransformerPlan, EqualsLayerByLayer) {
  const Network network = SmallBert(kSizes.length);
  const NetworkState& state = *network.state();
  const Sentences sentences({37, 1, 20}, kSizes.length);
  const std::vector<std::vector<float>> inputs = sentences.Floats();
  const int output = state.logits(state.heads[0]);
  testing::ForEachCpuTarget([&] {
    const auto expected = testing::ReferenceForward(state, sentences.batch, inputs);
    for (const Precision precision : {Precision::kFp32, Precision::kBf16Weights}) {
      const InferencePlan plan(state, {}, {output}, sentences.batch, {.precision = precision});
      for (const int workers : {1, 3}) {
        std::vector<float> got(static_cast<std::size_t>(2 * sentences.batch));
        std::vector<const float*> places;
        for (const std::vector<float>& input : inputs) places.push_back(input.data());
        float* const to = got.data();
        plan.Run(sentences.batch, places, {&to, 1}, *plan.MakeRun(workers));
        EXPECT_LE(testing::RelativeNorm(got, expected[static_cast<std::size_t>(output)]),
                  precision == Precision::kFp32 ? 1e-5 : 3e-2);
      }
    }
  });
}

TEST(TransformerPlan, ProductsTakeSumsAndActivations) {
  const Network network = SmallBert(kSizes.length);
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, {state.logits(state.heads[0])}, 1);
  EXPECT_NE(plan.Describe().find("\nblock1.qkv\nblock1.attention\nblock1.projection + block1.sum1\n"
                                 "block1.norm1\nblock1.hidden + block1.activation\n"
                                 "block1.output + block1.sum2\nblock1.norm2\nblock2.qkv\n"),
            std::string::npos)
      << plan.Describe();
  EXPECT_NE(plan.DescribeKernels().find("block1.qkv: product 24 x 72 at 37 positions, "),
            std::string::npos)
      << plan.DescribeKernels();
}

// A sentence's answer has the same bits alone and among others, and however long its padding is.
TEST(TransformerPlan, AnswersDependOnValidTokensAlone) {
  const Network shorter = SmallBert(19);
  const Network longer = SmallBert(61);
  testing::ForEachCpuTarget([&] {
    const Predictor alone(shorter, {.max_batch_size = 1});
    const Predictor together(longer, {.max_batch_size = 4});
    const std::vector<float> expected = Predict(together, Sentences({19, 61, 7, 1}, 61));
    const std::vector<float> first = Predict(alone, Sentences({19}, 19));
    EXPECT_TRUE(testing::SameBits(first, std::span(expected).first(2)));
    Sentences third({7}, 19);
    for (std::int32_t j = 0; j < 7; ++j) {
      third.ids[static_cast<std::size_t>(j)] = (7 * 2 + j * j) % 49 + 1;
    }
    EXPECT_TRUE(testing::SameBits(Predict(alone, third), std::span(expected).subspan(4, 2)));
  });
}

// A batch is computed up to its longest sentence: a network whose input could be longer has the
// same bits, and a plan reads no token behind it.
TEST(TransformerPlan, RunsUpToTheLongestSentence) {
  const Network network = SmallBert(kSizes.length);
  const NetworkState& state = *network.state();
  const std::vector<std::int32_t> lengths = {5, 11, 0, 8, 11};
  testing::ForEachCpuTarget([&] {
    const Predictor whole(SmallBert(11), {.max_batch_size = 5});
    const std::vector<float> expected = Predict(whole, Sentences(lengths, 11));
    for (const std::int64_t piece : {1, 2, 5}) {
      const Predictor predictor(network, {.max_batch_size = piece});
      Sentences sentences(lengths, kSizes.length);
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        const Sentences same(lengths, 11);
        std::copy_n(same.ids.data() + i * 11, 11, sentences.ids.data() + i * 37);
        std::copy_n(same.types.data() + i * 11, 11, sentences.types.data() + i * 37);
      }
      EXPECT_TRUE(testing::SameBits(Predict(predictor, sentences), expected)) << piece;
    }
    // The plan itself, given no more than eleven tokens each.
    const Sentences cut(lengths, 11);
    const std::vector<std::vector<float>> inputs = cut.Floats();
    std::vector<const float*> places;
    for (const std::vector<float>& input : inputs) places.push_back(input.data());
    BatchLengths longest;
    longest.Set(2, 11);
    const InferencePlan plan(state, {}, {state.logits(state.heads[0])}, cut.batch);
    for (const int workers : {1, 3}) {
      std::vector<float> got(expected.size());
      float* const to = got.data();
      const auto buffers = plan.MakeRun(workers);
      plan.Run(cut.batch, places, {&to, 1}, *buffers, &longest);
      EXPECT_TRUE(testing::SameBits(got, expected));
    }
  });
}

TEST(TransformerPlan, LayersThatVaryAreGivenWhole) {
  const Network network = SmallBert(kSizes.length);
  const Predictor predictor(network, {.max_batch_size = 2, .layers = {"block1.norm1"}});
  const Sentences sentences({5, 11}, kSizes.length);
  std::vector<float> outputs(static_cast<std::size_t>(2 * 37 * 24));
  predictor.Predict(2, Inputs(std::span<const InputData>(sentences.all)), outputs);
  const Predictor alone(network, {.max_batch_size = 1, .layers = {"block1.norm1"}});
  const Sentences first({5}, kSizes.length);
  std::vector<float> expected(static_cast<std::size_t>(37 * 24));
  alone.Predict(1, Inputs(std::span<const InputData>(first.all)), expected);
  EXPECT_TRUE(testing::SameBits(std::span(outputs).first(expected.size()), expected));
}

TEST(TransformerPlan, IdsAndLengthsOutOfRangeAreRefused) {
  const Network network = SmallBert(9);
  const Predictor predictor(network, {.max_batch_size = 1});
  for (const std::int32_t id : {-1, 50, 2147483647}) {
    Sentences sentences({9}, 9);
    sentences.ids[4] = id;
    EXPECT_THROW(Predict(predictor, sentences), Error) << id;
  }
  for (const std::int32_t length : {-1, 10}) {
    EXPECT_THROW(Predict(predictor, Sentences({length}, 9)), Error) << length;
  }
}

}  // namespace
}  // namespace espalier
