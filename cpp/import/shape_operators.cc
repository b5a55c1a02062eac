// SPDX-License-Identifier: Apache-2.0

// What changes the shape of values alone, or hands them on; and what follows from shapes.

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "import/network_lowering.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/onnx_tensor.h"
#include "import/operators.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// The product of dimensions: `factor`, times the batch if it is among them.
struct Extent {
  std::int64_t factor = 1;
  bool has_batch = false;
};

Extent ExtentOf(const ForeignDimensions& dimensions) {
  Extent extent;
  for (const ForeignDimension& dimension : dimensions) {
    const bool is_known = dimension.is_fixed() || dimension.is_batch();
    if (!is_known || (dimension.is_batch() && extent.has_batch) ||
        __builtin_mul_overflow(extent.factor, dimension.size, &extent.factor)) {
      Refuse("expected known dimensions, got ", ToString(dimensions));
    }
    extent.has_batch = extent.has_batch || dimension.is_batch();
  }
  return extent;
}

ForeignDimension ToDimension(const Extent& extent) {
  return extent.has_batch ? ForeignDimension::Batch(extent.factor)
                          : ForeignDimension::Fixed(extent.factor);
}

std::int64_t SizeBefore(const ForeignDimensions& dimensions, std::size_t axis) {
  std::int64_t size = 1;
  for (std::size_t i = 0; i < axis; ++i) size *= dimensions[i].size;
  return size;
}

// A shape that was written while the batch was 1 says 1 where the batch belongs: where as many
// elements stand before it as before the batch.
void PutBatchBack(const ForeignDimensions& x, ForeignDimensions& shape) {
  const int batch = BatchAxis(x);
  if (batch < 0 || BatchAxis(shape) >= 0) return;
  const std::int64_t before = SizeBefore(x, static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].is(1) && SizeBefore(shape, i) == before) {
      shape[i] = ForeignDimension::Batch();
      return;
    }
  }
}

// Elements that stand before the batch.
std::int64_t SizeBeforeBatch(const ForeignDimensions& dimensions) {
  const auto batch = static_cast<std::size_t>(BatchAxis(dimensions));
  return SizeBefore(dimensions, batch) * dimensions[batch].before;
}

// Says how many of the elements that the batch's dimension has stand before the batch, if the
// result can be taken apart there.
void PlaceBatch(const ForeignDimensions& x, ForeignDimensions& result) {
  const int batch = BatchAxis(result);
  if (BatchAxis(x) < 0 || batch < 0) return;
  ForeignDimension& dimension = result[static_cast<std::size_t>(batch)];
  const std::int64_t wanted = SizeBeforeBatch(x);
  const std::int64_t others = SizeBefore(result, static_cast<std::size_t>(batch));
  if (wanted < 1 || others < 1 || wanted % others != 0) return;
  if (dimension.size % (wanted / others) == 0) dimension.before = wanted / others;
}

ForeignDimensions ReshapedDimensions(const ForeignDimensions& x, ForeignDimensions shape,
                                     bool allows_zero) {
  std::optional<std::size_t> rest;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].is(0) && !allows_zero) {
      if (i >= x.size()) Refuse("expected a zero where ", ToString(x), " has a dimension");
      shape[i] = x[i];
    }
    if (!shape[i].is(-1)) continue;
    if (rest) Refuse("expected -1 once in a shape, got ", ToString(shape));
    rest = i;
  }
  // [batch, …] to [1, -1] means an example each.
  if (rest && *rest > 0 && shape[0].is(1) && !x.empty() && x[0] == ForeignDimension::Batch() &&
      BatchAxis(shape) < 0) {
    shape[0] = ForeignDimension::Batch();
  }
  const Extent all = ExtentOf(x);
  if (rest) {
    ForeignDimensions others = shape;
    others[*rest] = ForeignDimension::Fixed(1);
    const Extent known = ExtentOf(others);
    if (known.factor < 1 || all.factor % known.factor != 0 || (known.has_batch && !all.has_batch)) {
      Refuse("expected a shape for ", ToString(x), ", got ", ToString(shape));
    }
    shape[*rest] = ToDimension(
        {.factor = all.factor / known.factor, .has_batch = all.has_batch && !known.has_batch});
  }
  if (ExtentOf(shape).factor == all.factor) PutBatchBack(x, shape);
  const Extent result = ExtentOf(shape);
  if (result.factor != all.factor || result.has_batch != all.has_batch) {
    Refuse("expected a shape for ", ToString(x), ", got ", ToString(shape));
  }
  PlaceBatch(x, shape);
  return shape;
}

