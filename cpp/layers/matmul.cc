// SPDX-License-Identifier: Apache-2.0
#include "layers/matmul.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/matmul/matmul.h"
#include "layers/work.h"

namespace espalier {
namespace {

// c = a · b on the calling thread; row-major, its rows side by side.
void Multiply(const MatrixRef& a, const MatrixRef& b, float* c, float* scratch) {
  PackB(b, scratch);
  MatmulPacked(a, scratch, b.columns, c, b.columns, {}, scratch + PackedFloats(b.rows, b.columns));
}

MatrixRef Operand(const float* data, std::int64_t rows, std::int64_t columns, bool is_transposed) {
  return is_transposed ? MatrixRef::RowMajor(data, columns, rows).Transposed()
                       : MatrixRef::RowMajor(data, rows, columns);
}

}  // namespace

// `products` of [m, k] by [k, n] in an example.
struct MatmulLayer::Sizes {
  std::int64_t products = 1;
  std::int64_t m = 0, k = 0, n = 0;
};

MatmulLayer::MatmulLayer(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  transposes_first_ = reader.Flag("transpose_first", false);
  transposes_second_ = reader.Flag("transpose_second", false);
  reader.Finish();
}

Attributes MatmulLayer::attributes() const {
  return {{"transpose_first", transposes_first_}, {"transpose_second", transposes_second_}};
}

// One matrix for all of the first's: their rows are those of one product, unless they are columns.
MatmulLayer::Sizes MatmulLayer::SizesOf(std::span<const Shape> inputs) const {
  if (inputs.size() != 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected 2 inputs, got ", inputs.size());
  }
  const Shape& a = inputs[0];
  const Shape& b = inputs[1];
  const auto fail = [&] {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected inputs [..., m, k] and [..., k, n]",
         transposes_first_ || transposes_second_ ? " after transposition" : "", ", got ",
         a.ToString(), " and ", b.ToString());
  };
  if (a.rank() < 2 || b.rank() < 2) fail();
  const auto matrix = [](const Shape& shape, bool is_transposed) {
    const std::int64_t rows = shape[shape.rank() - 2];
    const std::int64_t columns = shape[shape.rank() - 1];
    return is_transposed ? std::pair(columns, rows) : std::pair(rows, columns);
  };
  const auto [m, k] = matrix(a, transposes_first_);
  const auto [depth, n] = matrix(b, transposes_second_);
  if (k != depth) fail();
  Sizes sizes{.products = 1, .m = m, .k = k, .n = n};
  const bool is_shared = b.rank() == 2 && a.rank() > 2;
  if (!is_shared && a.rank() != b.rank()) fail();
  if (is_shared && transposes_first_) fail();
  for (int axis = 0; axis < a.rank() - 2; ++axis) {
    if (!is_shared && a[axis] != b[axis]) fail();
    (is_shared ? sizes.m : sizes.products) *= a[axis];
  }
  return sizes;
}

Shape MatmulLayer::OutputShape(std::span<const Shape> inputs) const {
  const Sizes sizes = SizesOf(inputs);
  std::vector<std::int64_t> dimensions(inputs[0].dimensions().begin(),
                                       inputs[0].dimensions().end());
  const std::size_t rank = dimensions.size();
  if (transposes_first_) dimensions[rank - 2] = dimensions[rank - 1];
  dimensions[rank - 1] = sizes.n;
  return Shape(dimensions);
}

std::int64_t MatmulLayer::Work(std::span<const Shape> inputs) const {
  const Sizes sizes = SizesOf(inputs);
  return SaturatedAdd(SaturatedMultiply(SaturatedMultiply(sizes.products * sizes.m, sizes.k),
                                        WholeVectors(sizes.n)),
                      ElementWork(inputs, OutputShape(inputs)));
}

LayerMemory MatmulLayer::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                                const LayerUse& use) const {
  return {.reads_inputs = use.grad_inputs};
}

std::int64_t MatmulLayer::ScratchFloats(std::int64_t /*batch*/,
                                        std::span<const Shape> inputs) const {
  const auto [products, m, k, n] = SizesOf(inputs);
  const MatrixRef a = Operand(nullptr, m, k, transposes_first_);
  const MatrixRef b = Operand(nullptr, k, n, transposes_second_);
  const MatrixRef grad = MatrixRef::RowMajor(nullptr, m, n);
  const std::int64_t packed = std::max({PackedFloats(k, n), PackedFloats(n, k), PackedFloats(n, m),
                                        PackedFloats(m, k), PackedFloats(m, n)});
  std::int64_t copied = 0;
  for (const MatrixRef& left : {a, b, grad, a.Transposed(), grad.Transposed()}) {
    copied = std::max(copied, MatmulPackedScratchFloats(left));
  }
  return CheckedAdd(packed, copied);
}

// A task is one product or more: each is computed whole, whatever the batch.
void MatmulLayer::Forward(const ForwardArguments& arguments) const {
  const Sizes sizes = SizesOf(arguments.input_shapes);
  arguments.workspace->ParallelFor(
      arguments.batch * sizes.products, [&](std::int64_t product, std::span<float> scratch) {
        const auto [products, m, k, n] = sizes;
        Multiply(Operand(arguments.inputs[0] + product * m * k, m, k, transposes_first_),
                 Operand(arguments.inputs[1] + product * k * n, k, n, transposes_second_),
                 arguments.output + product * m * n, scratch.data());
      });
}

// With G the gradient of A·B: G·Bᵀ and Aᵀ·G, or the transposed of these.
void MatmulLayer::Backward(const BackwardArguments& arguments) const {
  const Sizes sizes = SizesOf(arguments.input_shapes);
  float* const grad_first = arguments.grad_inputs[0];
  float* const grad_second = arguments.grad_inputs[1];
  arguments.workspace->ParallelFor(arguments.batch * sizes.products, [&](std::int64_t product,
                                                                         std::span<float> scratch) {
    const auto [products, m, k, n] = sizes;
    const auto grad = MatrixRef::RowMajor(arguments.grad_output + product * m * n, m, n);
    const MatrixRef a = Operand(arguments.inputs[0] + product * m * k, m, k, transposes_first_);
    const MatrixRef b = Operand(arguments.inputs[1] + product * k * n, k, n, transposes_second_);
    if (grad_first != nullptr) {
      float* const to = grad_first + product * m * k;
      if (transposes_first_) {
        Multiply(b, grad.Transposed(), to, scratch.data());
      } else {
        Multiply(grad, b.Transposed(), to, scratch.data());
      }
    }
    if (grad_second == nullptr) return;
    float* const to = grad_second + product * k * n;
    if (transposes_second_) {
      Multiply(grad.Transposed(), a, to, scratch.data());
    } else {
      Multiply(a.Transposed(), grad, to, scratch.data());
    }
  });
}

}  // namespace espalier
