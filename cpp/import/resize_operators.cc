// SPDX-License-Identifier: Apache-2.0

// Images, and what else has axes, in another size. Where the layer "resize" has the meaning, it is
// that one; else each axis is a choice of places, or a product with a matrix of weights.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "import/interpolation_weights.h"
#include "import/lowered_shape.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Largest size of an axis.
constexpr std::int64_t kMostSize = std::int64_t{1} << 20;

// What a node says, by axis of the graph's value.
struct ResizeRequest {
  std::vector<double> scales;      // 1 where it says nothing
  Integers sizes;                  // 0 where it says nothing
  std::vector<double> begin, end;  // of the region
};

template <class Node>
const ForeignTensor* InputConstant(const Node& node, std::size_t input) {
  if (!node.HasInput(input)) return nullptr;
  const ForeignTensor* const constant = node.Constant(input);
  if (constant == nullptr) Refuse("expected constant scales and sizes");
  return constant->element_count() == 0 ? nullptr : constant;
}

template <class Node>
ResizeRequest RequestOf(const Node& node, int rank) {
  const bool is_upsample = node.node().kind == "Upsample";
  const auto count = static_cast<std::size_t>(rank);
  ResizeRequest request{std::vector<double>(count, 1.0), Integers(count, 0),
                        std::vector<double>(count, 0.0), std::vector<double>(count, 1.0)};
  std::vector<int> axes(count);
  std::iota(axes.begin(), axes.end(), 0);
  if (const Integers told = node.node().Integers("axes"); !told.empty()) {
    axes.clear();
    for (const std::int64_t axis : told) axes.push_back(CountedFromFirst(axis, rank));
  }
  const bool has_scales_second = is_upsample || node.node().version < 11;
  const ForeignTensor* const scales = InputConstant(node, has_scales_second ? 1 : 2);
  const ForeignDimensions sizes =
      !has_scales_second && node.HasInput(3) ? node.Elements(3) : ForeignDimensions();
  const ForeignTensor* const region = has_scales_second ? nullptr : InputConstant(node, 1);
  const std::vector<float> told_scales =
      scales != nullptr ? scales->Floats() : node.node().Floats("scales");
  const auto fits = [&](std::size_t got, std::size_t wanted) {
    if (got != wanted) Refuse("expected ", wanted, " scales, sizes or bounds, got ", got);
  };
  if (!sizes.empty()) {
    fits(sizes.size(), axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (sizes[i].is_batch()) continue;
      const std::int64_t size = sizes[i].size;
      if (size < 1 || size > kMostSize) {
        Refuse("expected sizes from 1 to ", kMostSize, ", got ", size);
      }
      request.sizes[static_cast<std::size_t>(axes[i])] = size;
    }
  } else {
    fits(told_scales.size(), axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const float scale = told_scales[i];
      if (!(scale > 0.0f && scale <= static_cast<float>(kMostSize))) {
        Refuse("expected scales above 0, got ", scale);
      }
      request.scales[static_cast<std::size_t>(axes[i])] = static_cast<double>(scale);
    }
  }
  if (region != nullptr &&
      node.node().Text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") {
    fits(static_cast<std::size_t>(region->element_count()), 2 * axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const auto axis = static_cast<std::size_t>(axes[i]);
      request.begin[axis] = static_cast<double>(region->FloatAt(static_cast<std::int64_t>(i)));
      request.end[axis] =
          static_cast<double>(region->FloatAt(static_cast<std::int64_t>(axes.size() + i)));
      constexpr double kMostBound = 1e6;
      if (!(std::abs(request.begin[axis]) < kMostBound) ||
          !(std::abs(request.end[axis]) < kMostBound)) {
        Refuse("expected a region within ", kMostBound);
      }
    }
  }
  return request;
}

