// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "testing/normal_floats.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

// One head among others: columns around it must stay as they are.
constexpr std::int64_t kGap = 3;

struct Problem {
  Problem(std::int64_t queries_in, std::int64_t keys_in, std::int64_t width_in, GuardSide side)
      : queries(queries_in),
        keys(keys_in),
        width(width_in),
        stride(width + kGap),
        q(Floats(queries, 1), side),
        k(Floats(keys, 2), side),
        v(Floats(keys, 3), side),
        grad_output(Floats(queries, 4), side),
        output(Untouched(queries), side),
        grad_q(Untouched(queries), side),
        grad_k(Untouched(keys), side),
        grad_v(Untouched(keys), side),
        log_sums(static_cast<std::size_t>(queries), side),
        means(static_cast<std::size_t>(queries), side),
        scratch(static_cast<std::size_t>(AttentionScratchFloats(width)), side) {}

  // Of rows, the last one without the gap behind it.
  std::size_t Size(std::int64_t rows) const {
    return static_cast<std::size_t>(rows * stride - kGap);
  }
  std::vector<float> Floats(std::int64_t rows, std::uint32_t stream) const {
    return testing::NormalFloats(Size(rows), {.seed = 51, .index = stream});
  }
  std::vector<float> Untouched(std::int64_t rows) const {
    return std::vector<float>(Size(rows), -7.0f);
  }

  AttentionHead Head() {
    return {.q = {q.data(), stride},
            .k = {k.data(), stride},
            .v = {v.data(), stride},
            .queries = queries,
            .keys = keys,
            .width = width,
            .scale = 0.5f,
            .is_causal = false};
  }

  void Run() {
    for (std::int64_t first = 0; first < queries; first += kAttentionQueries) {
      AttentionForward(Head(), first, std::min(queries, first + kAttentionQueries),
                       {output.data(), stride}, log_sums.data(), scratch.data());
    }
    AttentionBackward(
        Head(),
        {.output = {output.data(), stride},
         .grad_output = {grad_output.data(), stride},
         .log_sums = log_sums.data()},
        {.q = {grad_q.data(), stride}, .k = {grad_k.data(), stride}, .v = {grad_v.data(), stride}},
        means.data(), scratch.data());
  }

  double Expected(std::int64_t query, std::int64_t column) {
    double sum = 0.0;
    double result = 0.0;
    for (std::int64_t j = 0; j < keys; ++j) {
      double score = 0.0;
      for (std::int64_t d = 0; d < width; ++d) {
        score += static_cast<double>(q.data()[query * stride + d]) * k.data()[j * stride + d];
      }
      sum += std::exp(0.5 * score);
      result += std::exp(0.5 * score) * v.data()[j * stride + column];
    }
    return result / sum;
  }

  std::int64_t queries, keys, width, stride;
  GuardedFloats q, k, v, grad_output, output, grad_q, grad_k, grad_v, log_sums, means, scratch;
};

bool HasGaps(const Problem& p, GuardedFloats& floats) {
  for (std::size_t i = 0; i < floats.span().size(); ++i) {
    const bool is_gap = static_cast<std::int64_t>(i) % p.stride >= p.width;
    if (is_gap && floats.data()[i] != -7.0f) return false;
  }
  return true;
}

TEST(AttentionKernel, EqualsTheFormulaAtEveryWidthAndLength) {
  testing::ForEachCpuTarget([] {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      for (std::int64_t n = 1; n <= 40; ++n) {
        const std::int64_t keys = n % 5 == 0 ? 3 * n + 40 : 41 - n;
        Problem p(n % 7 == 0 ? 130 : n, keys, 1 + n * 3 % 37, side);
        p.Run();
        for (std::int64_t i = 0; i < p.queries; ++i) {
          for (std::int64_t d = 0; d < p.width; ++d) {
            ASSERT_TRUE(
                testing::IsClose(p.output.data()[i * p.stride + d], p.Expected(i, d), 2e-6, 1e-5))
                << n << " " << i << " " << d;
          }
        }
        for (GuardedFloats* floats : {&p.output, &p.grad_q, &p.grad_k, &p.grad_v}) {
          ASSERT_TRUE(HasGaps(p, *floats)) << n;
        }
      }
    }
  });
}

// As PyTorch: a score of +inf or NaN makes the query's output NaN; one of -inf counts for nothing,
// and NaN comes out where nothing else is.
TEST(AttentionKernel, InfiniteScores) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  testing::ForEachCpuTarget([&] {
    Problem p(1, 150, 1, GuardSide::kAfter);
    p.q.data()[0] = 1.0f;
    for (std::int64_t j = 0; j < p.keys; ++j) p.k.data()[j * p.stride] = 0.25f;
    for (std::int64_t j = 0; j < 140; ++j) p.k.data()[j * p.stride] = -kInfinity;
    p.Run();
    double mean = 0.0;
    for (std::int64_t j = 140; j < 150; ++j) mean += p.v.data()[j * p.stride] / 10.0;
    EXPECT_TRUE(testing::IsClose(p.output.data()[0], mean));
    for (std::int64_t j = 140; j < 150; ++j) p.k.data()[j * p.stride] = -kInfinity;
    p.Run();
    EXPECT_TRUE(std::isnan(p.output.data()[0]));
    for (const std::int64_t at : {0, 127, 128, 149}) {
      for (std::int64_t j = 0; j < p.keys; ++j) p.k.data()[j * p.stride] = 0.25f;
      p.k.data()[at * p.stride] = kInfinity;
      p.Run();
      EXPECT_TRUE(std::isnan(p.output.data()[0])) << at;
    }
  });
}

TEST(AttentionKernel, WithoutKeysOutputsAndGradientsAreZero) {
  Problem p(5, 1, 9, GuardSide::kAfter);
  p.keys = 0;
  p.Run();
  for (std::int64_t i = 0; i < 5; ++i) {
    for (std::int64_t d = 0; d < 9; ++d) {
      EXPECT_EQ(p.output.data()[i * p.stride + d], 0.0f);
      EXPECT_EQ(p.grad_q.data()[i * p.stride + d], 0.0f);
    }
  }
}

}  // namespace
}  // namespace espalier
