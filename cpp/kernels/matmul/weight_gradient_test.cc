// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/weight_gradient.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;

struct Size {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t examples;
};

// Tiles and panels with and without a rest; several pieces a row; several tasks.
constexpr Size kSizes[] = {{1, 1, 1},     {1, 7, 3},      {5, 16, 2},      {6, 17, 4},
                           {7, 31, 1},    {13, 32, 5},    {14, 33, 8},     {15, 47, 17},
                           {29, 64, 128}, {100, 103, 32}, {256, 784, 128}, {3, 2047, 9},
                           {15, 2048, 4}, {16, 2049, 3},  {2, 5000, 2},    {1000, 8, 128}};

void FillRandom(std::span<float> values, std::uint32_t stream) {
  Random random({.seed = 22, .index = stream});
  for (float& value : values) value = static_cast<float>(random.NextNormal());
}

TEST(WeightGradient, PiecesMakeUpTheProductBitForBit) {
  ForEachCpuTarget([] {
    for (const Size& size : kSizes) {
      SCOPED_TRACE(::testing::Message()
                   << size.rows << " x " << size.columns << ", " << size.examples << " examples");
      GuardedFloats gradients(static_cast<std::size_t>(size.examples * size.rows));
      GuardedFloats inputs(static_cast<std::size_t>(size.examples * size.columns));
      FillRandom(gradients.span(), 1);
      FillRandom(inputs.span(), 2);
      std::vector<float> expected(static_cast<std::size_t>(size.rows * size.columns));
      Workspace workspace(1, ParallelMatmulScratchFloats(size.examples, size.columns));
      ParallelMatmul(MatrixRef::RowMajor(gradients.data(), size.examples, size.rows).Transposed(),
                     MatrixRef::RowMajor(inputs.data(), size.examples, size.columns),
                     expected.data(), size.columns, {}, workspace);

      const WeightGradient gradient{.gradients = gradients.data(),
                                    .inputs = inputs.data(),
                                    .examples = size.examples,
                                    .rows = size.rows,
                                    .columns = size.columns};
      GuardedFloats scratch(static_cast<std::size_t>(WeightGradientScratchFloats()));
      std::vector<float> got(expected.size());
      std::vector<int> times(expected.size());
      for (std::int64_t task = 0; task < WeightGradientTasks(gradient); ++task) {
        ForGradientPieces(gradient, task, scratch.data(), [&](const GradientPiece& piece) {
          for (std::int64_t i = 0; i < piece.rows * piece.columns; ++i) {
            const std::int64_t row = piece.first_row + i / piece.columns;
            const std::int64_t column = piece.first_column + i % piece.columns;
            const auto at = static_cast<std::size_t>(row * size.columns + column);
            got[at] = piece.values[i];
            ++times[at];
          }
        });
      }
      EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
      EXPECT_EQ(times, std::vector<int>(times.size(), 1));
    }
  });
}

// In float the squares of the tiny ones would vanish, those of the huge ones be infinite.
TEST(WeightGradient, SquaresAreThoseOfThePieces) {
  ForEachCpuTarget([] {
    for (const float scale : {1e-25f, 1e-12f, 1.0f, 1e10f, 1e25f}) {
      for (const Size& size : {Size{15, 47, 17}, Size{100, 103, 32}, Size{16, 2049, 3}}) {
        SCOPED_TRACE(::testing::Message() << size.rows << " x " << size.columns << " by " << scale);
        std::vector<float> gradients(static_cast<std::size_t>(size.examples * size.rows));
        std::vector<float> inputs(static_cast<std::size_t>(size.examples * size.columns));
        FillRandom(gradients, 3);
        FillRandom(inputs, 4);
        for (float& gradient : gradients) gradient *= scale;
        const WeightGradient gradient{.gradients = gradients.data(),
                                      .inputs = inputs.data(),
                                      .examples = size.examples,
                                      .rows = size.rows,
                                      .columns = size.columns};
        std::vector<float> scratch(static_cast<std::size_t>(WeightGradientScratchFloats()));
        for (std::int64_t task = 0; task < WeightGradientTasks(gradient); ++task) {
          ForGradientPieces(gradient, task, scratch.data(), [&](const GradientPiece& piece) {
            double expected = 0.0;
            for (std::int64_t i = 0; i < piece.rows * piece.columns; ++i) {
              expected += static_cast<double>(piece.values[i]) * piece.values[i];
            }
            EXPECT_GT(expected, 0.0);
            EXPECT_NEAR(piece.squares, expected, 1e-6 * expected);
          });
        }
      }
    }
  });
}

TEST(WeightGradient, TasksGrowWithTheWork) {
  ForEachCpuTarget([] {
    const WeightGradient small{.examples = 1, .rows = 14, .columns = 16};
    EXPECT_EQ(WeightGradientTasks(small), 1);
    const WeightGradient large{.examples = 128, .rows = 1024, .columns = 1024};
    EXPECT_GE(WeightGradientTasks(large), 64);
  });
}

}  // namespace
}  // namespace espalier
