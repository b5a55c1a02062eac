// SPDX-License-Identifier: Apache-2.0
#include "layers/batch_norm.h"

#include <gtest/gtest.h>

#include "kernels/elementwise/elementwise.h"
#include "testing/all_activations.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

constexpr double kEpsilon = static_cast<double>(1e-5f);

class BatchNormReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    const Doubles& x = values.inputs[0];
    Doubles y(x.size());
    for (std::size_t c = 0; c < Channels(values); ++c) {
      const Moments m = For(values, c);
      for (const std::size_t i : Elements(values, c)) {
        y[i] = (x[i] - m.mean) * m.scale * values.parameters[0][c] + values.parameters[1][c];
      }
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const Doubles& x = values.inputs[0];
    LayerGradients result;
    result.inputs.emplace_back(x.size());
    result.parameters = {Doubles(Channels(values)), Doubles(Channels(values)), {}, {}};
    for (std::size_t c = 0; c < Channels(values); ++c) {
      const Moments m = For(values, c);
      const auto elements = Elements(values, c);
      const double weight = values.parameters[0][c];
      double sum = 0.0, product = 0.0;
      for (const std::size_t i : elements) {
        sum += grad[i];
        product += grad[i] * (x[i] - m.mean) * m.scale;
      }
      const double count = static_cast<double>(elements.size());
      for (const std::size_t i : elements) {
        const double constant = values.mode == Mode::kTraining
                                    ? sum / count + (x[i] - m.mean) * m.scale * product / count
                                    : 0.0;
        result.inputs[0][i] = weight * m.scale * (grad[i] - constant);
      }
      result.parameters[0][c] = product;
      result.parameters[1][c] = sum;
    }
    return result;
  }

 private:
  struct Moments {
    double mean, scale;
  };

  static std::size_t Channels(const LayerValues& values) {
    return static_cast<std::size_t>(values.input_shapes[0][0]);
  }

  static std::vector<std::size_t> Elements(const LayerValues& values, std::size_t c) {
    const std::size_t size = static_cast<std::size_t>(values.input_shapes[0].element_count());
    const std::size_t spatial = size / Channels(values);
    std::vector<std::size_t> result;
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      for (std::size_t i = 0; i < spatial; ++i) result.push_back(n * size + c * spatial + i);
    }
    return result;
  }

  static Moments For(const LayerValues& values, std::size_t c) {
    if (values.mode == Mode::kEvaluation) {
      return {values.parameters[2][c], 1.0 / std::sqrt(values.parameters[3][c] + kEpsilon)};
    }
    const auto elements = Elements(values, c);
    const double count = static_cast<double>(elements.size());
    double mean = 0.0, variance = 0.0;
    for (const std::size_t i : elements) mean += values.inputs[0][i] / count;
    for (const std::size_t i : elements) {
      const double difference = values.inputs[0][i] - mean;
      variance += difference * difference / count;
    }
    return {mean, 1.0 / std::sqrt(variance + kEpsilon)};
  }
};

struct Case {
  Shape input;
  std::int64_t batch;
};

// Few values a channel make the gradient a small difference of large terms, which float32
// cannot give to 1e-5; a single one makes it 0.
const Case kCases[] = {{{1}, 1},         {{1}, 9},         {{3}, 17},      {{15}, 8},
                       {{16}, 16},       {{17}, 33},       {{33}, 130},    {{1, 3, 3}, 1},
                       {{3, 5, 7}, 2},   {{2, 1, 17}, 3},  {{4, 4, 4}, 5}, {{17, 2, 2}, 9},
                       {{3, 33, 31}, 2}, {{2, 63, 65}, 3}, {{5, 1, 2}, 67}};

TEST(BatchNorm, MatchesReferenceAndItsGradient) {
  const BatchNorm layer({});
  for (const Mode mode : {Mode::kTraining, Mode::kEvaluation}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(Concat(c.input.ToString(), ", batch ", c.batch,
                          mode == Mode::kTraining ? ", training" : ", evaluation"));
      const LayerReport report =
          CheckLayer(layer, BatchNormReference(),
                     testing::MakeLayerValues(layer, {c.input}, c.batch, mode, 3));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(BatchNorm, LosesNothingWhereTheMeanIsLarge) {
  const BatchNorm layer({});
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(2, 9, 9)}, 5, Mode::kTraining, 3);
  for (double& x : values.inputs[0]) x = static_cast<float>(1000.0 + x);
  const Doubles expected = BatchNormReference().Forward(values);
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(expected.size(), 1.0), 1);
    EXPECT_EQ(testing::FirstFar(run.output, expected, 1e-4, 1e-4), -1);
  });
}

