// SPDX-License-Identifier: Apache-2.0
#include "layers/embedding.h"

#include <gtest/gtest.h>

#include "layers/initializer.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class EmbeddingReference : public testing::LayerReference {
 public:
  EmbeddingReference(std::int64_t width, std::int64_t padding_id)
      : width_(static_cast<std::size_t>(width)), padding_id_(padding_id) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles y;
    for (const double id : values.inputs[0]) {
      for (std::size_t j = 0; j < width_; ++j) {
        y.push_back(values.parameters[0][static_cast<std::size_t>(id) * width_ + j]);
      }
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back();
    result.parameters.emplace_back(values.parameters[0].size());
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const auto id = static_cast<std::int64_t>(values.inputs[0][i / width_]);
      if (id == padding_id_) continue;
      result.parameters[0][static_cast<std::size_t>(id) * width_ + i % width_] += grad[i];
    }
    return result;
  }

 private:
  std::size_t width_;
  std::int64_t padding_id_;
};

Embedding Make(std::int64_t count, std::int64_t width, std::int64_t padding_id = -1) {
  return Embedding({{"count", count}, {"width", width}, {"padding_id", padding_id}});
}

LayerValues MakeValues(const Embedding& layer, std::int64_t count, std::int64_t length,
                       std::int64_t batch) {
  LayerValues values = testing::MakeLayerValues(layer, {Shape{length}}, batch, Mode::kTraining, 3);
  Random random({.seed = 9, .purpose = RandomPurpose::kTest});
  for (double& id : values.inputs[0]) {
    id = std::floor(random.NextUniform() * static_cast<double>(count));
  }
  return values;
}

struct Case {
  std::int64_t count, width, length, batch;
};

const Case kCases[] = {{1, 1, 1, 1},   {1, 3, 5, 2},    {2, 1, 7, 3},   {10, 16, 1, 1},
                       {7, 17, 9, 2},  {100, 15, 3, 5}, {3, 33, 64, 2}, {1000, 4, 17, 2},
                       {31, 65, 7, 3}, {5, 129, 31, 1}, {257, 2, 5, 9}};

TEST(Embedding, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.count, " x ", c.width, ", length ", c.length, ", batch ", c.batch));
    const Embedding layer = Make(c.count, c.width);
    const LayerReport report = CheckLayer(layer, EmbeddingReference(c.width, -1),
                                          MakeValues(layer, c.count, c.length, c.batch));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

// The padding id's row is read as it is, but gets no gradient: the reference's is not that of its
// output there.
TEST(Embedding, PaddingGetsNoGradient) {
  const Embedding layer = Make(4, 19, 2);
  const LayerValues values = MakeValues(layer, 4, 13, 5);
  const EmbeddingReference reference(19, 2);
  Doubles grad(5 * 13 * 19);
  for (std::size_t i = 0; i < grad.size(); ++i) grad[i] = static_cast<double>(i % 9) - 4.0;
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, grad, 1);
    EXPECT_EQ(testing::ToDouble(run.output), reference.Forward(values));
    EXPECT_EQ(testing::ToDouble(run.grad_parameters[0]),
              reference.Backward(values, grad).parameters[0]);
  });
}

TEST(Embedding, BackwardWritesNamedRowsAloneWhereTheyAreToGo) {
  const Embedding layer = Make(40, 19, 2);
  const LayerValues values = MakeValues(layer, 40, 7, 3);
  Doubles grad(3 * 7 * 19);
  for (std::size_t i = 0; i < grad.size(); ++i) grad[i] = std::sin(static_cast<double>(i));
  const std::vector<float> expected = RunLayer(layer, values, grad, 1).grad_parameters[0];
  const std::vector<float> grad_output(grad.begin(), grad.end());
  std::vector<std::int32_t> ids(values.inputs[0].begin(), values.inputs[0].end());
  std::vector<float> got(expected.size(), -7.0f);
  std::vector<std::int32_t> rows(40);
  for (std::int32_t id = 0; id < 40; ++id) rows[static_cast<std::size_t>(id)] = 39 - id;
  const float* inputs[] = {reinterpret_cast<const float*>(ids.data())};
  float* grad_inputs[] = {nullptr};
  float* grad_parameters[] = {got.data()};
  Workspace workspace(1, 0);
  layer.Backward({.batch = 3,
                  .input_shapes = values.input_shapes,
                  .output_shape = values.output_shape,
                  .inputs = inputs,
                  .grad_output = grad_output.data(),
                  .grad_inputs = grad_inputs,
                  .grad_parameters = grad_parameters,
                  .gradient_rows = rows,
                  .workspace = &workspace});
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::size_t id = 39 - i / 19;
    const bool is_named =
        std::find(ids.begin(), ids.end(), static_cast<std::int32_t>(id)) != ids.end();
    EXPECT_EQ(got[i], is_named ? expected[id * 19 + i % 19] : -7.0f) << i;
  }
}

TEST(Embedding, PaddingStartsAtZero) {
  const Embedding layer = Make(5, 8, 3);
  const auto specs = layer.Parameters(std::vector{Shape{2}});
  ASSERT_EQ(specs.size(), 1u);
  EXPECT_EQ(specs[0].shape, (Shape{5, 8}));
  std::vector<float> weight(40);
  Initialize(specs[0].initializer, {.seed = 1, .purpose = RandomPurpose::kInitializer}, weight);
  for (std::size_t i = 0; i < weight.size(); ++i) EXPECT_EQ(weight[i] == 0.0f, i / 8 == 3) << i;
}

TEST(Embedding, RefusesIdsOutOfRange) {
  const Embedding layer = Make(10, 4);
  LayerValues values = MakeValues(layer, 10, 3, 2);
  for (const double id : {-1.0, 10.0, 2147483647.0, -2147483648.0}) {
    values.inputs[0][4] = id;
    try {
      RunLayer(layer, values, Doubles(24, 1.0), 2);
      FAIL() << id;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(std::string(error.what()),
                Concat("INVALID_ARGUMENT: embedding: expected ids from 0 to 9, got ",
                       static_cast<std::int32_t>(id), " at position 1 of example 1"));
    }
  }
}

TEST(Embedding, WorkersShareTheWorkAndGiveTheSameBits) {
  const Embedding layer = Make(50, 128);
  EXPECT_EQ(CheckSharedWork(layer, MakeValues(layer, 50, 65, 30)), "");
}

}  // namespace
}  // namespace espalier
