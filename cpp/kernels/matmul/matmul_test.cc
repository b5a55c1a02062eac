// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/random.h"
#include "testing/all_activations.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"
#include "testing/packed_product.h"
#include "testing/tolerance.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

struct Size {
  std::int64_t m, n, k;
};

// Every pair of an awkward size in one place with others elsewhere, rather than all 1331.
std::vector<Size> Sizes() {
  const std::int64_t awkward[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100, 257};
  constexpr std::size_t kCount = std::size(awkward);
  std::vector<Size> sizes;
  for (std::size_t i = 0; i < kCount; ++i) {
    for (std::size_t j = 0; j < kCount; ++j) {
      sizes.push_back({awkward[i], awkward[j], awkward[(3 * i + 5 * j) % kCount]});
    }
  }
  sizes.push_back({5, 40, 0});
  sizes.push_back({1, 129, 1000});
  sizes.push_back({1, 610, 40});
  sizes.push_back({1, 300, 20});
  sizes.push_back({6, 203, 30});
  sizes.push_back({49, 97, 513});
  return sizes;
}

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 7, .index = stream});
}

// How the elements of a logical matrix lie in memory.
enum class Layout { kRows, kColumns, kEveryOther };

// A logical matrix copied into a layout, ending at a guard page.
struct StoredMatrix {
  StoredMatrix(const std::vector<float>& values, std::int64_t rows, std::int64_t columns,
               Layout layout, GuardSide side = GuardSide::kAfter)
      : storage(Floats(rows, columns, layout), side) {
    const bool is_columns = layout == Layout::kColumns;
    const std::int64_t step = layout == Layout::kEveryOther ? 2 : 1;
    ref = {storage.data(), rows, columns, is_columns ? 1 : columns * step,
           is_columns ? rows : step};
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        storage.data()[i * ref.row_stride + j * ref.column_stride] =
            values[static_cast<std::size_t>(i * columns + j)];
      }
    }
  }
  static std::size_t Floats(std::int64_t rows, std::int64_t columns, Layout layout) {
    const std::int64_t all = rows * columns;
    return static_cast<std::size_t>(
        layout == Layout::kEveryOther ? std::max<std::int64_t>(0, 2 * all - 1) : all);
  }
  GuardedFloats storage;
  MatrixRef ref;
};

struct Problem {
  explicit Problem(Size size_in)
      : size(size_in),
        a(RandomFloats(size.m * size.k, 1)),
        b(RandomFloats(size.k * size.n, 2)),
        row_bias(RandomFloats(size.m, 3)),
        column_bias(RandomFloats(size.n, 4)),
        residual(RandomFloats(size.m * size.n, 6)),
        old_c(RandomFloats(size.m * size.n, 5)) {}

  MatrixRef A() const { return MatrixRef::RowMajor(a.data(), size.m, size.k); }
  MatrixRef B() const { return MatrixRef::RowMajor(b.data(), size.k, size.n); }

  std::vector<float> Packed() const {
    std::vector<float> packed(static_cast<std::size_t>(PackedFloats(size.k, size.n)));
    PackB(B(), packed.data());
    return packed;
  }

  std::vector<float> Multiply(const Epilogue& epilogue) const {
    std::vector<float> c = old_c;
    const std::vector<float> packed = Packed();
    testing::MultiplyPacked(A(), packed.data(), size.n, c.data(), size.n, epilogue);
    return c;
  }

