// SPDX-License-Identifier: Apache-2.0

// Products of matrices: dense layers where one is a constant, matmul where both are data.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "import/network_lowering.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/scaled.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

Integers SizesOf(const Shape& shape) {
  const auto sizes = shape.dimensions();
  return {sizes.begin(), sizes.end()};
}

ForeignDimensions ProductDimensions(ForeignDimensions a, ForeignDimensions b) {
  if (a.empty() || b.empty()) Refuse("expected matrices, got a single number");
  const bool is_row = a.size() == 1;
  const bool is_column = b.size() == 1;
  if (is_row) a.insert(a.begin(), ForeignDimension::Fixed(1));
  if (is_column) b.push_back(ForeignDimension::Fixed(1));
  if (!(a.back() == b[b.size() - 2])) {
    Refuse("expected matrices that can be multiplied, got ", ToString(a), " and ", ToString(b));
  }
  ForeignDimensions result = BroadcastDimensions(ForeignDimensions(a.begin(), a.end() - 2),
                                                 ForeignDimensions(b.begin(), b.end() - 2));
  if (!is_row) result.push_back(a[a.size() - 2]);
  if (!is_column) result.push_back(b.back());
  return result;
}

void InferMatmul(NodeFacts& facts) {
  facts.SetOutput(0, facts.Type(0), ProductDimensions(facts.Dimensions(0), facts.Dimensions(1)));
}

// Copies a matrix, or its transpose, times a factor.
std::function<void(std::span<float>)> Matrix(const ForeignTensor& weight, bool transposes,
                                             float factor) {
  return [weight, transposes, factor](std::span<float> floats) {
    if (!transposes) {
      weight.CopyFloats(floats);
    } else {
      const auto rows = static_cast<std::size_t>(weight.dimensions()[0]);
      const auto columns = static_cast<std::size_t>(weight.dimensions()[1]);
      const std::vector<float> values = weight.Floats();
      if (values.size() != floats.size()) Refuse("expected ", floats.size(), " elements");
      constexpr std::size_t kBlock = 16;  // a cache line of each row
      for (std::size_t first = 0; first < rows; first += kBlock) {
        const std::size_t last = std::min(first + kBlock, rows);
        for (std::size_t j = 0; j < columns; ++j) {
          for (std::size_t i = first; i < last; ++i) floats[j * rows + i] = values[i * columns + j];
        }
      }
    }
    if (factor != 1.0f) {
      for (float& value : floats) value *= factor;
    }
  };
}

/// What a dense layer is made of: x · weight + bias, and factors of both.
struct DenseWeights {
  const ForeignTensor* weight = nullptr;  // [inputs, units]
  bool is_transposed = false;             // [units, inputs]
  float factor = 1.0f;
  const ForeignTensor* bias = nullptr;  // [units], or one for all
  float bias_factor = 1.0f;
};

LoweredValue AddDense(NodeLowering& node, const LoweredValue& x, const DenseWeights& weights) {
  const Integers& dimensions = weights.weight->dimensions();
  const std::int64_t units = dimensions[weights.is_transposed ? 0 : 1];
  const LoweredValue layer = node.Add(
      "dense",
      {{"units", units}, {"bias", weights.bias != nullptr}, {"per_position", x.shape.rank() > 1}},
      x);
  node.SetParameter(layer, "weight",
                    Matrix(*weights.weight, !weights.is_transposed, weights.factor));
  if (weights.bias != nullptr) {
    node.SetParameter(
        layer, "bias",
        [bias = *weights.bias, factor = weights.bias_factor](std::span<float> floats) {
          if (bias.element_count() == 1) {
            std::ranges::fill(floats, bias.FloatAt(0));
          } else {
            bias.CopyFloats(floats);
          }
          for (float& value : floats) value *= factor;
        });
  }
  return layer;
}

// If rows of a value are vectors, so that each can be multiplied by itself.
bool HasRows(const ForeignDimensions& dimensions) {
  return !dimensions.empty() && !dimensions.back().is_batch();
}

void LowerDense(NodeLowering& node) {
  const ForeignTensor& weight = node.RequiredConstant(1, "weight");
  if (weight.rank() != 2 || !HasRows(node.Dimensions(0))) {
    Refuse("expected rows by a matrix, got ", ToString(node.Dimensions(0)), " and ",
           ToString(node.Dimensions(1)));
  }
  node.NameAfter(2);
  node.NameAfter(1);
  const ForeignTensor* bias = node.HasInput(2) ? &node.RequiredConstant(2, "bias") : nullptr;
  node.SetOutput(0, AddDense(node, node.Data(0), {.weight = &weight, .bias = bias}));
}

// A value as a stack of matrices: in the network it may lack the dimension that the batch was.
LoweredValue AsMatrices(NodeLowering& node, std::size_t input) {
  LoweredValue value = node.Data(input);
  const ForeignDimensions& dimensions = node.Dimensions(input);
  const int batch = BatchAxis(dimensions);
  const int rank = static_cast<int>(dimensions.size());
  const bool lost_one =
      rank == 1 || (batch >= rank - 2 && dimensions[static_cast<std::size_t>(batch)].size == 1);
  if (!lost_one) return value;
  Integers sizes = SizesOf(value.shape);
  if (rank == 1) {
    sizes.insert(input == 0 ? sizes.begin() : sizes.end(), 1);
  } else if (rank != 2 || value.shape.rank() != 1) {
    Refuse("expected matrices within an example, got ", ToString(dimensions));
  } else {
    sizes.insert(sizes.begin() + batch, 1);
  }
  return node.Add("reshape", {{"shape", sizes}}, value, input == 0 ? "first" : "second");
}

