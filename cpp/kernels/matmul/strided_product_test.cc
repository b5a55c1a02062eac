// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/strided_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"
#include "testing/packed_product.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 11, .index = stream});
}

// Rows of windows: row i, segment s begins at i · row_stride + s · segment_stride.
struct Windows {
  std::int64_t rows, columns, segments, depth, row_stride, segment_stride;

  std::int64_t k() const { return segments * depth; }
  std::int64_t Floats() const {
    return (rows - 1) * row_stride + (segments - 1) * segment_stride + depth;
  }
  std::string Text() const {
    return std::to_string(rows) + " x " + std::to_string(columns) + " x " +
           std::to_string(segments) + " · " + std::to_string(depth);
  }
};

std::vector<Windows> AllWindows() {
  std::vector<Windows> all;
  const std::int64_t columns[] = {1, 10, 16, 32, 33, 64, 70, 131};
  std::size_t at = 0;
  for (std::int64_t rows = 1; rows <= 31; ++rows) {
    // Overlapping windows of a 3 × 3 convolution, then a plain matrix with wider rows.
    all.push_back({rows, columns[at++ % 8], 3, 15, 5, 170});
    all.push_back({rows, columns[at++ % 8], 1, 37, 40, 0});
  }
  all.push_back({14, 128, 3, 192, 64, 1024});
  return all;
}

class StridedCase {
 public:
  StridedCase(const Windows& windows, GuardSide side)
      : windows_(windows),
        a_(static_cast<std::size_t>(windows.Floats()), side),
        b_(RandomFloats(windows.k() * windows.columns, 2)),
        packed_(static_cast<std::size_t>(PackedFloats(windows.k(), windows.columns)), side),
        c_(static_cast<std::size_t>(windows.rows * windows.columns), side),
        bias_(RandomFloats(windows.columns, 3)) {
    const std::vector<float> values = RandomFloats(windows.Floats(), 1);
    std::copy(values.begin(), values.end(), a_.data());
    PackB(MatrixRef::RowMajor(b_.data(), windows.k(), windows.columns), packed_.data());
  }

  Epilogue Bias(Activation activation) const {
    return {.column_bias = bias_.data(), .activation = activation};
  }

  StridedProduct Product(const Epilogue& epilogue) {
    return {.a = a_.data(),
            .row_stride = windows_.row_stride,
            .segments = windows_.segments,
            .segment_stride = windows_.segment_stride,
            .segment_depth = windows_.depth,
            .rows = windows_.rows,
            .packed_b = packed_.data(),
            .packed_depth = windows_.k(),
            .first_k = 0,
            .columns = windows_.columns,
            .c = c_.data(),
            .c_stride = windows_.columns,
            .epilogue = &epilogue,
            .is_first = true,
            .is_last = true};
  }

  // The same product of a plain A.
  std::vector<float> Expected(const Epilogue& epilogue) const {
    std::vector<float> a;
    for (std::int64_t i = 0; i < windows_.rows; ++i) {
      for (std::int64_t s = 0; s < windows_.segments; ++s) {
        const float* from = a_.data() + i * windows_.row_stride + s * windows_.segment_stride;
        a.insert(a.end(), from, from + windows_.depth);
      }
    }
    std::vector<float> c(c_.size());
    testing::MultiplyPacked(MatrixRef::RowMajor(a.data(), windows_.rows, windows_.k()),
                            packed_.data(), windows_.columns, c.data(), windows_.columns, epilogue);
    return c;
  }

  ::testing::AssertionResult IsNearFloat64() const {
    for (std::int64_t i = 0; i < windows_.rows; ++i) {
      for (std::int64_t j = 0; j < windows_.columns; ++j) {
        double sum = bias_[static_cast<std::size_t>(j)];
        double magnitude = std::abs(sum);
        for (std::int64_t k = 0; k < windows_.k(); ++k) {
          const double a =
              a_.data()[i * windows_.row_stride + k / windows_.depth * windows_.segment_stride +
                        k % windows_.depth];
          const double term = a * b_[static_cast<std::size_t>(k * windows_.columns + j)];
          sum += term;
          magnitude += std::abs(term);
        }
        const double got = c_.data()[i * windows_.columns + j];
        const std::size_t terms = static_cast<std::size_t>(windows_.k() + 1);
        if (!(std::abs(got - sum) <= testing::SumTolerance(terms, magnitude))) {
          return ::testing::AssertionFailure()
                 << "[" << i << ", " << j << "]: got " << got << ", expected " << sum;
        }
      }
    }
    return ::testing::AssertionSuccess();
  }

  std::span<const float> c() const { return {c_.data(), c_.size()}; }

 private:
  Windows windows_;
  GuardedFloats a_;
  std::vector<float> b_;
  GuardedFloats packed_;
  GuardedFloats c_;
  std::vector<float> bias_;
};

// All memory ends (or begins) at a page that faults.
TEST(StridedProduct, EqualsTheFloat64ProductAndTheBitsOfAPlainOne) {
  for (const Windows& windows : AllWindows()) {
    SCOPED_TRACE(windows.Text());
    for (const GuardSide side : {GuardSide::kAfter, GuardSide::kBefore}) {
      ForEachCpuTarget([&] {
        StridedCase product(windows, side);
        const Epilogue bias = product.Bias(Activation::kNone);
        MultiplyStrided(product.Product(bias));
        EXPECT_TRUE(product.IsNearFloat64());
        EXPECT_TRUE(SameBits(product.c(), product.Expected(bias)));
        const Epilogue relu = product.Bias(Activation::kRelu);
        MultiplyStrided(product.Product(relu));
        EXPECT_TRUE(SameBits(product.c(), product.Expected(relu)));
      });
    }
    if (HasFailure()) return;
  }
}

TEST(StridedProduct, PiecesOfKGiveTheBitsOfTheWhole) {
  for (const Windows& windows : AllWindows()) {
    SCOPED_TRACE(windows.Text());
    ForEachCpuTarget([&] {
      StridedCase whole(windows, GuardSide::kAfter);
      const Epilogue epilogue = whole.Bias(Activation::kRelu);
      StridedProduct piece = whole.Product(epilogue);
      piece.segments = 1;
      for (std::int64_t s = 0; s < windows.segments; ++s) {
        for (std::int64_t k = 0; k < windows.depth; k += piece.segment_depth) {
          piece.segment_depth = std::min<std::int64_t>(7, windows.depth - k);
          piece.a = whole.Product(epilogue).a + s * windows.segment_stride + k;
          piece.first_k = s * windows.depth + k;
          piece.is_first = piece.first_k == 0;
          piece.is_last = piece.first_k + piece.segment_depth == windows.k();
          MultiplyStrided(piece);
        }
      }
      EXPECT_TRUE(SameBits(whole.c(), whole.Expected(epilogue)));
    });
  }
}

}  // namespace
}  // namespace espalier