TEST(BatchNorm, WorkersShareTheWorkAndGiveTheSameBits) {
  const BatchNorm layer({});
  for (const Shape& shape : {Shape{33, 16, 17}, Shape{513}}) {
    for (const Mode mode : {Mode::kTraining, Mode::kEvaluation}) {
      EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {shape}, 130, mode, 5)), "");
    }
  }
}

// A batch norm, a sum with a residual and an activation, in the norm's passes or each on its own.
struct Followed {
  std::vector<float> output, grad_input, grad_residual, grad_weight, grad_bias;
};

struct Followers {
  Mode mode;
  Activation activation;
  bool has_residual;
};

Followed RunFollowed(const Shape& shape, std::int64_t batch, const Followers& followers,
                     bool is_fused, int workers) {
  const BatchNorm layer({});
  const auto count = static_cast<std::size_t>(batch * shape.element_count());
  const auto channels = static_cast<std::size_t>(shape[0]);
  Random random({.seed = 7, .purpose = RandomPurpose::kTest});
  std::vector<float> x(count), residual(count), grad(count);
  std::vector<float> weight(channels), bias(channels), mean(channels), variance(channels, 1.5f);
  for (std::vector<float>* values : {&x, &residual, &grad, &weight, &bias, &mean}) {
    for (float& value : *values) value = static_cast<float>(random.NextNormal());
  }
  const Activation activation = is_fused ? followers.activation : Activation::kNone;
  const LayerUse use = {.mode = followers.mode,
                        .has_residual = is_fused && followers.has_residual,
                        .activation = activation};
  const LayerMemory memory = layer.Memory(batch, {&shape, 1}, use);
  std::vector<float> saved(static_cast<std::size_t>(memory.saved));
  std::vector<float> forward(static_cast<std::size_t>(memory.forward));
  std::vector<float> backward(static_cast<std::size_t>(memory.backward));
  Workspace workspace(workers, 0);
  const float* inputs[] = {x.data()};
  const float* parameters[] = {weight.data(), bias.data(), mean.data(), variance.data()};
  Followed result{std::vector<float>(count),
                  std::vector<float>(count),
                  {},
                  std::vector<float>(channels),
                  std::vector<float>(channels)};
  const std::int64_t size = batch * shape.element_count();
  layer.Forward({.batch = batch,
                 .mode = followers.mode,
                 .input_shapes = {&shape, 1},
                 .output_shape = shape,
                 .inputs = inputs,
                 .parameters = parameters,
                 .output = result.output.data(),
                 .saved = saved.data(),
                 .temporary = forward.data(),
                 .random = {},
                 .residual = use.has_residual ? residual.data() : nullptr,
                 .activation = activation,
                 .slope = 0.3f,
                 .workspace = &workspace});
  if (!is_fused) {
    float* const y = result.output.data();
    if (followers.has_residual) AddArrays(y, residual.data(), size, y);
    ActivationForward(followers.activation, 0.3f, y, size, y);
    ActivationBackward(followers.activation, 0.3f, nullptr, y, grad.data(), size, grad.data());
  }
  // In place where nothing else wants the gradient.
  float* grad_inputs[] = {followers.has_residual ? result.grad_input.data() : grad.data()};
  float* grad_parameters[] = {result.grad_weight.data(), result.grad_bias.data(), nullptr, nullptr};
  layer.Backward({.batch = batch,
                  .mode = followers.mode,
                  .input_shapes = {&shape, 1},
                  .output_shape = shape,
                  .inputs = inputs,
                  .parameters = parameters,
                  .output = result.output.data(),
                  .grad_output = grad.data(),
                  .saved = saved.data(),
                  .temporary = backward.data(),
                  .has_residual = use.has_residual,
                  .activation = activation,
                  .slope = 0.3f,
                  .grad_before_activation = grad.data(),
                  .grad_inputs = grad_inputs,
                  .grad_parameters = grad_parameters,
                  .workspace = &workspace});
  (followers.has_residual ? result.grad_residual : result.grad_input) = grad;
  return result;
}

TEST(BatchNorm, TakesASumAndAnActivationAlongWithTheSameBits) {
  for (const Case& c : {Case{{1}, 1}, {{3}, 17}, {{17}, 33}, {{3, 5, 7}, 2}, {{70, 9, 31}, 3}}) {
    for (const Mode mode : {Mode::kTraining, Mode::kEvaluation}) {
      for (const bool has_residual : {false, true}) {
        for (const Activation activation : testing::kAllActivations) {
          if (!HasGradientByResult(activation)) continue;
          SCOPED_TRACE(Concat(c.input.ToString(), ", batch ", c.batch, ", activation ",
                              static_cast<int>(activation), has_residual ? ", residual" : "",
                              mode == Mode::kTraining ? ", training" : ", evaluation"));
          testing::ForEachCpuTarget([&] {
            const Followers followers{mode, activation, has_residual};
            const Followed apart = RunFollowed(c.input, c.batch, followers, false, 1);
            for (const int workers : {1, 3}) {
              const Followed fused = RunFollowed(c.input, c.batch, followers, true, workers);
              EXPECT_TRUE(testing::SameBits(fused.output, apart.output));
              EXPECT_TRUE(testing::SameBits(fused.grad_input, apart.grad_input));
              EXPECT_TRUE(testing::SameBits(fused.grad_residual, apart.grad_residual));
              EXPECT_TRUE(testing::SameBits(fused.grad_weight, apart.grad_weight));
              EXPECT_TRUE(testing::SameBits(fused.grad_bias, apart.grad_bias));
            }
          });
        }
      }
    }
  }
}

