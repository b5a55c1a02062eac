// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "import/fusion_check.h"

namespace espalier {
namespace {

using testing::GraphWriter;

// What a form changes of the one that PyTorch exports.
struct Form {
  bool squares_by_product = false;
  bool subtracts_twice = false;
  bool multiplies_by_reciprocal = false;
  bool has_scale = true;
  bool has_bias = true;
  std::int64_t version = 13;
  std::vector<std::int64_t> axes = {-1};
  std::vector<std::int64_t> variance_axes = {-1};
  std::int64_t keeps = 1;
  float power = 2.0f;
  bool adds_input = false;       // the mean's place is another value
  bool reads_deviation = false;  // another node does
  bool scales_rows = false;      // the scale is of another dimension
};

ForeignGraph LayerNormGraph(const Form& form) {
  GraphWriter writer;
  const std::string x = writer.Input("x", {5, 8});
  const auto mean_of = [&](const std::string& value, std::vector<std::int64_t> axes) {
    if (form.version < 18) {
      return writer.Node("ReduceMean", {value}, {{"axes", axes}, {"keepdims", form.keeps}},
                         form.version);
    }
    return writer.Node("ReduceMean", {value, writer.Integers(axes)}, {{"keepdims", form.keeps}},
                       form.version);
  };
  const std::string other = form.adds_input ? writer.Node("Abs", {x}) : x;
  const std::string mean = mean_of(other, form.axes);
  const std::string deviation = writer.Node("Sub", {x, mean});
  const std::string again = form.subtracts_twice ? writer.Node("Sub", {x, mean}) : deviation;
  const std::string square = form.squares_by_product
                                 ? writer.Node("Mul", {again, again})
                                 : writer.Node("Pow", {again, writer.Number(form.power)});
  const std::string variance = mean_of(square, form.variance_axes);
  const std::string deviations =
      writer.Node("Sqrt", {writer.Node("Add", {variance, writer.Number(1e-5f)})});
  std::string y = form.multiplies_by_reciprocal
                      ? writer.Node("Mul", {deviation, writer.Node("Reciprocal", {deviations})})
                      : writer.Node("Div", {deviation, deviations});
  if (form.has_scale) {
    y = writer.Node("Mul", {y, writer.Random(form.scales_rows ? GraphWriter::Sizes{5, 1}
                                                              : GraphWriter::Sizes{8})});
  }
  if (form.has_bias) y = writer.Node("Add", {writer.Random({8}), y});
  writer.Output(y);
  if (form.reads_deviation) writer.Output(writer.Node("Abs", {deviation}));
  return writer.Take();
}

TEST(FuseLayerNorm, KnowsItsForms) {
  const Form forms[] = {
      {},
      {.squares_by_product = true},
      {.subtracts_twice = true},
      {.multiplies_by_reciprocal = true},
      {.has_scale = false, .has_bias = false},
      {.has_bias = false},
      {.version = 18},
      {.axes = {2}, .variance_axes = {-1}},
  };
  for (const Form& form : forms) {
    EXPECT_EQ(testing::KindsAfter(FuseLayerNorm, LayerNormGraph(form)),
              std::vector<std::string>{"LayerNormalization"});
    EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseLayerNorm, LayerNormGraph(form), 3),
                                  testing::ResultsAfter(nullptr, LayerNormGraph(form), 3)),
              1e-5);
  }
}

TEST(FuseLayerNorm, LeavesWhatOnlyLooksLikeIt) {
  const Form forms[] = {
      {.axes = {1}, .variance_axes = {1}},  // not the last dimension
      {.variance_axes = {1}},
      {.power = 3.0f},
      {.adds_input = true},
      {.reads_deviation = true},
  };
  for (const Form& form : forms) {
    EXPECT_FALSE(testing::Fuses(FuseLayerNorm, LayerNormGraph(form), "LayerNormalization"));
  }
}

// The norm is one, the scale remains what it is.
TEST(FuseLayerNorm, LeavesAScaleOfOtherDimensions) {
  const Form form = {.has_bias = false, .scales_rows = true};
  EXPECT_EQ(testing::KindsAfter(FuseLayerNorm, LayerNormGraph(form)),
            (std::vector<std::string>{"LayerNormalization", "Mul"}));
  EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseLayerNorm, LayerNormGraph(form), 2),
                                testing::ResultsAfter(nullptr, LayerNormGraph(form), 2)),
            1e-5);
}

}  // namespace
}  // namespace espalier
