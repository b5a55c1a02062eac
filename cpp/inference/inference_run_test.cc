// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_run.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "testing/inference_networks.h"
#include "testing/known_networks.h"
#include "testing/messages.h"
#include "testing/normal_floats.h"
#include "testing/transformer_networks.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::NormalFloats;

// Convolutions that are worth a thread for a single example.
Network LargeNetwork() {
  return Network::Build(testing::ResNet18(Shape::Image(3, 32, 32), 7, 16), 5);
}

std::vector<int> Logits(const NetworkState& network) {
  std::vector<int> values;
  for (const GraphHead& head : network.heads) values.push_back(network.logits(head));
  return values;
}

std::vector<float> Answers(const InferencePlan& plan, InferenceRun& run, std::int64_t batch,
                           const std::vector<float>& inputs, std::int64_t width) {
  std::vector<float> outputs(static_cast<std::size_t>(batch * width), -777.0f);
  const float* const from = inputs.data();
  float* const to = outputs.data();
  plan.Run(batch, {&from, 1}, {&to, 1}, run);
  return outputs;
}

class CutBatch : public ::testing::Test {
 protected:
  void SetUp() override { SetThreadCount(4); }
  void TearDown() override { SetThreadCount(before_); }

 private:
  int before_ = ThreadPool::Shared().thread_count();
};

// However a batch is cut, among workers or into pieces, whole or with a rest.
TEST_F(CutBatch, ByWorkersAndPiecesGivesTheSameBits) {
  const Network network = LargeNetwork();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, Logits(state), 24);
  const std::vector<float> inputs = NormalFloats(24 * 3 * 32 * 32, 3);
  const std::vector<float> expected = Answers(plan, *plan.MakeRun(1), 24, inputs, 7);
  for (const int workers : {1, 2, 3, 4}) {
    for (const std::int64_t piece : {1, 2, 5, 8, 24}) {
      const auto run = plan.MakeRun(workers, piece);
      for (const std::int64_t batch : {1, 2, 3, 7, 8, 12, 17, 24}) {
        const std::vector<float> answers = Answers(plan, *run, batch, inputs, 7);
        ASSERT_EQ(answers, std::vector<float>(expected.begin(), expected.begin() + batch * 7))
            << workers << " workers, pieces of " << piece << ", batch " << batch;
      }
    }
  }
}

// Otherwise one thread would take the batch from the first layer to the last.
TEST_F(CutBatch, HasSeveralWorkers) {
  const Network network = LargeNetwork();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, Logits(state), 64);
  EXPECT_TRUE(plan.CanUseWorkers(64));
  const std::vector<float> inputs = NormalFloats(64 * 3 * 32 * 32, 3);
  const auto run = plan.MakeRun(4);
  EXPECT_GT(testing::WidestRunOf([&] { Answers(plan, *run, 64, inputs, 7); }), 1);
}

// Parts are pieces of the same memory.
TEST_F(CutBatch, TakesLittleMoreMemoryThanOne) {
  const Network network = LargeNetwork();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, Logits(state), 32);
  const std::int64_t scratch = 4 * (std::int64_t{1} << 20);
  EXPECT_LT(plan.MakeRun(4)->NativeBytes(), plan.MakeRun(1)->NativeBytes() * 5 / 4 + scratch);
}

TEST_F(CutBatch, OfTextsGivesTheSameBits) {
  const Network network = testing::Bert({}).Head("topic", LabelsTask({"a", "b"})).Build(3);
  const NetworkState& state = *network.state();
  constexpr std::int64_t kBatch = 6;
  const std::int64_t tokens = state.values[0].shape.element_count();
  std::vector<std::int32_t> ids(static_cast<std::size_t>(kBatch * tokens));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i % 97);
  const std::vector<std::int32_t> types(ids.size());
  const std::vector<std::int32_t> lengths = {9, 20, 3, 20, 20, 14};
  const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                       std::span<const std::int32_t>(types),
                                       std::span<const std::int32_t>(lengths)};
  const auto answers = [&](int threads) {
    const Predictor predictor(network, {.max_batch_size = kBatch, .threads = threads});
    std::vector<float> outputs(kBatch * 2);
    predictor.Predict(kBatch, Inputs(data), outputs);
    return outputs;
  };
  EXPECT_EQ(answers(4), answers(1));
}

}  // namespace
}  // namespace espalier
