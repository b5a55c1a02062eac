// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::SameBits;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> Logits(std::size_t count, double spread) {
  Random random({.seed = 21, .index = static_cast<std::uint32_t>(count)});
  std::vector<float> logits;
  for (std::size_t i = 0; i < count; ++i) {
    logits.push_back(static_cast<float>(spread * random.NextNormal()));
  }
  return logits;
}

std::vector<float> SoftmaxOf(const std::vector<float>& logits) {
  std::vector<float> result(logits.size());
  const auto columns = static_cast<std::int64_t>(logits.size());
  Softmax(logits.data(), 1, columns, columns, columns, result.data());
  return result;
}

TEST(Softmax, EqualsTheReferenceAtEverySize) {
  testing::ForEachCpuTarget([] {
    for (const std::size_t columns : {1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 1000}) {
      for (const double spread : {0.1, 3.0, 40.0}) {
        const std::vector<float> logits = Logits(columns, spread);
        const double greatest = *std::max_element(logits.begin(), logits.end());
        double sum = 0.0;
        for (const float logit : logits) sum += std::exp(logit - greatest);
        std::vector<double> expected;
        for (const float logit : logits) expected.push_back(std::exp(logit - greatest) / sum);
        EXPECT_EQ(testing::FirstFar(SoftmaxOf(logits), expected, testing::kForwardRelative, 1e-9),
                  -1)
            << columns << " columns, spread " << spread;
      }
    }
  });
}

// Of the logits 0 and x <= 0: what remains of exp(x) beside a sum that hardly rounds.
TEST(Softmax, IsAccurateToAFewUnitsInTheLastPlace) {
  testing::ForEachCpuTarget([] {
    testing::WorstUlp worst;
    for (const float size : testing::FloatsOfEverySize()) {
      const float x = -std::abs(size);
      const float logits[] = {0.0f, x};
      float probabilities[2];
      Softmax(logits, 1, 2, 2, 2, probabilities);
      const double e = std::exp(static_cast<double>(x));
      worst.Add(x, probabilities[1], e / (1.0 + e));
    }
    EXPECT_LE(worst.error, 2.5) << "at " << worst.at;
    RecordProperty(std::string(CpuTargetName(ActiveCpuTarget())) + "_ulp",
                   std::to_string(worst.error));
  });
}

TEST(Softmax, RowsDoNotDependOnTheirPlace) {
  testing::ForEachCpuTarget([] {
    for (const std::size_t columns : {1, 3, 10, 17, 33}) {
      constexpr std::size_t kRows = 5;
      const std::size_t stride = columns + 2;
      const std::vector<float> row = Logits(columns, 3.0);
      const std::vector<float> alone = SoftmaxOf(row);
      std::vector<float> batch(kRows * stride, 9.0f);
      for (std::size_t i = 0; i < kRows; ++i) {
        std::copy(row.begin(), row.end(), batch.begin() + static_cast<std::ptrdiff_t>(i * stride));
      }
      Softmax(batch.data(), kRows, static_cast<std::int64_t>(columns),
              static_cast<std::int64_t>(stride), static_cast<std::int64_t>(stride), batch.data());
      for (std::size_t i = 0; i < kRows; ++i) {
        const auto begin = batch.begin() + static_cast<std::ptrdiff_t>(i * stride);
        EXPECT_TRUE(SameBits(
            std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(columns)), alone));
        EXPECT_EQ(begin[static_cast<std::ptrdiff_t>(columns)], 9.0f);  // between the rows
      }
    }
  });
}

TEST(Softmax, NaNAndInfinityShowAtEveryPlace) {
  testing::ForEachCpuTarget([] {
    for (std::size_t columns = 1; columns <= 35; ++columns) {
      for (std::size_t at = 0; at < columns; ++at) {
        for (const float bad : {kNaN, kInfinity}) {
          std::vector<float> logits = Logits(columns, 1.0);
          logits[at] = bad;
          for (const float value : SoftmaxOf(logits))
            ASSERT_FALSE(std::isfinite(value) && value != 0.0f);
          ASSERT_TRUE(std::isnan(SoftmaxOf(logits)[at]));
          CrossEntropyRow row{.logits = logits.data(),
                              .columns = static_cast<std::int64_t>(columns),
                              .class_weight_sum = static_cast<double>(columns)};
          ASSERT_FALSE(std::isfinite(SoftmaxCrossEntropy(row))) << columns << " " << at;
        }
      }
    }
  });
}

TEST(Softmax, MinusInfinityIsProbabilityZero) {
  testing::ForEachCpuTarget([] {
    std::vector<float> logits(17, 0.0f);
    logits[3] = -kInfinity;
    const std::vector<float> result = SoftmaxOf(logits);
    EXPECT_EQ(result[3], 0.0f);
    EXPECT_FLOAT_EQ(result[16], 1.0f / 16.0f);
  });
}

}  // namespace
}  // namespace espalier
