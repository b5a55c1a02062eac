// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "import/fusion_check.h"

namespace espalier {
namespace {

using testing::GraphWriter;

constexpr std::int64_t kInputs = 6;
constexpr std::int64_t kUnits = 4;

std::vector<std::byte> SomeBytes(std::int64_t count) {
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(i * 37 % 251));
  return bytes;
}

std::string Bytes(GraphWriter& w, const GraphWriter::Sizes& sizes) {
  return w.Constant(
      ForeignTensor::OfBytes(ForeignType::kUint8, sizes, SomeBytes(ForeignElementCount(sizes))));
}

std::string Byte(GraphWriter& w, int value) {
  return w.Constant(
      ForeignTensor::OfBytes(ForeignType::kUint8, {}, {static_cast<std::byte>(value)}));
}

// As ONNX Runtime's dynamic quantization writes x · weights.
ForeignGraph DynamicGraph(bool reads_integers) {
  GraphWriter w;
  const std::string x = w.Input("x", {3, kInputs});
  const std::vector<std::string> quantized = w.Nodes("DynamicQuantizeLinear", {x}, 3);
  const std::string product = w.Node(
      "MatMulInteger", {quantized[0], Bytes(w, {kInputs, kUnits}), quantized[2], Byte(w, 100)});
  const std::string real = w.Node("Cast", {product}, {{"to", std::int64_t{1}}});
  const std::string scale = w.Node("Mul", {quantized[1], w.Constant({1}, {0.01f})});
  w.Output(w.Node("Mul", {real, scale}));
  if (reads_integers) w.Output(w.Node("Cast", {quantized[0]}, {{"to", std::int64_t{1}}}));
  return w.Take();
}

// The same with real weights.
ForeignGraph RealGraph() {
  GraphWriter w;
  const std::string x = w.Input("x", {3, kInputs});
  std::vector<float> weights;
  for (const std::byte byte : SomeBytes(kInputs * kUnits)) {
    weights.push_back(0.01f * (static_cast<float>(std::to_integer<int>(byte)) - 100.0f));
  }
  w.Output(w.Node("MatMul", {x, w.Constant({kInputs, kUnits}, std::move(weights))}));
  return w.Take();
}

TEST(ReadQuantized, DynamicProductsAreRealOnes) {
  EXPECT_EQ(testing::KindsAfter(ReadQuantized, DynamicGraph(false)),
            std::vector<std::string>{"MatMul"});
  EXPECT_LE(testing::Difference(testing::ResultsAfter(ReadQuantized, DynamicGraph(false), 2),
                                testing::ResultsAfter(nullptr, RealGraph(), 2)),
            1e-6);
}

// Rows of bytes, each with its scale, or with that of another row.
ForeignGraph ScaledRowsGraph(bool same_rows) {
  GraphWriter w;
  const std::string ids = w.Input("ids", {5}, ForeignType::kInt64);
  const std::string table =
      w.Constant(ForeignTensor::OfBytes(ForeignType::kInt8, {4, kInputs}, SomeBytes(4 * kInputs)));
  const std::string scales = w.Constant({4, 1}, {0.5f, 0.25f, 3.0f, 1.0f});
  const std::string others = same_rows ? ids : w.Input("others", {5}, ForeignType::kInt64);
  const std::string rows = w.Node("Gather", {table, ids});
  w.Output(w.Node("Mul", {w.Node("Gather", {scales, others}),
                          w.Node("Cast", {rows}, {{"to", std::int64_t{1}}})}));
  return w.Take();
}

TEST(ReadQuantized, RowsWithAScaleEachAreRowsOfARealTable) {
  EXPECT_EQ(testing::KindsAfter(ReadQuantized, ScaledRowsGraph(true)),
            std::vector<std::string>{"Gather"});
  EXPECT_TRUE(testing::Fuses(ReadQuantized, ScaledRowsGraph(false), "Mul"));
  const testing::IntegerInputs ids = {{"ids", {0, 3, 2, 2, 1}}};
  EXPECT_EQ(testing::ResultsAfter(ReadQuantized, ScaledRowsGraph(true), 1, ids),
            testing::ResultsAfter(nullptr, ScaledRowsGraph(true), 1, ids));
}

// The integers are wanted as they are.
TEST(ReadQuantized, LeavesIntegersThatOthersRead) {
  EXPECT_TRUE(testing::Fuses(ReadQuantized, DynamicGraph(true), "DynamicQuantizeLinear"));
}

ForeignGraph PairGraph(int zero_point) {
  GraphWriter w;
  const std::string x = w.Input("x", {3, kInputs});
  const std::string scale = w.Number(0.1f);
  const std::string zero = Byte(w, 128);
  const std::string quantized = w.Node("QuantizeLinear", {x, scale, zero});
  w.Output(
      w.Node("Abs", {w.Node("DequantizeLinear",
                            {quantized, scale, zero_point == 128 ? zero : Byte(w, zero_point)})}));
  return w.Take();
}

TEST(ReadQuantized, PairsAreNothing) {
  EXPECT_EQ(testing::KindsAfter(ReadQuantized, PairGraph(128)), std::vector<std::string>{"Abs"});
  EXPECT_TRUE(testing::Fuses(ReadQuantized, PairGraph(127), "QuantizeLinear"));
}

TEST(ReadQuantized, RowsOfATableAreThoseOfTheRealOne) {
  const auto graph = [] {
    GraphWriter w;
    const std::string ids = w.Input("ids", {5}, ForeignType::kInt64);
    const std::string rows = w.Node("Gather", {Bytes(w, {9, 4}), ids});
    w.Output(w.Node("DequantizeLinear", {rows, w.Number(0.5f), Byte(w, 3)}));
    return w.Take();
  };
  EXPECT_EQ(testing::KindsAfter(ReadQuantized, graph()), std::vector<std::string>{"Gather"});
  const testing::IntegerInputs ids = {{"ids", {0, 8, 3, 3, 1}}};
  EXPECT_EQ(testing::ResultsAfter(ReadQuantized, graph(), 1, ids),
            testing::ResultsAfter(nullptr, graph(), 1, ids));
}

TEST(ReadQuantized, IntegerConvolutionsAreRealOnes) {
  const auto graph = [] {
    GraphWriter w;
    const std::string x = w.Input("x", {2, 5, 5});
    const std::string product =
        w.Node("ConvInteger", {x, Bytes(w, {3, 2, 3, 3}), Byte(w, 7), Byte(w, 120)});
    w.Output(w.Node("Cast", {product}, {{"to", std::int64_t{1}}}));
    return w.Take();
  };
  EXPECT_TRUE(testing::Fuses(ReadQuantized, graph(), "Conv"));
  EXPECT_FALSE(testing::Fuses(ReadQuantized, graph(), "ConvInteger"));
}

}  // namespace
}  // namespace espalier
