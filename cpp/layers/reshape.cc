// SPDX-License-Identifier: Apache-2.0
#include "layers/reshape.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

void CopyElements(const float* from, std::int64_t count, float* to, Workspace& workspace) {
  if (from == to) return;
  ForElements(workspace, count, [&](std::int64_t first, std::int64_t last) {
    std::memcpy(to + first, from + first, static_cast<std::size_t>(last - first) * sizeof(float));
  });
}

std::vector<std::int64_t> ReadAxes(AttributeReader& reader,
                                   std::optional<std::vector<std::int64_t>> default_value) {
  return reader.List("axes", -Shape::kMaxRank, Shape::kMaxRank - 1, Shape::kMaxRank,
                     std::move(default_value));
}

// Which of `rank` axes are listed. Throws Error: SHAPE_MISMATCH if one is listed twice or is none.
std::array<bool, Shape::kMaxRank> Listed(const std::vector<std::int64_t>& axes, int rank,
                                         std::string_view kind) {
  std::array<bool, Shape::kMaxRank> is_listed{};
  for (const std::int64_t axis : axes) {
    const auto at = static_cast<std::size_t>(ResolveAxis(axis, rank, kind));
    if (is_listed[at]) {
      Fail(ErrorCode::kShapeMismatch, kind, ": expected each axis once, got axis ", at, " twice");
    }
    is_listed[at] = true;
  }
  return is_listed;
}

}  // namespace

std::int64_t SameElements::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void SameElements::Forward(const ForwardArguments& arguments) const {
  CopyElements(arguments.inputs[0], arguments.batch * arguments.output_shape.element_count(),
               arguments.output, *arguments.workspace);
}

void SameElements::Backward(const BackwardArguments& arguments) const {
  if (arguments.grad_inputs[0] == nullptr) return;
  CopyElements(arguments.grad_output, arguments.batch * arguments.output_shape.element_count(),
               arguments.grad_inputs[0], *arguments.workspace);
}

Reshape::Reshape(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  shape_ = reader.List("shape", -1, Shape::kMaxElements);
  reader.Finish();
  const bool has_zero = std::count(shape_.begin(), shape_.end(), 0) > 0;
  if (shape_.empty() || has_zero || std::count(shape_.begin(), shape_.end(), -1) > 1) {
    reader.FailAt("shape", "1 to 8 dimensions from 1 on, at most one of them -1", shape_);
  }
}

Shape Reshape::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  std::vector<std::int64_t> dimensions = shape_;
  const auto open = std::find(dimensions.begin(), dimensions.end(), -1);
  const bool has_open = open != dimensions.end();
  if (has_open) *open = 1;
  const Shape known(dimensions);
  const std::int64_t rest = input.element_count() / known.element_count();
  if (has_open && rest > 0) *open = rest;
  const Shape result(dimensions);
  if (result.element_count() != input.element_count()) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected ", input.element_count(), " elements as in ",
         input.ToString(), ", got [", Join(shape_, ", "), "]");
  }
  return result;
}

Squeeze::Squeeze(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  axes_ = ReadAxes(reader, std::vector<std::int64_t>());
  reader.Finish();
}

Shape Squeeze::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  const auto is_listed = Listed(axes_, input.rank(), kKind);
  std::vector<std::int64_t> dimensions;
  for (int axis = 0; axis < input.rank(); ++axis) {
    const bool is_wanted = is_listed[static_cast<std::size_t>(axis)];
    if (is_wanted && input[axis] != 1) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected a dimension of size 1 at axis ", axis,
           ", got ", input.ToString());
    }
    if (!is_wanted && !(axes_.empty() && input[axis] == 1)) dimensions.push_back(input[axis]);
  }
  if (dimensions.empty()) dimensions.push_back(1);
  return Shape(dimensions);
}

Unsqueeze::Unsqueeze(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  axes_ = ReadAxes(reader, std::nullopt);
  reader.Finish();
}

Shape Unsqueeze::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  const int rank = input.rank() + static_cast<int>(axes_.size());
  if (rank > Shape::kMaxRank) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at most ", Shape::kMaxRank,
         " dimensions, got ", rank);
  }
  const auto is_new = Listed(axes_, rank, kKind);
  std::vector<std::int64_t> dimensions;
  int next = 0;
  for (int axis = 0; axis < rank; ++axis) {
    dimensions.push_back(is_new[static_cast<std::size_t>(axis)] ? 1 : input[next++]);
  }
  return Shape(dimensions);
}

}  // namespace espalier
