// SPDX-License-Identifier: Apache-2.0

// Functions of each element that follow a product, and softmax.

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "import/composites.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/pattern.h"
#include "import/scaled.h"

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMostSlope = 1000.0f;

template <const char* const& kKind>
void LowerAs(NodeLowering& node) {
  node.Finish(kKind, {}, node.Data(0));
}

constexpr const char* kRelu = "relu";
constexpr const char* kSigmoid = "sigmoid";
constexpr const char* kTanh = "tanh";
constexpr const char* kSilu = "silu";
constexpr const char* kHardSwish = "hard_swish";
constexpr const char* kSoftplus = "softplus";
constexpr const char* kMish = "mish";

// x > 0 ? x : slope · x = relu(x) - slope · relu(-x)
void FinishLeaky(NodeLowering& node, const LoweredValue& x, const LoweredValue& slope) {
  const LoweredValue positive = node.Add("relu", {}, x, "positive");
  const LoweredValue negative = node.Add("relu", {}, node.Add("neg", {}, x, "neg"), "negative");
  node.Finish("sub", {}, std::array{positive, Join(node, "mul", slope, negative)});
}

void LowerLeakyRelu(NodeLowering& node) {
  const float slope = node.node().Float("alpha", 0.01f);
  if (slope >= 0.0f && slope <= kMostSlope) {
    return node.Finish("leaky_relu", {{"slope", static_cast<double>(slope)}}, node.Data(0));
  }
  FinishLeaky(node, node.Data(0), Number(node, static_cast<double>(slope)));
}

// A slope for all, or one for each channel, is a layer's parameter; other slopes are values.
void LowerPRelu(NodeLowering& node) {
  const LoweredValue x = node.Data(0);
  const ForeignTensor* const slope = node.Constant(1);
  if (slope == nullptr) return FinishLeaky(node, x, node.BroadcastData(1));
  const bool is_one = slope->element_count() == 1;
  const int channels_at = node.Rank(0) - x.shape.rank();
  const bool is_of_channels =
      x.shape.rank() > 1 && channels_at == 1 && slope->rank() == x.shape.rank() &&
      slope->element_count() == x.shape[0] && slope->dimensions()[0] == x.shape[0];
  if (!is_one && !is_of_channels) return FinishLeaky(node, x, node.BroadcastData(1));
  const LoweredValue result = node.Add("prelu", {{"per_channel", !is_one}}, x);
  node.SetParameter(result, "weight", *slope);
  node.SetOutput(0, result);
}

void LowerElu(NodeLowering& node) {
  const float alpha = node.node().Float("alpha", 1.0f);
  if (alpha >= 0.0f && alpha <= kMostSlope) {
    return node.Finish("elu", {{"alpha", static_cast<double>(alpha)}}, node.Data(0));
  }
  Refuse("expected alpha from 0 to ", kMostSlope, ", got ", alpha);
}

void LowerSelu(NodeLowering& node) {
  const double alpha = static_cast<double>(node.node().Float("alpha", 1.67326319f));
  const double gamma = static_cast<double>(node.node().Float("gamma", 1.05070102f));
  if (std::abs(alpha - 1.67326319) < 1e-4 && std::abs(gamma - 1.05070102) < 1e-4) {
    return node.Finish("selu", {}, node.Data(0));
  }
  if (alpha < 0.0 || alpha > kMostSlope) {
    Refuse("expected alpha from 0 to ", kMostSlope, ", got ", alpha);
  }
  const LoweredValue elu = node.Add("elu", {{"alpha", alpha}}, node.Data(0), "elu");
  node.Finish("mul", {}, std::array{elu, Number(node, gamma)});
}

void LowerClip(NodeLowering& node) {
  const auto bounds = ClipBounds(node.graph(), node.node());
  LoweredValue x = node.Data(0);
  if (!bounds.has_value()) {  // they are values
    if (node.HasInput(1)) x = Join(node, "max", x, node.BroadcastData(1));
    if (node.HasInput(2)) x = Join(node, "min", x, node.BroadcastData(2));
    return node.SetOutput(0, x);
  }
  const auto [least, greatest] = *bounds;
  if (least == 0.0f && greatest == 6.0f) return node.Finish("relu6", {}, x);
  if (least == 0.0f) {
    x = node.Add("relu", {}, x, "relu");
  } else if (least > -kInfinity) {
    x = WithNumber(node, "max", x, static_cast<double>(least));
  }
  if (greatest < kInfinity) x = WithNumber(node, "min", x, static_cast<double>(greatest));
  node.SetOutput(0, x);
}

