// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "import/fusion_check.h"

namespace espalier {
namespace {

using testing::GraphWriter;
using Sizes = GraphWriter::Sizes;

struct Form {
  bool is_transposed = false;
  std::int64_t groups = 1;
  bool has_bias = false;
  std::vector<std::pair<const char*, Sizes>> behind;  // and the constant's dimensions
  bool reads_products = false;                        // another node does
};

ForeignGraph ConvolutionGraph(const Form& form) {
  GraphWriter w;
  const std::string x = w.Input("x", {4, 5, 6});
  const std::int64_t outputs = 6;
  const Sizes sizes = form.is_transposed ? Sizes{4, outputs / form.groups, 2, 3}
                                         : Sizes{outputs, 4 / form.groups, 2, 3};
  std::vector<std::string> inputs = {x, w.Random(sizes)};
  if (form.has_bias) inputs.push_back(w.Random({outputs}));
  std::string y =
      w.Node(form.is_transposed ? "ConvTranspose" : "Conv", inputs, {{"group", form.groups}}, 11);
  if (form.reads_products) w.Output(w.Node("Abs", {y}));
  for (const auto& [kind, dimensions] : form.behind) {
    y = w.Node(kind, {w.Random(dimensions), y});
  }
  w.Output(y);
  return w.Take();
}

TEST(FuseConvolution, TakesBiasesAndFactors) {
  const Form forms[] = {
      {.behind = {{"Add", {1, 6, 1, 1}}}},
      {.behind = {{"Add", {6, 1, 1}}}},
      {.has_bias = true, .behind = {{"Add", {}}}},
      {.behind = {{"Mul", {6, 1, 1}}, {"Add", {1}}}},
      {.groups = 2, .has_bias = true, .behind = {{"Mul", {1, 6, 1, 1}}}},
      {.is_transposed = true, .behind = {{"Mul", {1, 6, 1, 1}}, {"Add", {6, 1, 1}}}},
      {.is_transposed = true, .groups = 2, .has_bias = true, .behind = {{"Mul", {6, 1, 1}}}},
  };
  for (const Form& form : forms) {
    EXPECT_EQ(testing::KindsAfter(FuseConvolution, ConvolutionGraph(form)),
              std::vector<std::string>{form.is_transposed ? "ConvTranspose" : "Conv"});
    EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseConvolution, ConvolutionGraph(form), 2),
                                  testing::ResultsAfter(nullptr, ConvolutionGraph(form), 2)),
              1e-5);
  }
}

TEST(FuseConvolution, LeavesWhatIsNotOfChannels) {
  const Form forms[] = {
      {.behind = {{"Add", {1, 6, 4, 4}}}},
      {.behind = {{"Add", {4}}}},
      {.behind = {{"Div", {6, 1, 1}}}},
      {.behind = {{"Add", {6, 1, 1}}}, .reads_products = true},
  };
  for (const Form& form : forms) {
    const auto kinds = testing::KindsAfter(FuseConvolution, ConvolutionGraph(form));
    EXPECT_NE(kinds, std::vector<std::string>{"Conv"});
    EXPECT_GE(kinds.size(), 2u);
  }
}

}  // namespace
}  // namespace espalier
