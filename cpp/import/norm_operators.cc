// SPDX-License-Identifier: Apache-2.0

// Normalizations, each a layer of its own, whose scale and shift train.

#include <algorithm>
#include <utility>
#include <vector>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/scaled.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr float kEpsilon = 1e-5f;

// The least that layers take is 1e-12, which is a little less as a float.
double Epsilon(const ForeignNode& node) {
  return std::max(1e-12, static_cast<double>(node.Float("epsilon", kEpsilon)));
}

void LowerBatchNorm(NodeLowering& node) {
  node.ExpectBatchFirst(0);
  if (node.node().Integer("training_mode", 0) != 0) {
    Refuse("training_mode: expected a model for inference");
  }
  if (node.node().version < 9 && node.node().Integer("spatial", 1) == 0) {
    Refuse("spatial: expected 1, got 0");
  }
  node.NameAfter(1);
  // ONNX has the share of what was, PyTorch and the layer that of what is new.
  const double momentum = 1.0 - static_cast<double>(node.node().Float("momentum", 0.9f));
  const LoweredValue layer =
      node.Add("batch_norm",
               {{"epsilon", Epsilon(node.node())}, {"momentum", std::clamp(momentum, 0.0, 1.0)}},
               node.Data(0));
  node.SetParameter(layer, "weight", node.RequiredConstant(1, "scale"));
  node.SetParameter(layer, "bias", node.RequiredConstant(2, "bias"));
  node.SetParameter(layer, "running_mean", node.RequiredConstant(3, "mean"));
  node.SetParameter(layer, "running_var", node.RequiredConstant(4, "variance"));
  node.SetOutput(0, layer);
}

// A value repeated as often as a parameter is longer.
void SetRepeated(NodeLowering& node, const LoweredValue& layer, const char* parameter,
                 const ForeignTensor& value) {
  node.SetParameter(layer, parameter, [value](std::span<float> floats) {
    const std::int64_t parts = value.element_count();
    const auto size = static_cast<std::int64_t>(floats.size());
    if (parts == 0 || size % parts != 0) {
      Refuse("expected a divisor of ", size, " elements, got ", parts);
    }
    for (std::int64_t i = 0; i < size; ++i) {
      floats[static_cast<std::size_t>(i)] = value.FloatAt(i / (size / parts));
    }
  });
}

void SetNothing(NodeLowering& node, const LoweredValue& layer, const char* parameter) {
  node.SetParameter(layer, parameter,
                    [](std::span<float> floats) { std::ranges::fill(floats, 0.0f); });
}

// The layer normalizes all of an example, or each row of a matrix. Everything else becomes rows.
void LowerLayerNorm(NodeLowering& node) {
  const ForeignTensor& scale = node.RequiredConstant(1, "scale");
  const int axis = node.Axis(0, node.node().Integer("axis", -1));
  node.NameAfter(1);
  const LoweredValue x = node.Data(0);
  const auto sizes = x.shape.dimensions();
  std::int64_t rows = 1;
  std::int64_t width = 1;
  for (int i = 0; i < x.shape.rank(); ++i) (i < axis ? rows : width) *= x.shape[i];
  if (scale.element_count() != width && scale.element_count() != 1) {
    Refuse("expected a scale of ", width, " elements, got ", scale.element_count());
  }
  const bool is_whole = axis == 0 && x.shape.rank() == 1;
  const bool has_rows = axis == x.shape.rank() - 1 && axis > 0;
  LoweredValue matrix = x;
  if (!is_whole && !has_rows) {
    matrix = node.Add("reshape", {{"shape", Integers{rows, width}}}, x, "rows");
  }
  const LoweredValue layer = node.Add(
      "layer_norm", {{"epsilon", Epsilon(node.node())}, {"per_position", !is_whole}}, matrix);
  SetRepeated(node, layer, "weight", scale);
  if (node.HasInput(2)) {
    SetRepeated(node, layer, "bias", node.RequiredConstant(2, "bias"));
  } else {
    SetNothing(node, layer, "bias");
  }
  if (is_whole || has_rows) return node.SetOutput(0, layer);
  node.SetOutput(
      0, node.Add("reshape", {{"shape", Integers(sizes.begin(), sizes.end())}}, layer, "shape"));
}

// The first axis that is normalized, of the graph's value.
template <class Node>
int FirstNormalized(const Node& node) {
  return CountedFromFirst(node.node().Integer("axis", -1), node.Rank(0));
}

void InferLayerNorm(NodeFacts& facts) {
  facts.SetLike(0);
  ForeignDimensions statistics = facts.Dimensions(0);
  for (std::size_t i = static_cast<std::size_t>(FirstNormalized(facts)); i < statistics.size();
       ++i) {
    statistics[i] = ForeignDimension::Fixed(1);
  }
  facts.SetOutput(1, ForeignType::kFloat32, statistics);
  facts.SetOutput(2, ForeignType::kFloat32, statistics);
}

