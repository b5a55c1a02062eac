// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/memory.h"
#include "core/random.h"
#include "kernels/matmul/matmul.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/packed_product.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;

void FillRandom(std::span<float> values, std::uint32_t stream) {
  Random random({.seed = 31, .index = stream});
  for (float& value : values) value = static_cast<float>(random.NextNormal());
}

struct Case {
  std::int64_t rows, columns, depth;
};

constexpr Case kCases[] = {
    {1, 1, 1},      {1, 10, 128},    {5, 64, 300},  {32, 256, 784}, {31, 127, 257}, {33, 130, 511},
    {64, 300, 512}, {128, 512, 600}, {129, 70, 40}, {17, 1000, 33}, {3, 65, 1024},  {128, 256, 784},
    {40, 2100, 9},  {20, 300, 2050}, {15, 64, 100}, {7, 96, 100},   {29, 48, 2100}};

// A dense layer's product: weights [columns, depth], transposed or with swapped sides.
TEST(MatmulOnce, HasTheBitsOfTheProductPackedBeforeAndIsRight) {
  testing::ForEachCpuTarget([] {
    for (const auto& [rows, columns, depth] : kCases) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns) + " x " +
                   std::to_string(depth));
      GuardedFloats x(static_cast<std::size_t>(rows * depth));
      GuardedFloats weights(static_cast<std::size_t>(columns * depth));
      GuardedFloats biases(static_cast<std::size_t>(columns));
      GuardedFloats y(static_cast<std::size_t>(rows * columns));
      FillRandom(x.span(), 1);
      FillRandom(weights.span(), 2);
      FillRandom(biases.span(), 3);
      for (const float* const some_biases :
           {static_cast<const float*>(biases.data()), static_cast<const float*>(nullptr)}) {
        std::vector<float> expected(y.size());
        const MatrixRef x_ref = MatrixRef::RowMajor(x.data(), rows, depth);
        const MatrixRef weights_ref =
            MatrixRef::RowMajor(weights.data(), columns, depth).Transposed();
        const Epilogue epilogue{.column_bias = some_biases};
        AlignedArray<float> packed(PackedFloats(depth, columns));
        PackB(weights_ref, packed.data());
        testing::MultiplyPacked(x_ref, packed.data(), columns, expected.data(), columns, epilogue);
        for (const int workers : {1, 2, 3}) {
          Workspace workspace(workers, ParallelMatmulScratchFloats(depth, columns));
          ParallelMatmul(x_ref, weights_ref, y.data(), columns, epilogue, workspace);
          EXPECT_TRUE(testing::SameBits(y.ToVector(), expected));
        }
        for (std::int64_t i = 0; i < rows; i += 7) {
          for (std::int64_t j = 0; j < columns; j += 5) {
            double sum = some_biases == nullptr ? 0.0 : static_cast<double>(some_biases[j]);
            double size = std::abs(sum);
            for (std::int64_t k = 0; k < depth; ++k) {
              const double term = static_cast<double>(x.data()[i * depth + k]) *
                                  static_cast<double>(weights.data()[j * depth + k]);
              sum += term;
              size += std::abs(term);
            }
            EXPECT_LE(std::abs(static_cast<double>(y.data()[i * columns + j]) - sum),
                      4.0 * std::sqrt(static_cast<double>(depth)) * 0x1p-24 * size);
          }
        }
      }
    }
  });
}

// As a dense layer's gradients: B [depth, columns], which is packed or read where it lies.
TEST(MatmulOnce, RowsOfBApartHaveTheBitsOfTheProductPackedBefore) {
  testing::ForEachCpuTarget([] {
    for (const auto& [rows, columns, depth] : kCases) {
      for (const std::int64_t gap : {0, 3}) {
        const std::int64_t stride = columns + gap;
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns) + " x " +
                     std::to_string(depth) + ", rows " + std::to_string(stride) + " apart");
        GuardedFloats a(static_cast<std::size_t>(rows * depth));
        GuardedFloats b(static_cast<std::size_t>((depth - 1) * stride + columns));
        GuardedFloats residual(static_cast<std::size_t>(rows * columns));
        FillRandom(a.span(), 4);
        FillRandom(b.span(), 5);
        FillRandom(residual.span(), 6);
        const MatrixRef b_ref = {b.data(), depth, columns, stride, 1};
        const Epilogue epilogue{.residual = residual.data(),
                                .residual_stride = columns,
                                .activation = Activation::kTanh};
        AlignedArray<float> packed(PackedFloats(depth, columns));
        PackB(b_ref, packed.data());
        for (const bool is_transposed : {false, true}) {
          const MatrixRef a_ref = is_transposed
                                      ? MatrixRef::RowMajor(a.data(), depth, rows).Transposed()
                                      : MatrixRef::RowMajor(a.data(), rows, depth);
          std::vector<float> expected(residual.size());
          testing::MultiplyPacked(a_ref, packed.data(), columns, expected.data(), columns,
                                  epilogue);
          for (const int workers : {1, 2}) {
            GuardedFloats c(residual.size());
            Workspace workspace(workers, ParallelMatmulScratchFloats(depth, columns));
            ParallelMatmul(a_ref, b_ref, c.data(), columns, epilogue, workspace);
            EXPECT_TRUE(testing::SameBits(c.span(), expected));
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
