// SPDX-License-Identifier: Apache-2.0

// Windows of images and sequences, and all of them.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/scaled.h"
#include "import/window_attributes.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Most dimensions of what is pooled, the channels aside.
constexpr std::size_t kMostDimensions = 4;

void InferPool(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const WindowAttributes window = ReadWindow(facts.node(), ImageSizes(x, kMostDimensions), {});
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

// What no layer does at once: volumes, windows with holes. A window's maximum, and its sum, are
// taken along one dimension after the other, of as many slices as the window is wide.
class PoolByAxes {
 public:
  PoolByAxes(NodeLowering& node, const WindowAttributes& window, bool is_maximum)
      : node_(node), window_(window), is_maximum_(is_maximum) {}

  LoweredValue Pool(LoweredValue x) {
    for (const std::int64_t width : window_.kernel) {
      if (width > kMostSlices) Refuse("expected windows of at most ", kMostSlices, ", got ", width);
    }
    for (std::size_t i = 0; i < window_.kernel.size(); ++i) x = Along(i, x);
    return x;
  }

  // One by how many elements each window has, all of its own where padding counts, [1, sizes…].
  LoweredValue Shares(const Shape& image, bool counts_padding) {
    Integers sizes = {1};
    std::vector<float> shares = {1.0f};
    for (std::size_t i = 0; i < window_.kernel.size(); ++i) {
      const std::int64_t size = image[static_cast<int>(i) + 1];
      constexpr std::size_t kMostShares = std::size_t{1} << 24;
      if (shares.size() > kMostShares / static_cast<std::size_t>(window_.output[i])) {
        Refuse("expected at most ", kMostShares, " windows");
      }
      std::vector<float> more;
      for (const float share : shares) {
        for (std::int64_t place = 0; place < window_.output[i]; ++place) {
          std::int64_t count = 0;
          for (std::int64_t k = 0; k < window_.kernel[i]; ++k) {
            const std::int64_t at =
                place * window_.strides[i] - window_.pads_before[i] + k * window_.dilations[i];
            if (counts_padding || (at >= 0 && at < size)) ++count;
          }
          more.push_back(share / static_cast<float>(std::max<std::int64_t>(count, 1)));
        }
      }
      sizes.push_back(window_.output[i]);
      shares = std::move(more);
    }
    return node_.Fixed(Shape(sizes), std::move(shares));
  }

 private:
  LoweredValue Along(std::size_t i, LoweredValue x) {
    const std::size_t axis = i + 1;  // behind the channels
    const std::size_t rank = window_.kernel.size() + 1;
    const std::int64_t after = window_.pads_after[i] + window_.overhang[i];
    if (window_.pads_before[i] > 0 || after > 0) {
      Integers before_all(rank, 0), after_all(rank, 0);
      before_all[axis] = window_.pads_before[i];
      after_all[axis] = after;
      x = node_.Add(
          "pad",
          {{"before", before_all}, {"after", after_all}, {"value", is_maximum_ ? kLeast : 0.0}}, x,
          "padded");
    }
    LoweredValue result;
    for (std::int64_t k = 0; k < window_.kernel[i]; ++k) {
      const auto sizes = x.shape.dimensions();
      Integers begin(rank, 0), end(sizes.begin(), sizes.end()), step(rank, 1);
      begin[axis] = k * window_.dilations[i];
      end[axis] = begin[axis] + (window_.output[i] - 1) * window_.strides[i] + 1;
      step[axis] = window_.strides[i];
      const LoweredValue slice =
          node_.Add("slice", {{"begin", begin}, {"end", end}, {"step", step}}, x, "slice");
      result = k == 0 ? slice : Join(node_, is_maximum_ ? "max" : "add", result, slice);
    }
    return result;
  }

  static constexpr std::int64_t kMostSlices = 64;
  static constexpr double kLeast = -1e30;  // that a pad has

  NodeLowering& node_;
  const WindowAttributes& window_;
  bool is_maximum_;
};

// Windows that a layer has: of images and sequences, without holes.
bool IsOfImage(const WindowAttributes& window) {
  return window.kernel.size() <= 2 &&
         std::ranges::all_of(window.dilations, [](auto dilation) { return dilation == 1; });
}

WindowAttributes WindowOf(const NodeLowering& node) {
  node.ExpectBatchFirst(0);
  return ReadWindow(node.node(), ImageSizes(node.Dimensions(0), kMostDimensions), {});
}

void LowerMaxPool(NodeLowering& node) {
  const WindowAttributes window = WindowOf(node);
  if (IsOfImage(window)) return LowerPool(node, "max_pool2d", {});
  node.SetOutput(0, PoolByAxes(node, window, true).Pool(node.Data(0)));
}

void LowerAveragePool(NodeLowering& node) {
  const bool counts_padding = node.node().Integer("count_include_pad", 0) != 0;
  const WindowAttributes window = WindowOf(node);
  const bool has_overhang =
      std::ranges::any_of(window.overhang, [](auto size) { return size > 0; });
  if (IsOfImage(window) && !(counts_padding && has_overhang)) {
    return LowerPool(node, "average_pool2d", {{"count_include_pad", counts_padding}});
  }
  const LoweredValue x = node.Data(0);
  PoolByAxes pool(node, window, false);
  const LoweredValue sum = pool.Pool(x);
  node.SetOutput(0, Join(node, "mul", sum, pool.Shares(x.shape, counts_padding)));
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