  // What one element may be off by, and whether `c` is within that.
  ::testing::AssertionResult IsRight(const std::vector<float>& c, const Epilogue& epilogue) const {
    for (std::int64_t i = 0; i < size.m; ++i) {
      for (std::int64_t j = 0; j < size.n; ++j) {
        const std::size_t at = static_cast<std::size_t>(i * size.n + j);
        double sum = 0.0;
        double magnitude = 0.0;
        const auto add = [&](double term) {
          sum += term;
          magnitude += std::abs(term);
        };
        if (epilogue.accumulate) add(old_c[at]);
        if (epilogue.residual != nullptr) add(epilogue.residual[at]);
        if (epilogue.row_bias != nullptr) add(epilogue.row_bias[i]);
        if (epilogue.column_bias != nullptr) add(epilogue.column_bias[j]);
        for (std::int64_t k = 0; k < size.k; ++k) {
          add(double{a[static_cast<std::size_t>(i * size.k + k)]} *
              b[static_cast<std::size_t>(k * size.n + j)]);
        }
        const double tolerance =
            testing::SumTolerance(static_cast<std::size_t>(size.k + 3), magnitude);
        if (!(std::abs(c[at] - sum) <= tolerance)) {
          return ::testing::AssertionFailure() << "[" << i << ", " << j << "]: got " << c[at]
                                               << ", expected " << sum << " within " << tolerance;
        }
      }
    }
    return ::testing::AssertionSuccess();
  }

  Size size;
  std::vector<float> a, b, row_bias, column_bias, residual, old_c;
};

std::string Text(Size size) {
  return std::to_string(size.m) + " x " + std::to_string(size.n) + " x " + std::to_string(size.k);
}

TEST(Matmul, EqualsTheFloat64Product) {
  for (const Size size : Sizes()) {
    SCOPED_TRACE(Text(size));
    const Problem problem(size);
    const Epilogue epilogues[] = {
        {},
        {.column_bias = problem.column_bias.data()},
        {.row_bias = problem.row_bias.data(), .accumulate = true},
        {.column_bias = problem.column_bias.data(),
         .residual = problem.residual.data(),
         .residual_stride = size.n},
    };
    ForEachCpuTarget([&] {
      for (const Epilogue& epilogue : epilogues) {
        EXPECT_TRUE(problem.IsRight(problem.Multiply(epilogue), epilogue));
      }
    });
    if (HasFailure()) return;
  }
}

TEST(Matmul, AWrongElementIsNoticed) {
  const Problem problem({17, 33, 65});
  for (const std::size_t at : {std::size_t{0}, std::size_t{32}, std::size_t{17 * 33 - 1}}) {
    std::vector<float> c = problem.Multiply({});
    EXPECT_TRUE(problem.IsRight(c, {}));
    c[at] += 1e-3f;
    EXPECT_FALSE(problem.IsRight(c, {}));
  }
}

TEST(Matmul, SmallIntegersAreExact) {
  for (const Size size :
       {Size{1, 1, 1}, Size{3, 17, 31}, Size{15, 65, 257}, Size{50, 33, 600}, Size{34, 70, 2048}}) {
    Problem problem(size);
    for (float& x : problem.a) x = std::round(4.0f * x);
    for (float& x : problem.b) x = std::round(4.0f * x);
    std::vector<float> expected(static_cast<std::size_t>(size.m * size.n));
    for (std::int64_t i = 0; i < size.m; ++i) {
      for (std::int64_t j = 0; j < size.n; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < size.k; ++k) {
          sum += static_cast<std::int64_t>(problem.a[static_cast<std::size_t>(i * size.k + k)]) *
                 static_cast<std::int64_t>(problem.b[static_cast<std::size_t>(k * size.n + j)]);
        }
        expected[static_cast<std::size_t>(i * size.n + j)] = static_cast<float>(sum);
      }
    }
    ForEachCpuTarget([&] { EXPECT_EQ(problem.Multiply({}), expected) << Text(size); });
  }
}