// The mean, and one by the standard deviation, where somebody reads them.
void LowerStatistics(NodeLowering& node) {
  if (!node.IsRead(1) && !node.IsRead(2)) return;
  const LoweredValue x = node.Data(0);
  Integers axes;
  for (int axis = FirstNormalized(node); axis < node.Rank(0); ++axis) {
    axes.push_back(node.Axis(0, axis));
  }
  const Attributes attributes = {{"axes", axes}, {"keep_dimensions", true}};
  const LoweredValue mean = node.Add("reduce", attributes, x, "mean");
  node.SetOutput(1, mean);
  if (!node.IsRead(2)) return;
  const LoweredValue deviation = Join(node, "sub", x, mean);
  const LoweredValue variance =
      node.Add("reduce", attributes, Join(node, "mul", deviation, deviation), "variance");
  const LoweredValue root =
      node.Add("sqrt", {}, WithNumber(node, "add", variance, Epsilon(node.node())), "deviation");
  node.SetOutput(2, node.Add("reciprocal", {}, root, "inverse"));
}

void LowerLayerNormalization(NodeLowering& node) {
  LowerLayerNorm(node);
  LowerStatistics(node);
}

// A scale and a shift a channel, or one a group of channels.
void LowerGrouped(NodeLowering& node, const char* kind, Attributes attributes) {
  node.ExpectBatchFirst(0);
  node.NameAfter(1);
  attributes["epsilon"] = Epsilon(node.node());
  attributes["affine"] = true;
  const LoweredValue layer = node.Add(kind, std::move(attributes), node.Data(0));
  SetRepeated(node, layer, "weight", node.RequiredConstant(1, "scale"));
  SetRepeated(node, layer, "bias", node.RequiredConstant(2, "bias"));
  node.SetOutput(0, layer);
}

void LowerInstanceNorm(NodeLowering& node) { LowerGrouped(node, "instance_norm", {}); }

void LowerGroupNorm(NodeLowering& node) {
  LowerGrouped(node, "group_norm", {{"groups", node.node().Integer("num_groups", 0)}});
}

// x / (bias + alpha / size · Σ x²)^beta, the sum over `size` channels around each: a product with a
// band of a matrix.
void LowerLrn(NodeLowering& node) {
  node.ExpectBatchFirst(0);
  const LoweredValue x = node.Data(0);
  const std::int64_t channels = x.shape[0];
  const std::int64_t size = node.node().Integer("size", 1);
  constexpr std::int64_t kMostChannels = 4096;
  if (size < 1 || channels > kMostChannels || x.shape.rank() < 2) {
    Refuse("expected a size of at least 1, and images of at most ", kMostChannels, " channels");
  }
  std::vector<float> band(static_cast<std::size_t>(channels * channels), 0.0f);
  const float share = node.node().Float("alpha", 1e-4f) / static_cast<float>(size);
  for (std::int64_t j = 0; j < channels; ++j) {
    const std::int64_t first = std::max<std::int64_t>(0, j - (size - 1) / 2);
    const std::int64_t last = std::min(channels - 1, j + size / 2);
    for (std::int64_t i = first; i <= last; ++i) {
      band[static_cast<std::size_t>(i * channels + j)] = share;
    }
  }
  Integers to_last, to_first = {x.shape.rank() - 1};  // where the channels go
  for (int i = 1; i < x.shape.rank(); ++i) {
    to_last.push_back(i);
    to_first.push_back(i - 1);
  }
  to_last.push_back(0);
  const LoweredValue squares =
      node.Add("transpose", {{"order", to_last}}, Join(node, "mul", x, x), "squares");
  const LoweredValue sums =
      Join(node, "matmul", squares, node.Fixed(Shape{channels, channels}, std::move(band)));
  const LoweredValue base =
      WithNumber(node, "add", node.Add("transpose", {{"order", to_first}}, sums, "sums"),
                 static_cast<double>(node.node().Float("bias", 1.0f)));
  const LoweredValue norm =
      WithNumber(node, "pow", base, static_cast<double>(node.node().Float("beta", 0.75f)));
  node.SetOutput(0, Join(node, "div", x, norm));
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "BatchNormalization", .infer = InferLikeFirst, .lower = LowerBatchNorm},
    {.kind = "LayerNormalization", .infer = InferLayerNorm, .lower = LowerLayerNormalization},
    {.kind = "LRN", .infer = InferLikeFirst, .lower = LowerLrn},
    {.kind = "InstanceNormalization", .infer = InferLikeFirst, .lower = LowerInstanceNorm},
    {.kind = "GroupNormalization",
     .first_version = 18,
     .infer = InferLikeFirst,
     .lower = LowerGroupNorm},
};

}  // namespace

std::span<const ForeignOperator> NormOperators() { return kOperators; }

}  // namespace espalier
