// SPDX-License-Identifier: Apache-2.0
#include "layers/group_norm.h"

#include <gtest/gtest.h>

#include "layers/instance_norm.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

using Whole = std::int64_t;

constexpr double kEpsilon = static_cast<double>(1e-5f);

// A group of an example is a run of neighboring elements, since channels are the first dimension.
class GroupReference : public testing::LayerReference {
 public:
  explicit GroupReference(std::size_t groups) : groups_(groups) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles y(values.inputs[0].size());
    ForGroups(values, [&](std::size_t begin, std::size_t end) {
      const Moments m = For(values, begin, end);
      for (std::size_t i = begin; i < end; ++i) {
        y[i] = (values.inputs[0][i] - m.mean) * m.scale * Weight(values, i) +
               (IsAffine(values) ? values.parameters[1][Channel(values, i)] : 0.0);
      }
    });
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(grad.size());
    for (const Doubles& parameter : values.parameters) {
      result.parameters.emplace_back(parameter.size());
    }
    ForGroups(values, [&](std::size_t begin, std::size_t end) {
      const Moments m = For(values, begin, end);
      const double count = static_cast<double>(end - begin);
      double sum = 0.0, product = 0.0;
      for (std::size_t i = begin; i < end; ++i) {
        const double normalized = (values.inputs[0][i] - m.mean) * m.scale;
        sum += grad[i] * Weight(values, i);
        product += grad[i] * Weight(values, i) * normalized;
        if (!IsAffine(values)) continue;
        result.parameters[0][Channel(values, i)] += grad[i] * normalized;
        result.parameters[1][Channel(values, i)] += grad[i];
      }
      for (std::size_t i = begin; i < end; ++i) {
        const double normalized = (values.inputs[0][i] - m.mean) * m.scale;
        result.inputs[0][i] =
            m.scale * (grad[i] * Weight(values, i) - sum / count - normalized * product / count);
      }
    });
    return result;
  }

 private:
  struct Moments {
    double mean, scale;
  };

  static bool IsAffine(const LayerValues& values) { return !values.parameters.empty(); }
  static std::size_t Channel(const LayerValues& values, std::size_t i) {
    const Shape& shape = values.input_shapes[0];
    const Whole at = static_cast<Whole>(i) % shape.element_count();
    return static_cast<std::size_t>(at / (shape.element_count() / shape[0]));
  }
  static double Weight(const LayerValues& values, std::size_t i) {
    return IsAffine(values) ? values.parameters[0][Channel(values, i)] : 1.0;
  }

  template <typename Visit>
  void ForGroups(const LayerValues& values, Visit visit) const {
    const auto size = static_cast<std::size_t>(values.input_shapes[0].element_count()) / groups_;
    for (std::size_t at = 0; at < values.inputs[0].size(); at += size) visit(at, at + size);
  }

  static Moments For(const LayerValues& values, std::size_t begin, std::size_t end) {
    const double count = static_cast<double>(end - begin);
    double mean = 0.0, variance = 0.0;
    for (std::size_t i = begin; i < end; ++i) mean += values.inputs[0][i] / count;
    for (std::size_t i = begin; i < end; ++i) {
      variance += (values.inputs[0][i] - mean) * (values.inputs[0][i] - mean) / count;
    }
    return {mean, 1.0 / std::sqrt(variance + kEpsilon)};
  }

  std::size_t groups_;
};

struct Case {
  Shape input;
  Whole groups;
  Whole batch;
};

void Check(const Layer& layer, const Case& c) {
  SCOPED_TRACE(Concat(c.input.ToString(), " in ", c.groups, " groups, batch ", c.batch));
  const LayerReport report =
      CheckLayer(layer, GroupReference(static_cast<std::size_t>(c.groups)),
                 testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3));
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
  EXPECT_GT(report.checked, 0u);
}

// Groups of two or three elements are left out for the reason given in batch_norm_test.cc.
TEST(GroupNorm, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1, 1, 1}, 1, 1},     {{4, 5, 7}, 2, 2},     {{6, 3, 3}, 3, 3},    {{8, 4, 4}, 8, 2},
      {{32, 7, 7}, 4, 5},    {{17, 3, 5}, 1, 9},    {{34, 1, 9}, 17, 2},  {{12}, 3, 17},
      {{64, 6}, 4, 3},       {{96, 14, 14}, 32, 2}, {{128, 3, 2}, 2, 33}, {{2, 33, 31}, 2, 4},
      {{15, 2, 2, 3}, 5, 2},
  };
  for (const Case& c : cases) {
    for (const bool affine : {true, false}) {
      Check(GroupNorm({{"groups", c.groups}, {"affine", affine}}), c);
    }
  }
}