// All memory ends (or begins) at a page that faults, and no pointer is aligned.
TEST(Matmul, AnyLayoutGivesTheSameBitsAndTouchesNothingElse) {
  for (const Size size :
       {Size{1, 1, 1}, Size{1, 33, 65}, Size{2, 129, 17}, Size{3, 31, 100}, Size{7, 15, 257},
        Size{15, 100, 33}, Size{31, 10, 129}, Size{70, 90, 300}, Size{33, 48, 1024},
        Size{1024, 35, 40}, Size{35, 1024, 1100}, Size{61, 33, 2048}, Size{1, 610, 40}}) {
    SCOPED_TRACE(Text(size));
    const Problem problem(size);
    ForEachCpuTarget([&] {
      const std::vector<float> expected =
          problem.Multiply({.column_bias = problem.column_bias.data()});
      for (const GuardSide side : {GuardSide::kAfter, GuardSide::kBefore}) {
        for (const Layout a_layout : {Layout::kRows, Layout::kColumns, Layout::kEveryOther}) {
          for (const Layout b_layout : {Layout::kRows, Layout::kColumns, Layout::kEveryOther}) {
            const StoredMatrix a(problem.a, size.m, size.k, a_layout, side);
            const StoredMatrix b(problem.b, size.k, size.n, b_layout, side);
            GuardedFloats packed(static_cast<std::size_t>(PackedFloats(size.k, size.n)), side);
            GuardedFloats bias(problem.column_bias.size(), side);
            std::copy(problem.column_bias.begin(), problem.column_bias.end(), bias.data());
            GuardedFloats c(problem.old_c.size(), side);
            PackB(b.ref, packed.data());
            testing::MultiplyPacked(a.ref, packed.data(), size.n, c.data(), size.n,
                                    {.column_bias = bias.data()});
            EXPECT_TRUE(SameBits(c.span(), expected));
            Workspace workspace(1, ParallelMatmulScratchFloats(size.k, size.n));
            std::fill_n(c.data(), c.size(), 0.0f);
            ParallelMatmul(a.ref, b.ref, c.data(), size.n, {.column_bias = bias.data()}, workspace);
            EXPECT_TRUE(SameBits(c.span(), expected));
          }
        }
      }
    });
  }
}

TEST(Matmul, WritesBetweenTheRowsOfAWiderMatrixAreNone) {
  const Size size{5, 19, 40};
  const Problem problem(size);
  ForEachCpuTarget([&] {
    const std::vector<float> expected = problem.Multiply({});
    const std::int64_t stride = 23;
    std::vector<float> c(static_cast<std::size_t>(size.m * stride), -7.0f);
    testing::MultiplyPacked(problem.A(), problem.Packed().data(), size.n, c.data(), stride, {});
    for (std::int64_t i = 0; i < size.m; ++i) {
      for (std::int64_t j = 0; j < stride; ++j) {
        EXPECT_EQ(c[static_cast<std::size_t>(i * stride + j)],
                  j < size.n ? expected[static_cast<std::size_t>(i * size.n + j)] : -7.0f);
      }
    }
  });
}

TEST(Matmul, ARowAloneHasTheBitsItHasInABatch) {
  for (const Size size : {Size{100, 65, 257}, Size{64, 128, 300}, Size{33, 7, 1000},
                          Size{20, 150, 90}, Size{20, 200, 40}, Size{20, 1, 1}}) {
    SCOPED_TRACE(Text(size));
    const Problem problem(size);
    const Activation activation = size.n % 4 == 0 ? Activation::kRelu6 : Activation::kGelu;
    const Epilogue epilogue{.column_bias = problem.column_bias.data(), .activation = activation};
    ForEachCpuTarget([&] {
      const std::vector<float> all = problem.Multiply(epilogue);
      const std::vector<float> packed = problem.Packed();
      for (const std::int64_t rows : {1, 2, 3, 5, 13, 15}) {
        std::vector<float> some(static_cast<std::size_t>(rows * size.n));
        for (std::int64_t i = 0; i + rows <= size.m; i += 7) {
          testing::MultiplyPacked(MatrixRef::RowMajor(problem.a.data() + i * size.k, rows, size.k),
                                  packed.data(), size.n, some.data(), size.n, epilogue);
          EXPECT_TRUE(SameBits(
              some, std::span(all).subspan(static_cast<std::size_t>(i * size.n), some.size())));
        }
      }
    });
  }
}

