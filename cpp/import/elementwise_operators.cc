// SPDX-License-Identifier: Apache-2.0

// Functions of elements of one, two or more values, which are broadcast as NumPy does. Booleans are
// 1 and 0; integers are computed as real numbers, exact up to 2^24.

#include <array>
#include <limits>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/onnx_tensor.h"
#include "import/operators.h"
#include "import/scaled.h"

namespace espalier {
namespace {

bool IsInteger(ForeignType type) {
  return type != ForeignType::kUnknown && !IsFloatType(type) && type != ForeignType::kBool;
}

ForeignType OutputType(const NodeLowering& node) {
  return node.graph().Value(node.node().outputs[0]).type;
}

// Numbers lose what is behind the point.
LoweredValue Truncate(NodeLowering& node, const LoweredValue& value) {
  const LoweredValue whole = node.Add("cast", {{"to", std::string("int32")}}, value, "whole");
  return node.Add("cast", {{"from", std::string("int32")}, {"to", std::string("float32")}}, whole,
                  "truncated");
}

// 1 where it is not 0.
LoweredValue Truth(NodeLowering& node, const LoweredValue& value) {
  return node.Add("sub", {}, std::array{Number(node, 1.0), WithNumber(node, "equal", value, 0.0)},
                  "truth");
}

LoweredValue Not(NodeLowering& node, const LoweredValue& value) {
  return node.Add("sub", {}, std::array{Number(node, 1.0), value}, "not");
}

template <const char* const& kKind>
void LowerUnary(NodeLowering& node) {
  node.Finish(kKind, {}, node.Data(0));
}

template <const char* const& kKind>
void LowerBinary(NodeLowering& node) {
  node.Finish(kKind, {}, std::array{node.BroadcastData(0), node.BroadcastData(1)});
}

constexpr const char* kExp = "exp";
constexpr const char* kLog = "log";
constexpr const char* kSqrt = "sqrt";
constexpr const char* kAbs = "abs";
constexpr const char* kNeg = "neg";
constexpr const char* kErf = "erf";
constexpr const char* kReciprocal = "reciprocal";
constexpr const char* kAdd = "add";
constexpr const char* kSub = "sub";
constexpr const char* kMul = "mul";
constexpr const char* kPow = "pow";
constexpr const char* kMin = "min";
constexpr const char* kMax = "max";
constexpr const char* kEqual = "equal";
constexpr const char* kLess = "less";
constexpr const char* kGreater = "greater";

// Of one value or more, from the first to the last.
template <const char* const& kKind>
void LowerMany(NodeLowering& node) {
  LoweredValue result = node.BroadcastData(0);
  for (std::size_t i = 1; i < node.node().inputs.size(); ++i) {
    result = Join(node, kKind, result, node.BroadcastData(i));
  }
  node.SetOutput(0, result);
}

void LowerMean(NodeLowering& node) {
  LoweredValue result = node.BroadcastData(0);
  for (std::size_t i = 1; i < node.node().inputs.size(); ++i) {
    result = Join(node, "add", result, node.BroadcastData(i));
  }
  const auto count = static_cast<double>(node.node().inputs.size());
  node.SetOutput(0, WithNumber(node, "mul", result, 1.0 / count));
}

void LowerDiv(NodeLowering& node) {
  const std::array operands = {node.BroadcastData(0), node.BroadcastData(1)};
  if (!IsInteger(OutputType(node))) return node.Finish("div", {}, operands);
  node.SetOutput(0, Truncate(node, node.Add("div", {}, operands, "quotient")));
}

void LowerMod(NodeLowering& node) {
  const bool is_of_c = node.node().Integer("fmod", 0) != 0;
  node.Finish(is_of_c ? "fmod" : "remainder", {},
              std::array{node.BroadcastData(0), node.BroadcastData(1)});
}

// a <= b: a < b, or a = b.
template <const char* const& kKind>
void LowerOrEqual(NodeLowering& node) {
  const LoweredValue a = node.BroadcastData(0);
  const LoweredValue b = node.BroadcastData(1);
  node.Finish("max", {}, std::array{Join(node, kKind, a, b), Join(node, "equal", a, b)});
}

void LowerNot(NodeLowering& node) { node.SetOutput(0, Not(node, node.Data(0))); }

void LowerXor(NodeLowering& node) {
  node.SetOutput(0, Not(node, Join(node, "equal", node.BroadcastData(0), node.BroadcastData(1))));
}

void LowerWhere(NodeLowering& node) {
  node.Finish("where", {},
              std::array{node.BroadcastData(0), node.BroadcastData(1), node.BroadcastData(2)});
}

void LowerCast(NodeLowering& node) {
  const LoweredValue x = node.Data(0);
  const ForeignType from = node.graph().Value(node.node().Input(0)).type;
  const ForeignType to = OutputType(node);
  if (to == ForeignType::kUnknown) {
    Refuse("expected a cast to real numbers, integers or booleans, got ONNX's type ",
           node.node().Integer("to", 0));
  }
  if (to == ForeignType::kBool && from != ForeignType::kBool) {
    return node.SetOutput(0, Truth(node, x));
  }
  if (IsInteger(to) && IsFloatType(from)) return node.SetOutput(0, Truncate(node, x));
  node.SetOutput(0, x);
}

void InferCast(NodeFacts& facts) {
  facts.SetOutput(0, ForeignTypeOfOnnx(facts.node().Integer("to", 0)), facts.Dimensions(0));
}

void InferWhere(NodeFacts& facts) {
  const ForeignDimensions values = BroadcastDimensions(facts.Dimensions(1), facts.Dimensions(2));
  facts.SetOutput(0, facts.Type(1), BroadcastDimensions(facts.Dimensions(0), values));
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Exp", .infer = InferLikeFirst, .lower = LowerUnary<kExp>},
    {.kind = "Log", .infer = InferLikeFirst, .lower = LowerUnary<kLog>},
    {.kind = "Sqrt", .infer = InferLikeFirst, .lower = LowerUnary<kSqrt>},
    {.kind = "Abs", .infer = InferLikeFirst, .lower = LowerUnary<kAbs>},
    {.kind = "Neg", .infer = InferLikeFirst, .lower = LowerUnary<kNeg>},
    {.kind = "Erf", .infer = InferLikeFirst, .lower = LowerUnary<kErf>},
    {.kind = "Reciprocal", .infer = InferLikeFirst, .lower = LowerUnary<kReciprocal>},
    {.kind = "Add", .infer = InferBroadcast, .lower = LowerBinary<kAdd>},
    {.kind = "Sub", .infer = InferBroadcast, .lower = LowerBinary<kSub>},
    {.kind = "Mul", .infer = InferBroadcast, .lower = LowerBinary<kMul>},
    {.kind = "Div", .infer = InferBroadcast, .lower = LowerDiv},
    {.kind = "Pow", .infer = InferBroadcast, .lower = LowerBinary<kPow>},
    {.kind = "Mod", .infer = InferBroadcast, .lower = LowerMod},
    {.kind = "Min", .infer = InferBroadcast, .lower = LowerMany<kMin>},
    {.kind = "Max", .infer = InferBroadcast, .lower = LowerMany<kMax>},
    {.kind = "Sum", .infer = InferBroadcast, .lower = LowerMany<kAdd>},
    {.kind = "Mean", .infer = InferBroadcast, .lower = LowerMean},
    {.kind = "Equal", .infer = InferComparison, .lower = LowerBinary<kEqual>},
    {.kind = "Less", .infer = InferComparison, .lower = LowerBinary<kLess>},
    {.kind = "Greater", .infer = InferComparison, .lower = LowerBinary<kGreater>},
    {.kind = "LessOrEqual", .infer = InferComparison, .lower = LowerOrEqual<kLess>},
    {.kind = "GreaterOrEqual", .infer = InferComparison, .lower = LowerOrEqual<kGreater>},
    {.kind = "And", .infer = InferComparison, .lower = LowerBinary<kMin>},
    {.kind = "Or", .infer = InferComparison, .lower = LowerBinary<kMax>},
    {.kind = "Xor", .infer = InferComparison, .lower = LowerXor},
    {.kind = "Not", .infer = InferLikeFirst, .lower = LowerNot},
    {.kind = "Where", .infer = InferWhere, .lower = LowerWhere},
    {.kind = "Cast", .infer = InferCast, .lower = LowerCast},
};

}  // namespace

std::span<const ForeignOperator> ElementwiseOperators() { return kOperators; }

}  // namespace espalier