// Repeats matrices until there are as many as `sizes` says, the last two dimensions aside.
LoweredValue Repeated(NodeLowering& node, const LoweredValue& value, const Integers& sizes,
                      const char* part) {
  Integers wanted(sizes.begin(), sizes.end() - 2);
  const Integers own = SizesOf(value.shape);
  wanted.insert(wanted.end(), own.end() - 2, own.end());
  if (wanted == own) return value;
  return node.Add("expand", {{"shape", wanted}}, value, part);
}

void LowerMatmul(NodeLowering& node) {
  const ForeignTensor* weight = node.Constant(1);
  if (weight != nullptr && weight->rank() == 2 && node.Constant(0) == nullptr &&
      HasRows(node.Dimensions(0))) {
    node.NameAfter(1);
    return node.SetOutput(0, AddDense(node, node.Data(0), {.weight = weight}));
  }
  LoweredValue first = AsMatrices(node, 0);
  LoweredValue second = AsMatrices(node, 1);
  if (first.shape.rank() < 2 || second.shape.rank() < 2) Refuse("expected matrices");
  const Shape output = LoweredShape(node.OutputDimensions());
  if (second.shape.rank() > 2 || first.shape.rank() < second.shape.rank()) {
    // As many of each.
    Integers sizes = SizesOf(first.shape.rank() > second.shape.rank() ? first.shape : second.shape);
    for (int back = 3; back <= static_cast<int>(sizes.size()); ++back) {
      for (const Shape& shape : {first.shape, second.shape}) {
        if (back > shape.rank()) continue;
        std::int64_t& size = sizes[sizes.size() - static_cast<std::size_t>(back)];
        size = std::max(size, shape[shape.rank() - back]);
      }
    }
    first = Repeated(node, first, sizes, "first");
    second = Repeated(node, second, sizes, "second");
  }
  const std::vector<LoweredValue> both = {first, second};
  LoweredValue product = node.Add("matmul", {}, both);
  if (product.shape != output && product.shape.element_count() == output.element_count()) {
    product = node.Add("reshape", {{"shape", SizesOf(output)}}, product, "shape");
  }
  node.SetOutput(0, product);
}

void InferGemm(NodeFacts& facts) {
  ForeignDimensions a = facts.Dimensions(0);
  ForeignDimensions b = facts.Dimensions(1);
  if (a.size() != 2 || b.size() != 2) {
    Refuse("expected matrices, got ", ToString(a), " and ", ToString(b));
  }
  if (facts.node().Integer("transA", 0) != 0) std::swap(a[0], a[1]);
  if (facts.node().Integer("transB", 0) != 0) std::swap(b[0], b[1]);
  facts.SetOutput(0, facts.Type(0), ProductDimensions(a, b));
}

// alpha · A · B + beta · C of values that are the same for all examples, or of one example alone.
void LowerGemmAsProduct(NodeLowering& node) {
  const Attributes attributes = {{"transpose_first", node.node().Integer("transA", 0) != 0},
                                 {"transpose_second", node.node().Integer("transB", 0) != 0}};
  LoweredValue product =
      node.Add("matmul", attributes, std::vector<LoweredValue>{node.Data(0), node.Data(1)});
  const auto alpha = static_cast<double>(node.node().Float("alpha", 1.0f));
  const auto beta = static_cast<double>(node.node().Float("beta", 1.0f));
  if (alpha != 1.0) product = WithNumber(node, "mul", product, alpha);
  if (node.HasInput(2)) {
    LoweredValue sum = node.BroadcastData(2);
    if (beta != 1.0) sum = WithNumber(node, "mul", sum, beta);
    product = Join(node, "add", product, sum);
  }
  node.SetOutput(0, product);
}

void LowerGemm(NodeLowering& node) {
  const bool is_whole = BatchAxis(node.Dimensions(0)) < 0;
  const bool has_vector = !node.HasInput(2) || node.Rank(2) < 2 || node.Dimensions(2)[0].is(1);
  if (is_whole &&
      (node.node().Integer("transA", 0) != 0 || !has_vector || node.Constant(1) == nullptr)) {
    return LowerGemmAsProduct(node);
  }
  const ForeignTensor& weight = node.RequiredConstant(1, "B");
  const ForeignDimensions& x = node.Dimensions(0);
  LoweredValue rows = node.Data(0);
  if (node.node().Integer("transA", 0) != 0) {
    if (!x[1].is_batch())
      Refuse("transA: expected the batch as the dimension that becomes the first");
  } else if (!x[0].is_batch() || x[0].size != 1) {
    if (!HasRows(x)) Refuse("expected rows of examples, got ", ToString(x));
  }
  const ForeignTensor* bias = node.HasInput(2) ? &node.RequiredConstant(2, "C") : nullptr;
  const std::int64_t units = weight.dimensions()[node.node().Integer("transB", 0) != 0 ? 0 : 1];
  if (bias != nullptr && bias->element_count() != 1 &&
      (bias->element_count() != units || bias->dimensions().back() != units)) {
    Refuse("C: expected a bias of ", units, ", got ", ToString(node.Dimensions(2)));
  }
  node.NameAfter(1);
  node.SetOutput(0, AddDense(node, rows,
                             {.weight = &weight,
                              .is_transposed = node.node().Integer("transB", 0) != 0,
                              .factor = node.node().Float("alpha", 1.0f),
                              .bias = bias,
                              .bias_factor = node.node().Float("beta", 1.0f)}));
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Dense", .domain = kCompositeDomain, .infer = InferMatmul, .lower = LowerDense},
    {.kind = "Gemm", .first_version = 7, .infer = InferGemm, .lower = LowerGemm},
    {.kind = "MatMul", .infer = InferMatmul, .lower = LowerMatmul},
};

}  // namespace

std::span<const ForeignOperator> MatmulOperators() { return kOperators; }

}  // namespace espalier