TEST(Matmul, ANarrowRowAloneIsRightInBitsAndTouchesNothingElse) {
  ForEachCpuTarget([] {
    for (const std::int64_t k : {0, 1, 5, 130}) {
      for (std::int64_t n = 1; n <= 34; ++n) {
        const Problem problem({2, n, k});
        SCOPED_TRACE(Text(problem.size));
        const Epilogue plain;
        const Epilogue biased{.column_bias = problem.column_bias.data(),
                              .activation = Activation::kRelu};
        const Epilogue whole{.column_bias = problem.column_bias.data(),
                             .row_bias = problem.row_bias.data(),
                             .residual = problem.residual.data(),
                             .residual_stride = n,
                             .activation = Activation::kRelu6};
        for (const Epilogue& epilogue : {plain, biased, whole}) {
          const std::vector<float> together = problem.Multiply(epilogue);
          const std::size_t size = static_cast<std::size_t>(n);
          const std::vector<float> expected(together.begin() + n, together.end());
          for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
            const auto guarded = [&](const std::vector<float>& values, std::int64_t from,
                                     std::int64_t count) {
              return GuardedFloats(
                  std::vector<float>(values.begin() + from, values.begin() + from + count), side);
            };
            const GuardedFloats a = guarded(problem.a, k, k);
            const GuardedFloats packed = GuardedFloats(problem.Packed(), side);
            const GuardedFloats column_bias = guarded(problem.column_bias, 0, n);
            const GuardedFloats residual = guarded(problem.residual, n, n);
            GuardedFloats c(size, side);
            Epilogue alone = epilogue;
            if (epilogue.column_bias != nullptr) alone.column_bias = column_bias.data();
            if (epilogue.row_bias != nullptr) alone.row_bias = epilogue.row_bias + 1;
            if (epilogue.residual != nullptr) alone.residual = residual.data();
            MultiplyRow({a.data(), k, packed.data(), n, c.data(), PanelOrder::kForward}, alone);
            EXPECT_TRUE(SameBits(c.span(), expected));
          }
        }
      }
    }
  });
}

TEST(Matmul, TheOrderOfPanelsDoesNotShowInTheBits) {
  ThreadPool::Shared().SetThreadCount(2);
  for (const std::int64_t rows : {1, 2, 3, 7, 8}) {
    for (const Size size : {Size{rows, 5, 40}, Size{rows, 65, 300}, Size{rows, 129, 33},
                            Size{rows, 256, 784}, Size{rows, 500, 300}, Size{rows, 610, 40}}) {
      SCOPED_TRACE(Text(size));
      const Problem problem(size);
      const Epilogue epilogue{.column_bias = problem.column_bias.data(),
                              .residual = problem.residual.data(),
                              .residual_stride = size.n,
                              .activation = Activation::kRelu};
      ForEachCpuTarget([&] {
        const std::vector<float> expected = problem.Multiply(epilogue);
        const std::vector<float> packed = problem.Packed();
        GuardedFloats c(expected.size());
        testing::MultiplyPacked(problem.A(), packed.data(), size.n, c.data(), size.n, epilogue,
                                PanelOrder::kBackward);
        EXPECT_TRUE(SameBits(c.span(), expected));
        Workspace workspace(2, 0);
        std::fill_n(c.data(), c.size(), 0.0f);
        ParallelMatmulPacked(problem.A(), packed.data(), size.n, c.data(), size.n, epilogue,
                             workspace, PanelOrder::kBackward);
        EXPECT_TRUE(SameBits(c.span(), expected));
      });
    }
  }
}

TEST(Matmul, AColumnHasTheSameBitsAnywhere) {
  const Size size{19, 100, 321};
  const Problem problem(size);
  ForEachCpuTarget([&] {
    const std::vector<float> all = problem.Multiply({});
    for (const std::int64_t first : {1, 17, 63}) {
      const std::int64_t n = size.n - first;
      std::vector<float> packed(static_cast<std::size_t>(PackedFloats(size.k, n)));
      PackB({problem.b.data() + first, size.k, n, size.n, 1}, packed.data());
      std::vector<float> c(static_cast<std::size_t>(size.m * n));
      testing::MultiplyPacked(problem.A(), packed.data(), n, c.data(), n, {});
      for (std::int64_t i = 0; i < size.m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          EXPECT_EQ(c[static_cast<std::size_t>(i * n + j)],
                    all[static_cast<std::size_t>(i * size.n + first + j)]);
        }
      }
    }
  });
}