// Sizes and scales follow from each other. Of an aspect ratio to be kept, the least or the greatest
// scale counts for all.
std::vector<AxisResize> AxesOf(const ForeignNode& node, ResizeRequest request,
                               const ForeignDimensions& dimensions) {
  const std::string policy = node.Text("keep_aspect_ratio_policy", "stretch");
  double common = 0.0;
  for (std::size_t i = 0; i < dimensions.size() && policy != "stretch"; ++i) {
    if (request.sizes[i] == 0 || dimensions[i].size < 1) continue;
    const double scale =
        static_cast<double>(request.sizes[i]) / static_cast<double>(dimensions[i].size);
    if (common == 0.0 || (policy == "not_larger") == (scale < common)) common = scale;
  }
  const bool is_old = node.kind == "Upsample" || node.version < 11;
  std::vector<AxisResize> axes;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    AxisResize axis{.input = dimensions[i].size, .output = dimensions[i].size};
    const auto input = static_cast<double>(axis.input);
    const auto rounded_down = [](double size) {
      if (!(size >= 1.0 && size <= static_cast<double>(kMostSize))) {
        Refuse("expected sizes from 1 to ", kMostSize, ", got ", size);
      }
      return static_cast<std::int64_t>(size);
    };
    if (axis.input < 1) Refuse("expected dimensions of at least 1");
    if (dimensions[i].is_batch() || !dimensions[i].is_fixed()) {
      if (!dimensions[i].is_batch() || request.scales[i] != 1.0) {
        Refuse("expected to resize dimensions that are known");
      }
    } else if (request.sizes[i] != 0 && common != 0.0) {
      axis.scale = common;
      axis.output = rounded_down(common * input + 0.5);
    } else if (request.sizes[i] != 0) {
      axis.output = request.sizes[i];
      axis.scale = static_cast<double>(axis.output) / input;
    } else {
      axis.scale = request.scales[i];
      const double region = node.Text("coordinate_transformation_mode", "") == "tf_crop_and_resize"
                                ? request.end[i] - request.begin[i]
                                : 1.0;
      axis.output = rounded_down(input * region * axis.scale);
    }
    axis.coordinates =
        node.Text("coordinate_transformation_mode", is_old ? "asymmetric" : "half_pixel");
    axis.mode = node.Text("mode", "nearest");
    if (axis.mode == "bilinear") axis.mode = "linear";
    axis.nearest = node.Text("nearest_mode", is_old ? "floor" : "round_prefer_floor");
    axis.cubic_a = static_cast<double>(node.Float("cubic_coeff_a", -0.75f));
    axis.exclude_outside = node.Integer("exclude_outside", 0) != 0;
    axis.antialias = node.Integer("antialias", 0) != 0;
    axis.begin = request.begin[i];
    axis.end = request.end[i];
    axes.push_back(axis);
  }
  return axes;
}