void InferReshape(NodeFacts& facts) {
  facts.SetOutput(0, facts.Type(0),
                  ReshapedDimensions(facts.Dimensions(0), facts.Elements(1),
                                     facts.node().Integer("allowzero", 0) != 0));
}

void InferFlatten(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  std::int64_t axis = facts.node().Integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(x.size());
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) Refuse("axis: expected at most ", rank, ", got ", axis);
  ForeignDimensions result = {ToDimension(ExtentOf({x.begin(), x.begin() + axis})),
                              ToDimension(ExtentOf({x.begin() + axis, x.end()}))};
  PlaceBatch(x, result);
  facts.SetOutput(0, facts.Type(0), std::move(result));
}

void InferSqueeze(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const std::optional<Integers> axes = facts.IntegersOf("axes", 1);
  std::vector<char> is_dropped(x.size(), 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    is_dropped[i] = static_cast<char>((!axes || axes->empty()) && x[i].is(1));
  }
  for (const std::int64_t axis : axes.value_or(Integers())) {
    const auto place = static_cast<std::size_t>(CountedFromFirst(axis, static_cast<int>(x.size())));
    if (!x[place].is(1)) Refuse("expected a dimension of size 1, got ", ToString({x[place]}));
    is_dropped[place] = 1;
  }
  ForeignDimensions dimensions;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (is_dropped[i] == 0) dimensions.push_back(x[i]);
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

void InferUnsqueeze(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const Integers axes = facts.IntegersOf("axes", 1).value_or(Integers());
  const std::size_t rank = x.size() + axes.size();
  std::vector<char> is_new(rank, 0);
  for (const std::int64_t axis : axes) {
    is_new[static_cast<std::size_t>(CountedFromFirst(axis, static_cast<int>(rank)))] = 1;
  }
  ForeignDimensions dimensions;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    if (is_new[i] == 0 && next == x.size()) Refuse("axes: expected each once");
    dimensions.push_back(is_new[i] != 0 ? ForeignDimension::Fixed(1) : x[next++]);
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

// Elements keep their order, so an example's stay together if as many stand before the batch.
void LowerReshape(NodeLowering& node) {
  const ForeignDimensions& x = node.Dimensions(0);
  const ForeignDimensions& result = node.OutputDimensions();
  const Shape shape = LoweredShape(result);
  if (BatchAxis(x) >= 0 &&
      (BatchAxis(result) < 0 || SizeBeforeBatch(x) != SizeBeforeBatch(result))) {
    Refuse("expected a shape that keeps examples apart, got ", ToString(x), " to ",
           ToString(result));
  }
  const LoweredValue same = node.Data(0, node.TypeOf(0));
  if (same.shape == shape) return node.SetOutput(0, same);
  const LoweredValue value = node.Data(0);
  if (shape.rank() == 1) return node.Finish("flatten", {}, value);
  const auto sizes = shape.dimensions();
  node.Finish("reshape", {{"shape", Integers(sizes.begin(), sizes.end())}}, value);
}

Integers OrderOf(const ForeignNode& node, std::size_t rank) {
  Integers order = node.Integers("perm");
  if (order.empty()) {
    order.resize(rank);
    std::iota(order.rbegin(), order.rend(), 0);
  }
  std::vector<char> seen(rank, 0);
  for (std::int64_t& axis : order) {
    axis = CountedFromFirst(axis, static_cast<int>(rank));
    seen[static_cast<std::size_t>(axis)] = 1;
  }
  if (order.size() != rank || std::ranges::find(seen, 0) != seen.end()) {
    Refuse("perm: expected each of ", rank, " axes once");
  }
  return order;
}

void InferTranspose(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  ForeignDimensions dimensions;
  for (const std::int64_t axis : OrderOf(facts.node(), x.size())) {
    dimensions.push_back(x[static_cast<std::size_t>(axis)]);
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

// Where the batch stands is nothing that a network knows.
void LowerTranspose(NodeLowering& node) {
  const ForeignDimensions& x = node.Dimensions(0);
  const int batch = BatchAxis(x);
  const bool is_dropped = batch >= 0 && x[static_cast<std::size_t>(batch)].size == 1;
  Integers order;
  for (const std::int64_t axis : OrderOf(node.node(), x.size())) {
    if (is_dropped && axis == batch) continue;
    order.push_back(is_dropped && axis > batch ? axis - 1 : axis);
  }
  const LoweredValue value = node.Data(0);
  if (std::ranges::is_sorted(order)) return node.SetOutput(0, value);
  node.Finish("transpose", {{"order", order}}, value);
}

void LowerAlias(NodeLowering& node) { node.SetOutput(0, node.Data(0, node.TypeOf(0))); }

void LowerDropout(NodeLowering& node) {
  if (node.IsRead(1)) {  // all is kept
    const Shape shape = LoweredShape(node.OutputDimensions(1));
    node.SetOutput(
        1, node.Fixed(shape,
                      std::vector<float>(static_cast<std::size_t>(shape.element_count()), 1.0f)));
  }
  double rate = static_cast<double>(node.node().Float("ratio", 0.5f));
  if (const ForeignTensor* given = node.Constant(1); given != nullptr) {
    if (given->element_count() != 1) Refuse("ratio: expected one number");
    rate = static_cast<double>(given->FloatAt(0));
  }
  node.Finish("dropout", {{"rate", rate}}, node.Data(0));
}

void InferDropout(NodeFacts& facts) {
  facts.SetLike(0);
  facts.SetOutput(1, ForeignType::kBool, facts.Dimensions(0));
}

void InferShape(NodeFacts& facts) {
  facts.SetOutput(0, ForeignType::kInt64,
                  {ForeignDimension::Fixed(static_cast<std::int64_t>(facts.Rank(0)))});
}

void InferSize(NodeFacts& facts) { facts.SetOutput(0, ForeignType::kInt64, {}); }

void InferConstantOfShape(NodeFacts& facts) {
  const auto found = facts.node().attributes.find("value");
  const auto* value =
      found == facts.node().attributes.end() ? nullptr : std::get_if<ForeignTensor>(&found->second);
  facts.SetOutput(0, value == nullptr ? ForeignType::kFloat32 : value->type(), facts.Elements(0));
}

// Its shape has the batch in it, or it would be folded. It is the same for all examples.
void LowerConstantOfShape(NodeLowering& node) {
  const auto found = node.node().attributes.find("value");
  const auto* value =
      found == node.node().attributes.end() ? nullptr : std::get_if<ForeignTensor>(&found->second);
  if (value != nullptr && value->element_count() != 1) Refuse("value: expected one element");
  const Shape shape = LoweredShape(node.OutputDimensions());
  const LoweredValue number = node.Fixed(Shape{1}, {value == nullptr ? 0.0f : value->FloatAt(0)});
  if (shape == number.shape) return node.SetOutput(0, number);
  const auto sizes = shape.dimensions();
  node.Finish("expand", {{"shape", Integers(sizes.begin(), sizes.end())}}, number);
}

void InferNothing(NodeFacts& /*facts*/) {
  Refuse("expected it to follow from shapes and constants");
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Constant", .infer = InferNothing},
    {.kind = "ConstantOfShape", .infer = InferConstantOfShape, .lower = LowerConstantOfShape},
    {.kind = "Dropout", .infer = InferDropout, .lower = LowerDropout},
    {.kind = "Flatten", .infer = InferFlatten, .lower = LowerReshape},
    {.kind = "Identity", .infer = InferLikeFirst, .lower = LowerAlias},
    {.kind = "Range", .infer = InferNothing},
    {.kind = "Reshape", .infer = InferReshape, .lower = LowerReshape},
    {.kind = "Shape", .infer = InferShape},
    {.kind = "Size", .infer = InferSize},
    {.kind = "Squeeze", .infer = InferSqueeze, .lower = LowerReshape},
    {.kind = "Transpose", .infer = InferTranspose, .lower = LowerTranspose},
    {.kind = "Unsqueeze", .infer = InferUnsqueeze, .lower = LowerReshape},
};

}  // namespace

std::span<const ForeignOperator> ShapeOperators() { return kOperators; }

}  // namespace espalier