TEST(Matmul, WorkersDoNotShowInTheBits) {
  ThreadPool::Shared().SetThreadCount(8);
  for (const Size size : {Size{3, 17, 31}, Size{1, 2000, 300}, Size{130, 257, 300},
                          Size{600, 70, 100}, Size{300, 10, 2000}}) {
    SCOPED_TRACE(Text(size));
    const Problem problem(size);
    const Epilogue epilogue{.column_bias = problem.column_bias.data(),
                            .row_bias = problem.row_bias.data(),
                            .residual = problem.residual.data(),
                            .residual_stride = size.n,
                            .activation = Activation::kRelu};
    ForEachCpuTarget([&] {
      const std::vector<float> expected = problem.Multiply(epilogue);
      const std::vector<float> packed = problem.Packed();
      for (const int workers : {1, 2, 3, 5, 8}) {
        SCOPED_TRACE(workers);
        Workspace workspace(workers, ParallelMatmulScratchFloats(size.k, size.n));
        std::vector<float> c(expected.size());
        ParallelMatmulPacked(problem.A(), packed.data(), size.n, c.data(), size.n, epilogue,
                             workspace);
        EXPECT_TRUE(SameBits(c, expected));
        std::fill(c.begin(), c.end(), 0.0f);
        ParallelMatmul(problem.A(), problem.B(), c.data(), size.n, epilogue, workspace);
        EXPECT_TRUE(SameBits(c, expected));
      }
    });
  }
}

TEST(Matmul, LargeProductsAreShared) {
  ThreadPool::Shared().SetThreadCount(8);
  const Problem problem({256, 256, 256});
  Workspace workspace(8, ParallelMatmulScratchFloats(256, 256));
  const std::vector<float> packed = problem.Packed();
  std::vector<float> c(256 * 256);
  const int widest = testing::WidestRunOf(
      [&] { ParallelMatmulPacked(problem.A(), packed.data(), 256, c.data(), 256, {}, workspace); });
  EXPECT_GT(widest, 1);
}

TEST(Matmul, SmallProductsStayWithTheCaller) {
  ThreadPool::Shared().SetThreadCount(8);
  const Problem problem({1, 128, 256});
  Workspace workspace(8, ParallelMatmulScratchFloats(256, 128));
  std::vector<float> c(128);
  const std::vector<float> packed = problem.Packed();
  ThreadPool::Shared().ResetWidestRun();
  for (int i = 0; i < 50; ++i) {
    ParallelMatmulPacked(problem.A(), packed.data(), 128, c.data(), 128, {}, workspace);
    ParallelMatmul(problem.A(), problem.B(), c.data(), 128, {}, workspace);
  }
  EXPECT_LE(ThreadPool::Shared().widest_run(), 1);
}

TEST(Matmul, ActivationsAreThoseOfActivationForward) {
  const Problem problem({9, 37, 50});
  for (const Activation activation : testing::kAllActivations) {
    ForEachCpuTarget([&] {
      std::vector<float> expected = problem.Multiply({.row_bias = problem.row_bias.data()});
      ActivationForward(activation, 0.2f, expected.data(),
                        static_cast<std::int64_t>(expected.size()), expected.data());
      const std::vector<float> got = problem.Multiply(
          {.row_bias = problem.row_bias.data(), .activation = activation, .slope = 0.2f});
      EXPECT_TRUE(SameBits(got, expected)) << static_cast<int>(activation);
    });
  }
}

TEST(Matmul, NonFiniteValuesReachTheirRowAndColumnAlone) {
  Problem problem({20, 40, 70});
  problem.a[3 * 70 + 5] = std::numeric_limits<float>::quiet_NaN();
  problem.b[6 * 40 + 39] = std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < 20; ++i) problem.a[static_cast<std::size_t>(i * 70 + 6)] = 1.0f;
  ForEachCpuTarget([&] {
    const std::vector<float> c = problem.Multiply({.activation = Activation::kRelu});
    for (std::size_t i = 0; i < 20; ++i) {
      for (std::size_t j = 0; j < 40; ++j) {
        const float x = c[i * 40 + j];
        if (i == 3) {
          EXPECT_TRUE(std::isnan(x));
        } else {
          EXPECT_EQ(std::isfinite(x), j != 39) << i << ", " << j;
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
