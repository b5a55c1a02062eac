// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

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

// softmax of one row by its formula, in float64.
std::vector<double> ExactSoftmax(const float* logits, std::size_t columns) {
  double greatest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < columns; ++i) {
    greatest = std::max(greatest, static_cast<double>(logits[i]));
  }
  std::vector<double> result(columns);
  double sum = 0.0;
  for (std::size_t i = 0; i < columns; ++i) {
    result[i] = std::exp(static_cast<double>(logits[i]) - greatest);
    sum += result[i];
  }
  for (double& value : result) value /= sum;
  return result;
}

// NaN and infinity at any place make the row NaN; all else, -infinity too, is as the formula has
// it. A row of nothing but -infinity is NaN.
TEST(Softmax, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats logits(Logits(length, 1.0), side), probabilities(length, side);
    const auto columns = static_cast<std::int64_t>(length);
    for (std::size_t lane = 0; lane < length; ++lane) {
      const float ordinary = logits.data()[lane];
      for (const float special : testing::kSpecialFloats) {
        logits.data()[lane] = special;
        const std::vector<double> expected = ExactSoftmax(logits.data(), length);
        Softmax(logits.data(), 1, columns, columns, columns, probabilities.data());
        ASSERT_EQ(
            testing::FirstFar(probabilities.ToVector(), expected, testing::kForwardRelative, 1e-37),
            -1)
            << special << " at " << lane;
        if (std::isnan(special) || special == kInfinity) {
          ASSERT_TRUE(std::isnan(probabilities.data()[0]));
        }
      }
      logits.data()[lane] = ordinary;
    }
  });
}

TEST(Softmax, LogarithmsOfSpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats logits(Logits(length, 1.0), side), logarithms(length, side);
    const auto columns = static_cast<std::int64_t>(length);
    for (std::size_t lane = 0; lane < length; ++lane) {
      const float ordinary = logits.data()[lane];
      for (const float special : testing::kSpecialFloats) {
        logits.data()[lane] = special;
        double greatest = -static_cast<double>(kInfinity);
        for (std::size_t i = 0; i < length; ++i) {
          greatest = std::max(greatest, static_cast<double>(logits.data()[i]));
        }
        double sum = 0.0;
        for (std::size_t i = 0; i < length; ++i) {
          sum += std::exp(static_cast<double>(logits.data()[i]) - greatest);
        }
        LogSoftmax(logits.data(), 1, columns, logarithms.data());
        for (std::size_t i = 0; i < length; ++i) {
          const double expected = static_cast<double>(logits.data()[i]) - greatest - std::log(sum);
          ASSERT_TRUE(testing::IsFloatOf(logarithms.data()[i], expected, 1e-6, 1e-6))
              << special << " at " << lane << " gave " << logarithms.data()[i];
        }
      }
      logits.data()[lane] = ordinary;
    }
  });
}

TEST(Softmax, GradientsAreThoseOfTheReferenceAtEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    constexpr std::int64_t kRows = 2;
    const std::size_t size = kRows * length;
    const auto columns = static_cast<std::int64_t>(length);
    GuardedFloats x(Logits(size, 2.0), side), grad_y(Logits(size, 1.0), side);
    GuardedFloats y(size, side), grad_x(size, side);
    for (const bool is_logarithm : {false, true}) {
      if (is_logarithm) {
        LogSoftmax(x.data(), kRows, columns, y.data());
        LogSoftmaxBackward(y.data(), grad_y.data(), kRows, columns, grad_x.data());
      } else {
        Softmax(x.data(), kRows, columns, columns, columns, y.data());
        SoftmaxBackward(y.data(), grad_y.data(), kRows, columns, grad_x.data());
      }
      for (std::size_t row = 0; row < kRows; ++row) {
        double sum = 0.0;
        const std::size_t begin = row * length;
        for (std::size_t i = begin; i < begin + length; ++i) {
          const double weight = is_logarithm ? 1.0 : static_cast<double>(y.data()[i]);
          sum += weight * static_cast<double>(grad_y.data()[i]);
        }
        for (std::size_t i = begin; i < begin + length; ++i) {
          const double value = static_cast<double>(y.data()[i]);
          const double grad = static_cast<double>(grad_y.data()[i]);
          const double expected =
              is_logarithm ? grad - std::exp(value) * sum : value * (grad - sum);
          ASSERT_NEAR(grad_x.data()[i], expected, 2e-6);
        }
      }
    }
  });
}

TEST(Softmax, CrossEntropyOfSpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats logits(Logits(length, 1.0), side), gradient(length, side);
    for (std::size_t lane = 0; lane < length; ++lane) {
      const float ordinary = logits.data()[lane];
      for (const float special : testing::kSpecialFloats) {
        logits.data()[lane] = special;
        const std::vector<double> probabilities = ExactSoftmax(logits.data(), length);
        for (const std::size_t target : {lane, (lane + 1) % length}) {
          const double loss =
              SoftmaxCrossEntropy({.logits = logits.data(),
                                   .grad_logits = gradient.data(),
                                   .columns = static_cast<std::int64_t>(length),
                                   .target = static_cast<std::int64_t>(target),
                                   .class_weight_sum = static_cast<double>(length)});
          std::vector<double> expected = probabilities;
          expected[target] -= 1.0;
          ASSERT_EQ(testing::FirstFar(gradient.ToVector(), expected, 1e-5, 1e-7), -1)
              << special << " at " << lane << ", target " << target;
          if (std::isnan(probabilities[0])) {
            ASSERT_FALSE(std::isfinite(loss)) << special << " at " << lane;
          } else if (probabilities[target] > 0.0) {
            ASSERT_NEAR(loss, -std::log(probabilities[target]), 1e-5);
          } else {
            // What is left of the sum beside the greatest logit.
            ASSERT_GE(loss, 104.0) << special << " at " << lane << ", target " << target;
            ASSERT_EQ(std::isinf(loss), logits.data()[target] == -kInfinity);
          }
        }
      }
      logits.data()[lane] = ordinary;
    }
  });
}

}  // namespace
}  // namespace espalier
