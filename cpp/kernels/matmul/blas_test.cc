// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/blas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/runtime.h"
#include "testing/cpu_targets.h"
#include "testing/normal_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::SameBits;

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 11, .index = stream});
}

// Puts "no library" back at the end.
struct ScopedOpenBlasPath {
  explicit ScopedOpenBlasPath(const std::string& path) { SetOpenBlasPath(path); }
  ~ScopedOpenBlasPath() { SetOpenBlasPath(""); }
};

TEST(OpenBlas, WithoutAUsableLibraryThereIsNone) {
  EXPECT_FALSE(OpenBlasIsAvailable());
  {
    const ScopedOpenBlasPath path("/nonexistent/libopenblas.so.0");
    EXPECT_FALSE(OpenBlasIsAvailable());
  }
  // A library, but without cblas_sgemm.
  const ScopedOpenBlasPath path("libm.so.6");
  EXPECT_FALSE(OpenBlasIsAvailable());
}

TEST(OpenBlas, ServesOnlyWhereMeasuredToWin) {
  EXPECT_TRUE(OpenBlasServes(CpuTargetId::kAvx2, 2048, 2048, 2048));
  EXPECT_FALSE(OpenBlasServes(CpuTargetId::kAvx2, 2047, 2048, 2048));
  EXPECT_FALSE(OpenBlasServes(CpuTargetId::kAvx2, 2048, 2048, 1 << 21));
  EXPECT_TRUE(OpenBlasServes(CpuTargetId::kAvx512, 2048, 4096, 2048));
  EXPECT_FALSE(OpenBlasServes(CpuTargetId::kAvx512, 2048, 2048, 2047));
  EXPECT_FALSE(OpenBlasServes(CpuTargetId::kBaseline, 4096, 4096, 4096));
}

TEST(OpenBlas, AForcedTargetLeavesItOut) {
#ifdef ESPALIER_OPENBLAS
  const ScopedOpenBlasPath path(ESPALIER_OPENBLAS);
#endif
  if (!CpuSupports(CpuTargetId::kAvx2)) GTEST_SKIP() << "needs AVX2";
  const testing::ScopedCpuTarget target(CpuTargetId::kAvx2);
  ASSERT_TRUE(IsCpuTargetForced());
  constexpr std::int64_t kSize = 2048;
  ASSERT_TRUE(OpenBlasServes(CpuTargetId::kAvx2, kSize, kSize, kSize));
  const std::vector<float> a = RandomFloats(kSize * kSize, 1);
  const MatrixRef matrix = MatrixRef::RowMajor(a.data(), kSize, kSize);
  Workspace workspace(1, ParallelMatmulScratchFloats(kSize, kSize));
  std::vector<float> ours(a.size());
  std::vector<float> training(a.size());
  ParallelMatmul(matrix, matrix, ours.data(), kSize, {}, workspace);
  TrainingMatmul(matrix, matrix, training.data(), kSize, {}, workspace);
  EXPECT_TRUE(SameBits(training, ours));
}

// The rows are cut into tasks, the last one shorter. Products of integers are exact, so that both
// ways give the same bits whatever their order of summation.
TEST(OpenBlas, ProductsOfTrainingAreCutByRows) {
#ifndef ESPALIER_OPENBLAS
  GTEST_SKIP() << "built without a path of OpenBLAS";
#else
  const ScopedOpenBlasPath path(ESPALIER_OPENBLAS);
  if (!OpenBlasIsAvailable()) GTEST_SKIP() << "cannot open " << ESPALIER_OPENBLAS;
  StopForcingCpuTarget();  // as tests before this one may have done
  constexpr std::int64_t kSize = 2048;
  constexpr std::int64_t kRows = kSize + 100;
  if (IsCpuTargetForced() || !OpenBlasServes(ActiveCpuTarget(), kRows, kSize, kSize)) {
    GTEST_SKIP() << "OpenBLAS serves nothing on this target, or one is forced";
  }
  ThreadPool::Shared().SetThreadCount(2);
  std::vector<float> a = RandomFloats(kRows * kSize, 1);
  std::vector<float> b = RandomFloats(kSize * kSize, 2);
  for (std::vector<float>* values : {&a, &b}) {
    for (float& value : *values) value = std::round(2.0f * value);
  }
  const MatrixRef left = MatrixRef::RowMajor(a.data(), kRows, kSize);
  const MatrixRef lefts[] = {left, MatrixRef::RowMajor(a.data(), kSize, kRows).Transposed()};
  const MatrixRef right = MatrixRef::RowMajor(b.data(), kSize, kSize);
  Workspace workspace(2, ParallelMatmulScratchFloats(kSize, kSize));
  for (const MatrixRef& matrix : lefts) {
    const std::int64_t stride = kSize + 3;  // what lies between the rows stays
    std::vector<float> ours(static_cast<std::size_t>(kRows * stride), -7.0f);
    std::vector<float> training = ours;
    ParallelMatmul(matrix, right, ours.data(), stride, {}, workspace);
    TrainingMatmul(matrix, right, training.data(), stride, {}, workspace);
    EXPECT_TRUE(SameBits(training, ours));
  }
#endif
}

TEST(OpenBlas, MultipliesAnyDenseLayout) {
#ifndef ESPALIER_OPENBLAS
  GTEST_SKIP() << "built without a path of OpenBLAS";
#else
  const ScopedOpenBlasPath path(ESPALIER_OPENBLAS);
  if (!OpenBlasIsAvailable()) GTEST_SKIP() << "cannot open " << ESPALIER_OPENBLAS;
  constexpr std::int64_t kM = 17;
  constexpr std::int64_t kN = 33;
  constexpr std::int64_t kK = 65;
  const std::vector<float> a = RandomFloats(kM * kK, 1);
  const std::vector<float> b = RandomFloats(kK * kN, 2);
  std::vector<float> a_columns(a.size());
  std::vector<float> b_columns(b.size());
  for (std::int64_t k = 0; k < kK; ++k) {
    for (std::int64_t i = 0; i < kM; ++i) a_columns[k * kM + i] = a[i * kK + k];
    for (std::int64_t j = 0; j < kN; ++j) b_columns[j * kK + k] = b[k * kN + j];
  }
  const MatrixRef lefts[] = {MatrixRef::RowMajor(a.data(), kM, kK),
                             MatrixRef::RowMajor(a_columns.data(), kK, kM).Transposed()};
  const MatrixRef rights[] = {MatrixRef::RowMajor(b.data(), kK, kN),
                              MatrixRef::RowMajor(b_columns.data(), kN, kK).Transposed()};
  for (const MatrixRef& left : lefts) {
    for (const MatrixRef& right : rights) {
      std::vector<float> c(kM * kN, -7.0f);
      OpenBlasMatmul(left, right, c.data(), kN);
      for (std::int64_t i = 0; i < kM; ++i) {
        for (std::int64_t j = 0; j < kN; ++j) {
          double sum = 0.0;
          double magnitude = 0.0;
          for (std::int64_t k = 0; k < kK; ++k) {
            const double product = double{a[i * kK + k]} * b[k * kN + j];
            sum += product;
            magnitude += std::abs(product);
          }
          EXPECT_NEAR(c[i * kN + j], sum, testing::SumTolerance(kK, magnitude));
        }
      }
    }
  }
#endif
}

}  // namespace
}  // namespace espalier
