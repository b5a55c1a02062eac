// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/labelled_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/random.h"
#include "kernels/matmul/matmul.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/packed_product.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;

constexpr std::int64_t kColumns = 60;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kWidths[] = {1,  3,  4,  5,   15,  16,  17,  31,
                                    63, 64, 65, 127, 128, 129, 300, 512};

void FillRandom(std::span<float> values, std::uint32_t stream) {
  Random random({.seed = 21, .index = stream});
  for (float& value : values) value = static_cast<float>(random.NextNormal());
}

// Ascending, `count` of kColumns.
std::vector<std::int32_t> Choose(std::int64_t count) {
  std::vector<std::int32_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    chosen.push_back(static_cast<std::int32_t>(i * kColumns / count));
  }
  return chosen;
}

bool SameBits(const float* a, const float* b, std::int64_t count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(float)) == 0;
}

TEST(LabelledProduct, HasTheBitsOfTheWholeProductAndReadsNothingElse) {
  ForEachCpuTarget([] {
    for (const std::int64_t depth : kWidths) {
      GuardedFloats weights(static_cast<std::size_t>(kColumns * depth));
      GuardedFloats x(static_cast<std::size_t>(2 * depth));
      std::vector<float> biases(kColumns);
      FillRandom(weights.span(), 1);
      FillRandom(x.span(), 2);
      FillRandom(biases, 3);
      biases[0] = -0.0f;
      const MatrixRef b = MatrixRef::RowMajor(weights.data(), kColumns, depth).Transposed();
      std::vector<float> packed(static_cast<std::size_t>(PackedFloats(depth, kColumns)));
      PackB(b, packed.data());
      std::vector<float> whole(2 * kColumns);
      testing::MultiplyPacked(MatrixRef::RowMajor(x.data(), 2, depth), packed.data(), kColumns,
                              whole.data(), kColumns, {.column_bias = biases.data()});
      for (std::int64_t count : {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 33, 60}) {
        SCOPED_TRACE("depth " + std::to_string(depth) + ", count " + std::to_string(count));
        // The first row wants `count` columns, the second one the last column alone.
        std::vector<std::int32_t> columns = Choose(count);
        const std::vector<float> saved = weights.ToVector();
        for (std::int32_t column = 0; column + 1 < kColumns; ++column) {
          if (std::find(columns.begin(), columns.end(), column) != columns.end()) continue;
          std::fill_n(weights.data() + column * depth, depth, kNaN);
        }
        columns.push_back(kColumns - 1);
        const std::int32_t begins[] = {0, -1, static_cast<std::int32_t>(count), -1,
                                       static_cast<std::int32_t>(count) + 1};
        GuardedFloats results(static_cast<std::size_t>(count) + 1);
        LabelledProducts({.x = x.data(),
                          .count = 2,
                          .begins = begins,
                          .begins_stride = 2,
                          .columns = columns.data()},
                         weights.data(), biases.data(), depth, results.data());
        for (std::int64_t e = 0; e < count; ++e) {
          const std::int32_t column = columns[static_cast<std::size_t>(e)];
          EXPECT_TRUE(SameBits(results.data() + e, whole.data() + column, 1))
              << "column " << column;
          double sum = biases[static_cast<std::size_t>(column)];
          double size = std::abs(sum);
          for (std::int64_t k = 0; k < depth; ++k) {
            const double term =
                static_cast<double>(x.data()[k]) *
                static_cast<double>(saved[static_cast<std::size_t>(column * depth + k)]);
            sum += term;
            size += std::abs(term);
          }
          EXPECT_LE(std::abs(results.data()[e] - sum),
                    4.0 * std::sqrt(static_cast<double>(depth)) * 0x1p-24 * size + 1e-30);
        }
        EXPECT_TRUE(SameBits(results.data() + count, whole.data() + 2 * kColumns - 1, 1));
        std::copy(saved.begin(), saved.end(), weights.data());
      }
    }
  });
}

TEST(CombineRows, HasTheBitsOfTheWholeProductAndReadsNothingElse) {
  ForEachCpuTarget([] {
    for (const std::int64_t width : kWidths) {
      GuardedFloats matrix(static_cast<std::size_t>(kColumns * width));
      FillRandom(matrix.span(), 4);
      for (std::int64_t count : {0, 1, 2, 7, 60}) {
        SCOPED_TRACE("width " + std::to_string(width) + ", count " + std::to_string(count));
        const std::vector<std::int32_t> rows = Choose(count);
        std::vector<float> factors(static_cast<std::size_t>(count));
        FillRandom(factors, 5);
        std::vector<float> all_factors(kColumns, 0.0f);
        for (std::size_t e = 0; e < rows.size(); ++e) {
          all_factors[static_cast<std::size_t>(rows[e])] = factors[e];
        }
        std::vector<float> packed(static_cast<std::size_t>(PackedFloats(kColumns, width)));
        PackB(MatrixRef::RowMajor(matrix.data(), kColumns, width), packed.data());
        std::vector<float> whole(static_cast<std::size_t>(width));
        testing::MultiplyPacked(MatrixRef::RowMajor(all_factors.data(), 1, kColumns), packed.data(),
                                width, whole.data(), width, {});

        GuardedFloats result(static_cast<std::size_t>(width));
        std::fill_n(result.data(), width, kNaN);
        CombineRows(matrix.data(), width, rows.data(), factors.data(), count, result.data());
        EXPECT_TRUE(SameBits(result.data(), whole.data(), width));

        GuardedFloats chosen(static_cast<std::size_t>(kColumns * width));
        std::fill_n(chosen.data(), chosen.size(), kNaN);
        for (const std::int32_t row : rows) {
          std::copy_n(matrix.data() + row * width, width, chosen.data() + row * width);
        }
        CombineRows(chosen.data(), width, rows.data(), factors.data(), count, result.data());
        EXPECT_TRUE(SameBits(result.data(), whole.data(), width));
      }
    }
  });
}

}  // namespace
}  // namespace espalier
