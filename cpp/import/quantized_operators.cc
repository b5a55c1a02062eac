// SPDX-License-Identifier: Apache-2.0

// Operators of quantized models, computed in real numbers: their integers are whole real numbers.
// What a model quantizes only to compute faster passes read otherwise (import/read_quantized.cc).

#include <algorithm>
#include <array>
#include <numeric>

#include "import/lowered_shape.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/onnx_tensor.h"
#include "import/operators.h"
#include "import/scaled.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Added and subtracted again it leaves the nearest whole number, of two the even one, of numbers
// below 2^22.
constexpr double kRounding = 12582912.0;  // 1.5 · 2^23

LoweredValue Round(NodeLowering& node, const LoweredValue& x) {
  return WithNumber(node, "sub", WithNumber(node, "add", x, kRounding), kRounding);
}

struct Range {
  double least, greatest;
};

Range RangeOf(ForeignType type) {
  switch (type) {
    case ForeignType::kInt8:
      return {-128.0, 127.0};
    case ForeignType::kUint8:
      return {0.0, 255.0};
    case ForeignType::kInt16:
      return {-32768.0, 32767.0};
    case ForeignType::kUint16:
      return {0.0, 65535.0};
    default:
      Refuse("expected integers of 8 or 16 bits");
  }
}