TEST(InstanceNorm, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1, 1, 1}, 1, 1},   {{3, 5, 7}, 3, 2},     {{17, 2, 3}, 17, 3}, {{16, 4, 4}, 16, 2},
      {{1, 33, 17}, 1, 5}, {{64, 14, 14}, 64, 2}, {{65, 3, 3}, 65, 9}, {{5, 31}, 5, 4},
      {{7, 1, 8}, 7, 17},  {{2, 3, 2, 2}, 2, 3},
  };
  for (const Case& c : cases) {
    for (const bool affine : {true, false}) Check(InstanceNorm({{"affine", affine}}), c);
  }
}

TEST(GroupNorm, AWeightOfZeroStillPassesTheOthersGradients) {
  const GroupNorm layer({{"groups", Whole{1}}});
  LayerValues values = testing::MakeLayerValues(layer, {{4, 3, 3}}, 2, Mode::kTraining, 1);
  values.parameters[0][1] = 0.0;
  const LayerReport report = CheckLayer(layer, GroupReference(1), values);
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
}

TEST(GroupNorm, LosesNoDigitsWhereTheMeanIsLarge) {
  const GroupNorm layer({{"groups", Whole{2}}, {"affine", false}});
  LayerValues values = testing::MakeLayerValues(layer, {{4, 40, 40}}, 1, Mode::kTraining, 1);
  for (double& value : values.inputs[0]) value = static_cast<float>(1000.0 + value);
  const Doubles expected = GroupReference(2).Forward(values);
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(expected.size(), 1.0), 1);
    EXPECT_EQ(testing::FirstFar(run.output, expected, 1e-5, 1e-4), -1);
  });
}

// torch.nn.functional.group_norm and instance_norm, PyTorch 2.6, four digits.
TEST(GroupNorm, EqualsPyTorch) {
  const auto output_of = [](const Layer& layer, const Shape& shape) {
    LayerValues values = testing::MakeLayerValues(layer, {shape}, 1, Mode::kTraining, 1);
    values.inputs[0] = {1, 2, 4, 8, 1, 0, 0, 3};
    if (!values.parameters.empty()) values.parameters = {{1, 2, 3, 4}, {0, 1, 0, -1}};
    return RunLayer(layer, values, Doubles(8, 1.0), 1).output;
  };
  const Doubles group = {-1.0258, -0.6528, 1.1865, 4.1705, 0.0, -2.4495, -4.2660, 5.5320};
  EXPECT_EQ(
      testing::FirstFar(output_of(GroupNorm({{"groups", Whole{2}}}), {4, 2}), group, 0.0, 6e-5),
      -1);
  const Doubles instance = {-1.0258, -0.6528, 0.0933, 1.5853, 0.0, -0.8165, -0.8165, 1.6330};
  EXPECT_EQ(testing::FirstFar(output_of(InstanceNorm({}), {2, 4}), instance, 0.0, 6e-5), -1);
}

// NaN and infinity spoil their own group of their own example, and no other.
TEST(GroupNorm, SpecialValuesStayInTheirGroup) {
  const GroupNorm layer({{"groups", Whole{3}}});
  const LayerValues clean = testing::MakeLayerValues(layer, {{6, 5}}, 3, Mode::kEvaluation, 1);
  const std::size_t group = 10;
  testing::ForEachCpuTarget([&] {
    const Doubles grad(clean.inputs[0].size(), 1.0);
    const auto expected = RunLayer(layer, clean, grad, 1).output;
    for (const double special :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      for (std::size_t at = 0; at < clean.inputs[0].size(); at += 7) {
        LayerValues values = clean;
        values.inputs[0][at] = special;
        const auto got = RunLayer(layer, values, grad, 1).output;
        for (std::size_t i = 0; i < got.size(); ++i) {
          if (i / group == at / group) {
            EXPECT_TRUE(std::isnan(got[i])) << at << ", " << i;
          } else {
            EXPECT_EQ(got[i], expected[i]) << at << ", " << i;
          }
        }
      }
    }
  });
}

TEST(GroupNorm, WorkersShareTheWorkAndGiveTheSameBits) {
  const GroupNorm layer({{"groups", Whole{4}}});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape::Image(16, 33, 35)}, 9,
                                                            Mode::kTraining, 5)),
            "");
}

TEST(GroupNorm, GroupsDivideTheChannels) {
  const GroupNorm layer({{"groups", Whole{4}}});
  const Shape inputs[] = {Shape::Image(6, 2, 2)};
  EXPECT_THROW(layer.OutputShape(inputs), Error);
}

TEST(InstanceNorm, HasNoParametersUnlessAsked) {
  const Shape inputs[] = {Shape::Image(6, 2, 2)};
  EXPECT_TRUE(InstanceNorm({}).Parameters(inputs).empty());
  EXPECT_EQ(InstanceNorm({{"affine", true}}).Parameters(inputs).size(), 2u);
}

}  // namespace
}  // namespace espalier
