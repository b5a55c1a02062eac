// SPDX-License-Identifier: Apache-2.0
#include "import/fold_arithmetic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "espalier/error.h"

namespace espalier {
namespace {

std::optional<FoldedArray> Folded(const std::string& kind, std::vector<std::vector<Symbol>> inputs,
                                  ForeignNode node = {}) {
  node.kind = kind;
  std::vector<std::optional<FoldedArray>> arrays;
  for (std::vector<Symbol>& input : inputs) {
    const auto size = static_cast<std::int64_t>(input.size());
    arrays.push_back(FoldedArray{ForeignType::kInt64, {size}, std::move(input)});
  }
  return FoldArithmetic(node, arrays, 1000);
}

// "7", "3 batch", "?"
std::string TextOf(const Symbol& symbol) { return ToString({symbol.ToDimension()}); }

std::string Result(const std::string& kind, Symbol a, Symbol b) {
  const auto folded = Folded(kind, {{a}, {b}});
  return folded ? TextOf(folded->symbols()[0]) : "none";
}

TEST(FoldArithmetic, ComputesWithNumbers) {
  const auto of = Symbol::Fixed;
  EXPECT_EQ(Result("Add", of(2), of(1)), "[3]");
  EXPECT_EQ(Result("Sub", of(2), of(5)), "[-3]");
  EXPECT_EQ(Result("Mul", of(2), of(5)), "[10]");
  EXPECT_EQ(Result("Div", of(-7), of(2)), "[-3]");
  EXPECT_EQ(Result("Mod", of(2), of(3)), "[2]");
  EXPECT_EQ(Result("Mod", of(-7), of(3)), "[2]");
  EXPECT_EQ(Result("Mod", of(7), of(-3)), "[-2]");
  EXPECT_EQ(Result("Max", of(2), of(3)), "[3]");
  EXPECT_EQ(Result("Min", of(2), of(3)), "[2]");
  EXPECT_EQ(Result("Equal", of(2), of(2)), "[1]");
  EXPECT_EQ(Result("GreaterOrEqual", of(1), of(2)), "[0]");
  EXPECT_EQ(Result("Div", of(INT64_MIN), of(-1)), "[?]");
  EXPECT_EQ(Result("Div", of(1), of(0)), "[?]");
  EXPECT_EQ(Result("Mod", of(1), of(0)), "[?]");
  EXPECT_EQ(Result("Add", of(INT64_MAX), of(1)), "[?]");
  EXPECT_EQ(Result("Mul", of(INT64_MAX), of(2)), "[?]");
}

TEST(FoldArithmetic, ComputesWithTheBatch) {
  const Symbol batch = Symbol::Batch(1);
  const Symbol twice = Symbol::Batch(2);
  const auto of = Symbol::Fixed;
  EXPECT_EQ(Result("Mul", batch, of(12)), "[12 batch]");
  EXPECT_EQ(Result("Mul", batch, of(0)), "[0]");
  EXPECT_EQ(Result("Mul", batch, batch), "[?]");
  EXPECT_EQ(Result("Mul", batch, of(-1)), "[?]");
  EXPECT_EQ(Result("Div", Symbol::Batch(12), of(4)), "[3 batch]");
  EXPECT_EQ(Result("Div", Symbol::Batch(12), twice), "[6]");
  EXPECT_EQ(Result("Div", batch, of(2)), "[?]");
  EXPECT_EQ(Result("Add", batch, twice), "[3 batch]");
  EXPECT_EQ(Result("Add", of(0), batch), "[batch]");
  EXPECT_EQ(Result("Add", batch, of(1)), "[?]");
  EXPECT_EQ(Result("Sub", twice, batch), "[batch]");
  EXPECT_EQ(Result("Sub", batch, batch), "[0]");
  EXPECT_EQ(Result("Max", batch, of(1)), "[batch]");
  EXPECT_EQ(Result("Max", batch, of(2)), "[?]");
  EXPECT_EQ(Result("Min", batch, of(1)), "[1]");
}

// A batch has an example at least: it is never -1, as Expand's tests ask.
TEST(FoldArithmetic, ComparesTheBatchWhereThatHasAnAnswer) {
  const Symbol batch = Symbol::Batch(1);
  const auto of = Symbol::Fixed;
  EXPECT_EQ(Result("Equal", batch, of(-1)), "[0]");
  EXPECT_EQ(Result("Equal", batch, of(1)), "[?]");
  EXPECT_EQ(Result("Equal", batch, batch), "[1]");
  EXPECT_EQ(Result("Greater", batch, of(0)), "[1]");
  EXPECT_EQ(Result("Less", batch, of(1)), "[?]");
  const auto chosen = Folded("Where", {{of(0), of(1)}, {of(7), of(8)}, {batch, of(9)}});
  ASSERT_TRUE(chosen);
  EXPECT_EQ(TextOf(chosen->symbols()[0]), "[batch]");
  EXPECT_EQ(TextOf(chosen->symbols()[1]), "[8]");
}

TEST(FoldArithmetic, MakesRanges) {
  const auto of = Symbol::Fixed;
  const auto up = Folded("Range", {{of(1)}, {of(8)}, {of(3)}});
  ASSERT_TRUE(up);
  EXPECT_EQ(up->dimensions, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(up->symbols()[2].value, 7);
  EXPECT_EQ(Folded("Range", {{of(5)}, {of(0)}, {of(-2)}})->symbols()[2].value, 1);
  EXPECT_EQ(Folded("Range", {{of(5)}, {of(0)}, {of(1)}})->size(), 0u);
  EXPECT_FALSE(Folded("Range", {{of(0)}, {Symbol::Batch(1)}, {of(1)}}));
  EXPECT_THROW(Folded("Range", {{of(0)}, {of(1001)}, {of(1)}}), Error);
}

}  // namespace
}  // namespace espalier
