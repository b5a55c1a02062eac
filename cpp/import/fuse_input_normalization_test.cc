// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "import/fusion_check.h"
#include "import/import.h"

namespace espalier {
namespace {

using testing::GraphWriter;
using Sizes = GraphWriter::Sizes;

struct Step {
  const char* kind;
  Sizes sizes;  // of the constant
  std::vector<float> values;
  bool is_first = false;  // the constant is
};

struct Form {
  Sizes input = {3, 4, 5};
  std::vector<Step> steps;
  bool is_read_raw = false;  // by another node
};

ForeignGraph NormalizingGraph(const Form& form) {
  GraphWriter w;
  const std::string x = w.Input("x", form.input);
  std::string y = x;
  for (const Step& step : form.steps) {
    const std::string constant = w.Constant(step.sizes, step.values);
    y = step.is_first ? w.Node(step.kind, {constant, y}) : w.Node(step.kind, {y, constant});
  }
  w.Output(w.Node("Tanh", {y}));
  if (form.is_read_raw) w.Output(w.Node("Abs", {x}));
  return w.Take();
}

const std::vector<float> kMean = {0.485f, 0.456f, 0.406f};
const std::vector<float> kStd = {0.229f, 0.224f, 0.225f};

TEST(FuseInputNormalization, KnowsItsForms) {
  const Form forms[] = {
      {.steps = {{"Sub", {3, 1, 1}, kMean}, {"Div", {1, 3, 1, 1}, kStd}}},
      {.steps = {{"Div", {}, {255.0f}}, {"Sub", {3, 1, 1}, kMean}, {"Div", {3, 1, 1}, kStd}}},
      {.steps = {{"Mul", {1}, {1.0f / 127.5f}, true}, {"Add", {}, {-1.0f}, true}}},
      {.input = {3}, .steps = {{"Sub", {3}, kMean}, {"Div", {1, 3}, kStd}}},
      {.input = {3, 7}, .steps = {{"Mul", {3, 1}, kStd}}},
  };
  for (const Form& form : forms) {
    EXPECT_EQ(testing::KindsAfter(FuseInputNormalization, NormalizingGraph(form)),
              std::vector<std::string>{"Tanh"});
    EXPECT_LE(testing::Difference(
                  testing::ResultsAfter(FuseInputNormalization, NormalizingGraph(form), 2),
                  testing::ResultsAfter(nullptr, NormalizingGraph(form), 2)),
              1e-6);
  }
}

TEST(FuseInputNormalization, LeavesWhatOnlyLooksLikeIt) {
  const Form forms[] = {
      {.steps = {{"Sub", {3, 1, 1}, kMean, true}}},  // 1 - x
      {.steps = {{"Mul", {}, {-2.0f}}}},             // no standard deviation
      {.steps = {{"Mul", {}, {0.0f}}}},
      {.steps = {{"Div", {}, {0.0f}}}},
      {.steps = {{"Mul", {}, {1e-30f}}, {"Mul", {}, {1e-30f}}}},
      {.input = {4, 3}, .steps = {{"Add", {3}, kMean}}},  // of the last dimension
      {.input = {3, 1, 1}, .steps = {{"Add", {3, 3, 1}, std::vector<float>(9, 0.5f)}}},
      {.steps = {{"Sub", {3, 1, 1}, kMean}}, .is_read_raw = true},
      {.steps = {{"Pow", {}, {2.0f}}}},
  };
  for (const Form& form : forms) {
    EXPECT_GE(testing::KindsAfter(FuseInputNormalization, NormalizingGraph(form)).size(), 2u)
        << form.steps[0].kind;
  }
}

TEST(FuseInputNormalization, IsTheNetworksOwnAndDoesNotTrain) {
  ForeignGraph graph = NormalizingGraph(
      {.steps = {{"Div", {}, {255.0f}}, {"Sub", {3, 1, 1}, kMean}, {"Div", {3, 1, 1}, kStd}}});
  ImportReport report;
  const Network network = NetworkOf(std::move(graph), {}, report);
  const NetworkSpec spec = network.Spec();
  ASSERT_TRUE(spec.inputs[0].normalization.has_value());
  EXPECT_NEAR(spec.inputs[0].normalization->mean[1], 255.0 * 0.456, 1e-4);
  EXPECT_NEAR(spec.inputs[0].normalization->std[2], 255.0 * 0.225, 1e-4);
  ASSERT_EQ(spec.layers.size(), 1u);
  EXPECT_EQ(spec.layers[0].kind, "tanh");
  ASSERT_EQ(report.fused.size(), 1u);
  EXPECT_EQ(report.fused[0].kind, "Normalization");
  EXPECT_EQ(report.fused[0].nodes, 3);
}

TEST(FuseInputNormalization, TakesNoMemoryForChannelsThatNoConstantHas) {
  const Form form = {.input = {std::int64_t{1} << 40}, .steps = {{"Div", {}, {255.0f}}}};
  EXPECT_EQ(testing::KindsAfter(FuseInputNormalization, NormalizingGraph(form)),
            std::vector<std::string>{"Tanh"});
}

}  // namespace
}  // namespace espalier
