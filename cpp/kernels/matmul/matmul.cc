// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul.h"

#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/matmul_panels.h"

namespace espalier {

std::int64_t PackedFloats(std::int64_t k, std::int64_t n) {
  return k * RoundUp(n, ActiveTileShape().lanes);
}

void MatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                  std::int64_t c_stride, const Epilogue& epilogue, float* scratch,
                  PanelOrder order) {
  if (a.rows <= 0 || n <= 0) return;
  if (a.rows == 1 && a.column_stride == 1 && !epilogue.accumulate) {
    MultiplyRow({a.data, a.columns, packed_b, n, c, order}, epilogue);
    return;
  }
  MultiplyPanels({.a = a,
                  .b = packed_b,
                  .b_stride = 0,
                  .n = n,
                  .c = c,
                  .c_stride = c_stride,
                  .is_first = true,
                  .is_last = true,
                  .order = order,
                  .block_copy = scratch},
                 epilogue);
}

std::int64_t MatmulPackedScratchFloats(const MatrixRef& a) { return BlockCopyFloats(a); }

void ParallelMatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                          std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace,
                          PanelOrder order) {
  const std::int64_t panel_floats = ActiveTileShape().columns * a.columns;
  ShareProduct(a, n, c, c_stride, epilogue, workspace,
               [&](const MatrixRef& rows, std::int64_t panel, std::int64_t columns, float* to,
                   const Epilogue& part, float* scratch) {
                 MatmulPacked(rows, packed_b + panel * panel_floats, columns, to, c_stride, part,
                              scratch, order);
               });
}

}  // namespace espalier
