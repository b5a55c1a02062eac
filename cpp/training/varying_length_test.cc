// SPDX-License-Identifier: Apache-2.0

// Texts of a varying length: what is trained, evaluated and cached depends on their tokens alone,
// not on how long the network's input might be.

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "testing/inference_networks.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

using testing::ParametersOf;

constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kLongest = 11;

Network SmallBert(std::int64_t length) {
  const testing::BertSizes sizes = {.length = length,
                                    .vocabulary = 30,
                                    .positions = 64,
                                    .layers = 2,
                                    .width = 24,
                                    .heads = 3,
                                    .feed_forward = 40};
  Network network = testing::Bert(sizes).Head("x", LabelsTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  return network;
}

// The same texts, padded to a length.
struct Texts {
  explicit Texts(std::int64_t length) {
    for (std::int32_t i = 0; i < kBatch; ++i) {
      for (std::int32_t j = 0; j < length; ++j) {
        const bool is_valid = j < lengths[static_cast<std::size_t>(i)];
        ids.push_back(is_valid ? (7 * i + j * j) % 29 + 1 : 0);
        types.push_back(is_valid ? j / 3 % 2 : 0);
      }
      labels.insert(labels.end(), {static_cast<float>(i % 2), static_cast<float>(i / 2)});
    }
    for (std::int32_t i = 0; i < kBatch; ++i) {
      const auto row = [&](const std::vector<std::int32_t>& values, std::int64_t count) {
        for (std::int64_t j = 0; j < count; ++j) {
          rows.push_back(static_cast<float>(values[static_cast<std::size_t>(i * count + j)]));
        }
      };
      row(ids, length);
      row(types, length);
      row(lengths, 1);
    }
  }

  std::vector<InputData> data() const {
    return {std::span<const std::int32_t>(ids), std::span<const std::int32_t>(types),
            std::span<const std::int32_t>(lengths)};
  }
  std::vector<TaskTargets> targets() const { return {{.values = labels}}; }

  std::vector<std::int32_t> lengths = {3, kLongest, 0, 6};
  std::vector<std::int32_t> ids, types;
  std::vector<float> rows, labels;
};

struct Trained {
  testing::NamedValues parameters;
  std::vector<float> logits;
  double loss = 0.0;
};

const TrainerConfig kConfig = {.optimizer = AdamW{.learning_rate = 1e-2}, .max_batch_size = kBatch};

Trained Train(std::int64_t length, const std::string& frozen, bool rows) {
  Network network = SmallBert(length);
  if (!frozen.empty()) network.Freeze({.pattern = frozen, .through = true});
  const Texts texts(length);
  const std::vector<InputData> data = texts.data();
  const Inputs inputs =
      rows ? Inputs::SideBySide(texts.rows) : Inputs(std::span<const InputData>(data));
  Trained trained;
  {
    Trainer trainer(network, kConfig);
    for (int step = 0; step < 4; ++step) {
      trained.loss = trainer.Step(kBatch, inputs, texts.targets()).loss;
    }
    trained.logits.resize(static_cast<std::size_t>(2 * kBatch));
    trainer.Evaluate(kBatch, inputs, trained.logits);
  }
  trained.parameters = ParametersOf(network);
  return trained;
}

TEST(VaryingLength, TrainsAsANetworkOfTheLongestText) {
  for (const char* frozen : {"", "block1.norm2", "norm", "features"}) {
    const Trained expected = Train(kLongest, frozen, /*rows=*/false);
    EXPECT_GT(expected.loss, 0.0);
    for (const bool rows : {false, true}) {
      SCOPED_TRACE(std::string(frozen) + (rows ? ", rows" : ""));
      const Trained got = Train(37, frozen, rows);
      EXPECT_EQ(got.loss, expected.loss);
      EXPECT_EQ(got.parameters, expected.parameters);
      EXPECT_TRUE(testing::SameBits(got.logits, expected.logits));
    }
  }
}

// Features of tokens, cached for all of a network's positions, serve batches of any length.
TEST(VaryingLength, CachedFeaturesGiveTheSameSteps) {
  const Texts texts(37);
  const std::vector<InputData> data = texts.data();
  const Inputs inputs{std::span<const InputData>(data)};
  for (const char* frozen : {"block1.norm2", "norm", "features"}) {
    SCOPED_TRACE(frozen);
    Network direct = SmallBert(37);
    direct.Freeze({.pattern = frozen, .through = true});
    Network cached = SmallBert(37);
    cached.Freeze({.pattern = frozen, .through = true});
    std::vector<float> logits(static_cast<std::size_t>(2 * kBatch));
    std::vector<float> cached_logits = logits;
    std::vector<std::int64_t> examples(kBatch);
    std::iota(examples.begin(), examples.end(), 0);
    {
      Trainer trainer(direct, kConfig);
      Trainer other(cached, kConfig);
      other.ReserveFeatures(0, kBatch);
      other.CacheFeatures(0, 0, kBatch, inputs);
      for (int step = 0; step < 3; ++step) {
        EXPECT_EQ(trainer.Step(kBatch, inputs, texts.targets()).loss,
                  other.StepCached(0, examples, texts.targets()).loss);
      }
      trainer.Evaluate(kBatch, inputs, logits);
      other.EvaluateCached(0, examples, cached_logits);
    }
    EXPECT_TRUE(testing::SameBits(logits, cached_logits));
    EXPECT_EQ(ParametersOf(direct), ParametersOf(cached));
  }
}

}  // namespace
}  // namespace espalier
