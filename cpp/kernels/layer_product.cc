// SPDX-License-Identifier: Apache-2.0
#include "kernels/layer_product.h"

#include <algorithm>

#include "kernels/matmul.h"
#include "kernels/matmul_block.h"
#include "kernels/strided_product.h"

namespace espalier {
namespace {

// Columns of y (rows of weights) that a task computes: by problem size, never by threads.
constexpr std::int64_t kTaskColumns = 128;
constexpr std::int64_t kMostRows = 128;  // of x; with more of them the usual way is as fast
// Floats from row to row of the weights where the rows of a tile share few cache sets.
constexpr std::int64_t kSetFloats = 512;

// Transposing x and y must cost less than transposing the weights.
bool IsSwapped(std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  return rows <= kMostRows && depth % kSetFloats != 0 &&
         2 * rows * (depth + columns) <= depth * columns &&
         PackedFloats(kBlockDepth, rows) + kTaskColumns * rows <=
             ParallelMatmulScratchFloats(depth, columns);
}

}  // namespace

void ParallelLayerProduct(const float* x, const float* weights, const Epilogue& epilogue,
                          std::int64_t rows, std::int64_t columns, std::int64_t depth, float* y,
                          Workspace& workspace) {
  if (!IsSwapped(rows, columns, depth)) {
    ParallelMatmul(MatrixRef::RowMajor(x, rows, depth),
                   MatrixRef::RowMajor(weights, columns, depth).Transposed(), y, columns, epilogue,
                   workspace);
    return;
  }
  // yᵀ = weights · xᵀ, a piece of the depth at a time.
  const std::int64_t tasks = (columns + kTaskColumns - 1) / kTaskColumns;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t first = columns * task / tasks;
    const std::int64_t count = columns * (task + 1) / tasks - first;
    float* const packed = scratch.data();
    float* const result = packed + PackedFloats(std::min(depth, kBlockDepth), rows);
    const float* const biases = epilogue.column_bias;
    const Epilogue swapped = {.row_bias = biases == nullptr ? nullptr : biases + first,
                              .activation = epilogue.activation,
                              .slope = epilogue.slope};
    for (std::int64_t k = 0; k < depth; k += kBlockDepth) {
      const std::int64_t piece = std::min(kBlockDepth, depth - k);
      PackB({x + k, piece, rows, 1, depth}, packed);
      MultiplyStrided({.a = weights + first * depth + k,
                       .row_stride = depth,
                       .segments = 1,
                       .segment_stride = 0,
                       .segment_depth = piece,
                       .rows = count,
                       .packed_b = packed,
                       .packed_depth = piece,
                       .first_k = 0,
                       .columns = rows,
                       .c = result,
                       .c_stride = rows,
                       .epilogue = &swapped,
                       .is_first = k == 0,
                       .is_last = k + piece == depth});
    }
    Transpose(result, rows, count, rows, y + first, columns);
  });
}

}  // namespace espalier