void InferResize(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const auto axes = AxesOf(facts.node(), RequestOf(facts, facts.Rank(0)), dimensions);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (dimensions[i].is_fixed()) dimensions[i].size = axes[i].output;
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

bool IsUnchanged(const AxisResize& axis) {
  if (axis.coordinates == "tf_crop_and_resize") return axis.begin == 0.0 && axis.end == 1.0;
  return axis.input == axis.output && axis.scale == 1.0;
}

// The layer's name for it, or null if it has none.
const char* CornersOf(const AxisResize& axis) {
  const double exact = static_cast<double>(axis.output) / static_cast<double>(axis.input);
  const bool is_exact = std::abs(axis.scale - exact) <= 1e-6 * exact;
  if (!is_exact || axis.antialias || axis.exclude_outside) return nullptr;
  if (axis.mode == "nearest") {
    const bool is_floor = axis.coordinates == "asymmetric" && axis.nearest == "floor";
    if (is_floor) return "asymmetric";
    // No place lies between two where whole pixels are repeated.
    const bool is_repeated = axis.output % axis.input == 0;
    const bool is_rounded = axis.nearest == "round_prefer_ceil" ||
                            (axis.nearest == "round_prefer_floor" && is_repeated);
    return axis.coordinates == "half_pixel" && is_rounded ? "half_pixel" : nullptr;
  }
  if (axis.mode != "linear") return nullptr;
  if (axis.coordinates == "pytorch_half_pixel" && axis.output > 1) return "half_pixel";
  for (const char* corners : {"half_pixel", "align_corners", "asymmetric"}) {
    if (axis.coordinates == corners) return corners;
  }
  return nullptr;
}

LoweredValue ResizeAxis(NodeLowering& node, const LoweredValue& x, int place,
                        const AxisResize& axis) {
  const int rank = x.shape.rank();
  if (axis.mode == "nearest") {
    Integers places(static_cast<std::size_t>(axis.output));
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = NearestPlace(axis, static_cast<std::int64_t>(i));
    }
    return node.Add("gather", {{"indices", places}, {"axis", static_cast<std::int64_t>(place)}}, x,
                    "chosen");
  }
  if (axis.mode != "linear" && axis.mode != "cubic") {
    Refuse("expected mode 'nearest', 'linear' or 'cubic', got '", axis.mode, "'");
  }
  if (axis.input * axis.output > (std::int64_t{1} << 24)) {
    Refuse("expected a matrix of weights of at most 2^24 elements");
  }
  Integers order(static_cast<std::size_t>(std::max(rank, 2)));
  std::iota(order.begin(), order.end(), 0);
  LoweredValue moved = x;
  if (rank == 1) moved = node.Add("unsqueeze", {{"axes", Integers{0}}}, x, "row");
  const bool is_last = place == rank - 1;
  if (!is_last) {
    std::swap(order[static_cast<std::size_t>(place)], order.back());
    moved = node.Add("transpose", {{"order", order}}, x, "moved");
  }
  const LoweredValue weights =
      node.Fixed(Shape{axis.input, axis.output}, InterpolationWeights(axis));
  LoweredValue result = node.Add("matmul", {}, std::array{moved, weights}, "interpolated");
  if (!is_last) result = node.Add("transpose", {{"order", order}}, result, "moved");
  if (rank == 1) result = node.Add("squeeze", {{"axes", Integers{0}}}, result, "vector");
  return result;
}

// True if the node tells one scale of height and width, that the layer takes. So the network does
// the same to images of other sizes.
bool HasOneScale(const ResizeRequest& request, std::span<const AxisResize> axes) {
  constexpr double kMostScale = 1024.0;
  return request.sizes[2] == 0 && request.sizes[3] == 0 && axes[2].scale == axes[3].scale &&
         axes[2].scale >= 1.0 / kMostScale && axes[2].scale <= kMostScale;
}

void LowerResize(NodeLowering& node) {
  const ForeignDimensions& dimensions = node.Dimensions(0);
  const ResizeRequest request = RequestOf(node, node.Rank(0));
  const auto axes = AxesOf(node.node(), request, dimensions);
  LoweredValue x = node.Data(0);
  if (node.node().Float("extrapolation_value", 0.0f) != 0.0f) {
    Refuse("expected an extrapolation_value of 0");
  }
  const bool is_image = axes.size() == 4 && dimensions[0].is_batch() && x.shape.rank() == 3;
  if (is_image && IsUnchanged(axes[1])) {
    const char* const corners = CornersOf(axes[2]);
    if (corners != nullptr && corners == CornersOf(axes[3])) {
      Attributes attributes = {
          {"mode", std::string(axes[2].mode == "nearest" ? "nearest" : "bilinear")},
          {"corners", std::string(corners)}};
      if (HasOneScale(request, axes)) {
        attributes["scale"] = axes[2].scale;
      } else {
        attributes["size"] = Integers{axes[2].output, axes[3].output};
      }
      return node.Finish("resize", std::move(attributes), x);
    }
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (IsUnchanged(axes[i])) continue;
    x = ResizeAxis(node, x, node.Axis(0, static_cast<std::int64_t>(i)), axes[i]);
  }
  node.SetOutput(0, x);
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Resize", .first_version = 10, .infer = InferResize, .lower = LowerResize},
    {.kind = "Upsample",
     .first_version = 7,
     .last_version = 9,
     .infer = InferResize,
     .lower = LowerResize},
};

}  // namespace

std::span<const ForeignOperator> ResizeOperators() { return kOperators; }

}  // namespace espalier
