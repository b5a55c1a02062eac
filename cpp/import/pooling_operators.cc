// SPDX-License-Identifier: Apache-2.0

// Windows of images and sequences, and all of them.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/window_attributes.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

void InferPool(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const WindowAttributes window = ReadWindow(facts.node(), ImageSizes(x), {});
  ForeignDimensions dimensions = {x[0], x[1]};
  for (const std::int64_t size : window.output) {
    dimensions.push_back(ForeignDimension::Fixed(size));
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

// Where sizes are rounded up, the last window reaches beyond the padding. Sequences are images one
// row high.
void LowerPool(NodeLowering& node, const char* kind, Attributes attributes) {
  node.ExpectBatchFirst(0);
  WindowAttributes window = ReadWindow(node.node(), ImageSizes(node.Dimensions(0)), {});
  const bool is_sequence = window.kernel.size() == 1;
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    if (window.dilations[i] != 1) Refuse("dilations: expected 1, got ", window.dilations[i]);
    window.pads_after[i] += window.overhang[i];
  }
  LoweredValue x = node.Data(0);
  if (is_sequence) {
    x = node.Add("unsqueeze", {{"axes", Integers{1}}}, x, "row");
    window.kernel.insert(window.kernel.begin(), 1);
    window.strides.insert(window.strides.begin(), 1);
    window.pads_before.insert(window.pads_before.begin(), 0);
    window.pads_after.insert(window.pads_after.begin(), 0);
  }
  attributes["window"] = window.kernel;
  attributes["stride"] = window.strides;
  attributes["padding"] = PaddingAttribute(window.pads_before, window.pads_after);
  const LoweredValue layer = node.Add(kind, std::move(attributes), x);
  node.SetOutput(
      0, is_sequence ? node.Add("squeeze", {{"axes", Integers{1}}}, layer, "sequence") : layer);
}

void LowerMaxPool(NodeLowering& node) { LowerPool(node, "max_pool2d", {}); }

void LowerAveragePool(NodeLowering& node) {
  const bool counts_padding = node.node().Integer("count_include_pad", 0) != 0;
  const WindowAttributes window = ReadWindow(node.node(), ImageSizes(node.Dimensions(0)), {});
  const bool has_overhang =
      std::ranges::any_of(window.overhang, [](auto size) { return size > 0; });
  if (counts_padding && has_overhang) {
    Refuse("expected count_include_pad with windows that end with the padding, got ceil_mode");
  }
  LowerPool(node, "average_pool2d", {{"count_include_pad", counts_padding}});
}

void InferGlobal(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  for (std::size_t i = 2; i < dimensions.size(); ++i) dimensions[i] = ForeignDimension::Fixed(1);
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

void LowerGlobal(NodeLowering& node, const char* kind, const char* reduction) {
  node.ExpectBatchFirst(0);
  const LoweredValue x = node.Data(0);
  if (x.shape.rank() == 3) return node.Finish(kind, {{"keep_dimensions", true}}, x);
  Integers axes;
  for (int axis = 1; axis < x.shape.rank(); ++axis) axes.push_back(axis);
  if (axes.empty()) Refuse("expected an image, got ", ToString(node.Dimensions(0)));
  node.Finish("reduce",
              {{"reduction", std::string(reduction)}, {"axes", axes}, {"keep_dimensions", true}},
              x);
}

void LowerGlobalAverage(NodeLowering& node) { LowerGlobal(node, "global_average_pool2d", "mean"); }

void LowerGlobalMax(NodeLowering& node) { LowerGlobal(node, "global_max_pool2d", "max"); }

constexpr ForeignOperator kOperators[] = {
    {.kind = "MaxPool", .infer = InferPool, .lower = LowerMaxPool},
    {.kind = "AveragePool", .infer = InferPool, .lower = LowerAveragePool},
    {.kind = "GlobalAveragePool", .infer = InferGlobal, .lower = LowerGlobalAverage},
    {.kind = "GlobalMaxPool", .infer = InferGlobal, .lower = LowerGlobalMax},
};

}  // namespace

std::span<const ForeignOperator> PoolingOperators() { return kOperators; }

}  // namespace espalier