// max(0, min(1, alpha · x + beta))
void LowerHardSigmoid(NodeLowering& node) {
  const double alpha = static_cast<double>(node.node().Float("alpha", 0.2f));
  const double beta = static_cast<double>(node.node().Float("beta", 0.5f));
  const LoweredValue x = node.Data(0);
  if (IsAbout(alpha, 1.0 / 6.0) && IsAbout(beta, 0.5)) return node.Finish("hard_sigmoid", {}, x);
  const LoweredValue line = WithNumber(node, "add", WithNumber(node, "mul", x, alpha), beta);
  node.SetOutput(0, WithNumber(node, "min", node.Add("relu", {}, line, "relu"), 1.0));
}

void LowerGelu(NodeLowering& node) {
  const std::string form = node.node().Text("approximate", "none");
  if (form != "none" && form != "tanh") {
    Refuse("expected approximate 'none' or 'tanh', got '", form, "'");
  }
  node.Finish(form == "none" ? "gelu" : "gelu_tanh", {}, node.Data(0));
}

// Of the last dimension, or all from one on; other dimensions become the last one meanwhile.
void LowerSoftmaxAs(NodeLowering& node, const char* kind) {
  const LoweredValue x = node.Data(0);
  const int rank = x.shape.rank();
  const bool is_flat = node.node().version < 13;
  const std::int64_t counted = node.node().Integer("axis", is_flat ? 1 : -1);
  if (node.Rank(0) == 0) return node.Finish(kind, {}, x);
  const int axis = node.Axis(0, counted);
  if (axis == rank - 1) return node.Finish(kind, {}, x);
  std::vector<std::int64_t> sizes(x.shape.dimensions().begin(), x.shape.dimensions().end());
  if (is_flat) {
    const auto first = sizes.begin() + axis;
    const std::int64_t size =
        std::accumulate(first, sizes.end(), std::int64_t{1}, std::multiplies<>());
    std::vector<std::int64_t> flat(sizes.begin(), first);
    flat.push_back(size);
    const LoweredValue rows = node.Add("reshape", {{"shape", flat}}, x, "rows");
    return node.Finish("reshape", {{"shape", sizes}}, node.Add(kind, {}, rows, kind));
  }
  if (axis == 0) return node.Finish(kind, {{"axis", std::string("channels")}}, x);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(axis)], order.back());
  const LoweredValue moved = node.Add("transpose", {{"order", order}}, x, "moved");
  node.Finish("transpose", {{"order", order}}, node.Add(kind, {}, moved, kind));
}

void LowerSoftmax(NodeLowering& node) { LowerSoftmaxAs(node, "softmax"); }
void LowerLogSoftmax(NodeLowering& node) { LowerSoftmaxAs(node, "log_softmax"); }

constexpr ForeignOperator kOperators[] = {
    {.kind = "Relu", .infer = InferLikeFirst, .lower = LowerAs<kRelu>},
    {.kind = "LeakyRelu", .infer = InferLikeFirst, .lower = LowerLeakyRelu},
    {.kind = "PRelu", .infer = InferLikeFirst, .lower = LowerPRelu},
    {.kind = "Elu", .infer = InferLikeFirst, .lower = LowerElu},
    {.kind = "Selu", .infer = InferLikeFirst, .lower = LowerSelu},
    {.kind = "Clip", .infer = InferLikeFirst, .lower = LowerClip},
    {.kind = "Sigmoid", .infer = InferLikeFirst, .lower = LowerAs<kSigmoid>},
    {.kind = "HardSigmoid", .infer = InferLikeFirst, .lower = LowerHardSigmoid},
    {.kind = "HardSwish", .infer = InferLikeFirst, .lower = LowerAs<kHardSwish>},
    {.kind = "Tanh", .infer = InferLikeFirst, .lower = LowerAs<kTanh>},
    {.kind = "Gelu", .infer = InferLikeFirst, .lower = LowerGelu},
    {.kind = "Softplus", .infer = InferLikeFirst, .lower = LowerAs<kSoftplus>},
    {.kind = "Mish", .infer = InferLikeFirst, .lower = LowerAs<kMish>},
    {.kind = "Silu", .domain = kCompositeDomain, .infer = InferLikeFirst, .lower = LowerAs<kSilu>},
    {.kind = "Softmax", .infer = InferLikeFirst, .lower = LowerSoftmax},
    {.kind = "LogSoftmax", .infer = InferLikeFirst, .lower = LowerLogSoftmax},
};

}  // namespace

std::span<const ForeignOperator> ActivationOperators() { return kOperators; }

}  // namespace espalier