std::vector<float> Saved(const BatchNorm& layer, const LayerValues& values) {
  Workspace workspace(1, 0);
  const Shape& shape = values.input_shapes[0];
  std::vector<float> x(values.inputs[0].begin(), values.inputs[0].end());
  std::vector<float> y(x.size());
  const LayerMemory memory = layer.Memory(values.batch, {&shape, 1}, {});
  std::vector<float> saved(static_cast<std::size_t>(memory.saved));
  std::vector<float> temporary(static_cast<std::size_t>(memory.forward));
  const std::vector<float> ones(static_cast<std::size_t>(shape[0]), 1.0f);
  const float* inputs[] = {x.data()};
  const float* parameters[] = {ones.data(), ones.data(), ones.data(), ones.data()};
  layer.Forward({.batch = values.batch,
                 .mode = Mode::kTraining,
                 .input_shapes = {&shape, 1},
                 .output_shape = shape,
                 .inputs = inputs,
                 .parameters = parameters,
                 .output = y.data(),
                 .saved = saved.data(),
                 .temporary = temporary.data(),
                 .random = {},
                 .workspace = &workspace});
  return saved;
}

// PyTorch: the running variance takes the unbiased one.
TEST(BatchNorm, UpdateBuffersMovesTheRunningStatistics) {
  const BatchNorm layer({{"momentum", 0.25}});
  const Shape shape{2};
  LayerValues values = testing::MakeLayerValues(layer, {shape}, 3, Mode::kTraining, 3);
  values.inputs[0] = {1, 10, 2, 20, 6, 30};  // channels {1, 2, 6} and {10, 20, 30}
  const std::vector<float> saved = Saved(layer, values);
  float mean[] = {8, 0}, variance[] = {2, 4};
  float* parameters[] = {nullptr, nullptr, mean, variance};
  layer.UpdateBuffers(3, {&shape, 1}, saved.data(), parameters);
  EXPECT_FLOAT_EQ(mean[0], 0.75f * 8 + 0.25f * 3);
  EXPECT_FLOAT_EQ(mean[1], 0.25f * 20);
  EXPECT_FLOAT_EQ(variance[0], 0.75f * 2 + 0.25f * 7);
  EXPECT_FLOAT_EQ(variance[1], 0.75f * 4 + 0.25f * 100);
}

TEST(BatchNorm, OneValueAChannelGivesTheBiasAndMovesNothing) {
  const BatchNorm layer({});
  const Shape shape{3};
  const LayerValues values = testing::MakeLayerValues(layer, {shape}, 1, Mode::kTraining, 3);
  const auto run = RunLayer(layer, values, Doubles(3, 1.0), 1);
  EXPECT_EQ(testing::ToDouble(run.output), values.parameters[1]);
  float mean[] = {1, 2, 3}, variance[] = {4, 5, 6};
  float* parameters[] = {nullptr, nullptr, mean, variance};
  layer.UpdateBuffers(1, {&shape, 1}, Saved(layer, values).data(), parameters);
  EXPECT_EQ(mean[1], 2.0f);
  EXPECT_EQ(variance[2], 6.0f);
}

TEST(BatchNorm, ParametersStartAsTheIdentity) {
  const Shape shape = Shape::Image(7, 2, 2);
  const auto parameters = BatchNorm({}).Parameters({&shape, 1});
  ASSERT_EQ(parameters.size(), 4u);
  const char* names[] = {"weight", "bias", "running_mean", "running_var"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(parameters[i].name, names[i]);
    EXPECT_EQ(parameters[i].shape, Shape{7});
    EXPECT_EQ(parameters[i].role, i < 2 ? ParameterRole::kNorm : ParameterRole::kBuffer);
    EXPECT_EQ(parameters[i].initializer.name, i % 3 == 0 ? "constant" : "zeros");
  }
  EXPECT_EQ(parameters[0].initializer.value, 1.0);
  EXPECT_EQ(parameters[3].initializer.value, 1.0);
}

}  // namespace
}  // namespace espalier