// Scales or zero points as a value that can be broadcast with input 0: one for all, one for each
// place of an axis, or one for each block of places.
LoweredValue Spread(NodeLowering& node, std::size_t input, const char* what) {
  const ForeignTensor& tensor = node.RequiredConstant(input, what);
  const std::vector<float> values = tensor.Floats();
  if (values.size() == 1) return Number(node, static_cast<double>(values[0]));
  const std::int64_t counted = node.node().Integer("axis", 1);
  const std::int64_t block = node.node().Integer("block_size", 0);
  const int axis = node.Axis(0, counted);
  const Shape shape = LoweredShape(node.Dimensions(0));
  if (block < 0 || block > shape[axis]) {
    Refuse("expected blocks of at most ", shape[axis], ", got ", block);
  }
  if (block == 0) {
    Integers sizes(static_cast<std::size_t>(shape.rank()), 1);
    sizes[static_cast<std::size_t>(axis)] = shape[axis];
    if (static_cast<std::int64_t>(values.size()) != shape[axis]) {
      Refuse("expected ", shape[axis], " of '", what, "', got ", values.size());
    }
    return node.Fixed(Shape(sizes), values);
  }
  Integers sizes(shape.dimensions().begin(), shape.dimensions().end());
  sizes[static_cast<std::size_t>(axis)] = (shape[axis] + block - 1) / block;
  const Shape blocks(sizes);
  if (static_cast<std::int64_t>(values.size()) != blocks.element_count()) {
    Refuse("expected ", blocks.element_count(), " of '", what, "', got ", values.size());
  }
  std::vector<float> all(static_cast<std::size_t>(shape.element_count()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t place = 0;
    std::int64_t step = 1;
    for (int k = shape.rank() - 1; k >= 0; --k) {
      const std::int64_t at = rest % shape[k];
      rest /= shape[k];
      place += (k == axis ? at / block : at) * step;
      step *= blocks[k];
    }
    all[i] = values[static_cast<std::size_t>(place)];
  }
  return node.Fixed(shape, std::move(all));
}

ForeignType QuantizedType(const ForeignNode& node, ForeignType of_zero_point) {
  if (of_zero_point != ForeignType::kUnknown) return of_zero_point;
  return ForeignTypeOfOnnx(node.Integer("output_dtype", 2));
}

void InferQuantize(NodeFacts& facts) {
  facts.SetOutput(
      0, QuantizedType(facts.node(), facts.HasInput(2) ? facts.Type(2) : ForeignType::kUnknown),
      facts.Dimensions(0));
}

// Rounds, and moves into the type's range.
LoweredValue Quantize(NodeLowering& node, const LoweredValue& x, const LoweredValue& scale,
                      const LoweredValue* zero_point, const Range& range) {
  LoweredValue y = Join(node, "div", x, scale);
  // Far numbers, which would not be rounded, end at a bound whatever they are.
  y = WithNumber(node, "max", y, -2.0 * 65536.0);
  y = WithNumber(node, "min", y, 2.0 * 65536.0);
  y = Round(node, y);
  if (zero_point != nullptr) y = Join(node, "add", y, *zero_point);
  return WithNumber(node, "min", WithNumber(node, "max", y, range.least), range.greatest);
}

void LowerQuantize(NodeLowering& node) {
  const Range range = RangeOf(node.graph().Value(node.node().outputs[0]).type);
  const LoweredValue x = node.Data(0);
  const LoweredValue scale = Spread(node, 1, "scale");
  if (!node.HasInput(2)) return node.SetOutput(0, Quantize(node, x, scale, nullptr, range));
  const LoweredValue zero_point = Spread(node, 2, "zero point");
  node.SetOutput(0, Quantize(node, x, scale, &zero_point, range));
}

void InferDequantize(NodeFacts& facts) {
  facts.SetOutput(0, ForeignType::kFloat32, facts.Dimensions(0));
}

void LowerDequantize(NodeLowering& node) {
  LoweredValue x = node.Data(0);
  if (node.HasInput(2)) x = Join(node, "sub", x, Spread(node, 2, "zero point"));
  node.Finish("mul", {}, std::array{x, Spread(node, 1, "scale")});
}

void InferDynamicQuantize(NodeFacts& facts) {
  facts.SetOutput(0, ForeignType::kUint8, facts.Dimensions(0));
  facts.SetOutput(1, ForeignType::kFloat32, {});
  facts.SetOutput(2, ForeignType::kUint8, {});
}

// scale = (max(0, x) - min(0, x)) / 255, zero point = -min / scale, over all elements.
void LowerDynamicQuantize(NodeLowering& node) {
  if (BatchAxis(node.Dimensions(0)) >= 0) {
    Refuse("expected a range that does not depend on other examples");
  }
  const LoweredValue x = node.Data(0);
  const Range range = RangeOf(ForeignType::kUint8);
  const auto extreme = [&](const char* kind) {
    const LoweredValue all = node.Add("reduce", {{"reduction", std::string(kind)}}, x, kind);
    return WithNumber(node, kind, all, 0.0);
  };
  const LoweredValue least = extreme("min");
  const LoweredValue scale =
      WithNumber(node, "mul", Join(node, "sub", extreme("max"), least), 1.0 / 255.0);
  LoweredValue zero_point = node.Add("neg", {}, Join(node, "div", least, scale), "zero");
  zero_point =
      WithNumber(node, "min", WithNumber(node, "max", Round(node, zero_point), 0.0), 255.0);
  node.SetOutput(0, Quantize(node, x, scale, &zero_point, range));
  node.SetOutput(1, scale);
  node.SetOutput(2, zero_point);
}

void InferMatMulInteger(NodeFacts& facts) {
  const ForeignDimensions& a = facts.Dimensions(0);
  const ForeignDimensions& b = facts.Dimensions(1);
  if (a.size() < 2 || b.size() < 2) Refuse("expected matrices");
  ForeignDimensions result = a.size() >= b.size() ? a : b;
  result[result.size() - 2] = a[a.size() - 2];
  result.back() = b.back();
  facts.SetOutput(0, ForeignType::kInt32, std::move(result));
}

void LowerMatMulInteger(NodeLowering& node) {
  LoweredValue a = node.Data(0);
  LoweredValue b = node.Data(1);
  const auto shift = [&](LoweredValue& value, std::size_t zero_point) {
    if (!node.HasInput(zero_point)) return;
    const ForeignTensor& constant = node.RequiredConstant(zero_point, "zero point");
    if (constant.element_count() != 1) Refuse("expected one zero point for all");
    value = WithNumber(node, "sub", value, static_cast<double>(constant.FloatAt(0)));
  };
  shift(a, 2);
  shift(b, 3);
  node.Finish("matmul", {}, std::array{a, b});
}

// As a convolution's; passes make one of it where the weights are constants.
void InferConvInteger(NodeFacts& facts) {
  FindOperator("", "Conv", facts.node().version)->infer(facts);
}

void LowerConvInteger(NodeLowering& node) {
  node.RequiredConstant(1, "w");
  Refuse("expected constant zero points, one of them for all of x");
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "QuantizeLinear", .first_version = 10, .infer = InferQuantize, .lower = LowerQuantize},
    {.kind = "DequantizeLinear",
     .first_version = 10,
     .infer = InferDequantize,
     .lower = LowerDequantize},
    {.kind = "DynamicQuantizeLinear",
     .first_version = 11,
     .infer = InferDynamicQuantize,
     .lower = LowerDynamicQuantize},
    {.kind = "ConvInteger",
     .first_version = 10,
     .infer = InferConvInteger,
     .lower = LowerConvInteger},
    {.kind = "MatMulInteger",
     .first_version = 10,
     .infer = InferMatMulInteger,
     .lower = LowerMatMulInteger},
};

}  // namespace

std::span<const ForeignOperator> QuantizedOperators() { return kOperators; }

}  // namespace espalier
