// SPDX-License-Identifier: Apache-2.0
#include "kernels/pooling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "testing/cpu_targets.h"

namespace espalier {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

struct Result {
  float value;
  std::uint32_t index;
};

// PyTorch's loop: the first maximum, or the last NaN.
Result MaximumOf(const std::vector<float>& x, std::size_t begin, std::size_t end) {
  Result best = {-kInfinity, static_cast<std::uint32_t>(begin)};
  for (std::size_t i = begin; i < end; ++i) {
    if (x[i] > best.value || std::isnan(x[i])) best = {x[i], static_cast<std::uint32_t>(i)};
  }
  return best;
}

PoolingGeometry Row(std::size_t width, std::int64_t window, std::int64_t stride) {
  const std::int64_t size = static_cast<std::int64_t>(width);
  return {.height = 1,
          .width = size,
          .output_height = 1,
          .output_width = (size - window) / stride + 1,
          .window_height = 1,
          .window_width = window,
          .stride_height = 1,
          .stride_width = stride,
          .pad_top = 0,
          .pad_left = 0,
          .counts_padding = true};
}

bool Same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(Pooling, SpecialValuesInEveryLaneOfEveryLength) {
  const float specials[] = {kNan,
                            kInfinity,
                            -kInfinity,
                            0.0f,
                            -0.0f,
                            kDenormal,
                            -kDenormal,
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::lowest()};
  testing::ForEachCpuTarget([&] {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t window : {2, 3}) {
        for (std::size_t width = static_cast<std::size_t>(window); width <= 67; ++width) {
          const PoolingGeometry g = Row(width, window, stride);
          for (std::size_t lane = 0; lane < width; ++lane) {
            const float special = specials[(lane + width) % std::size(specials)];
            std::vector<float> x(width);
            for (std::size_t i = 0; i < width; ++i) {
              x[i] = static_cast<float>(static_cast<int>(i * 7 % 5) - 2);
            }
            x[lane] = special;
            const std::size_t outputs = static_cast<std::size_t>(g.output_width);
            std::vector<float> y(outputs + 1, -7.0f), average(outputs + 1, -7.0f), bare(outputs);
            std::vector<std::uint32_t> indices(outputs + 1, 77);
            MaxPool(g, 1, x.data(), y.data(), indices.data());
            MaxPool(g, 1, x.data(), bare.data(), nullptr);
            AveragePool(g, 1, x.data(), average.data());
            ASSERT_EQ(y.back(), -7.0f);
            ASSERT_EQ(average.back(), -7.0f);
            ASSERT_EQ(indices.back(), 77u);
            for (std::size_t o = 0; o < outputs; ++o) {
              const std::size_t begin = o * static_cast<std::size_t>(stride);
              const std::size_t end = begin + static_cast<std::size_t>(window);
              const Result expected = MaximumOf(x, begin, end);
              ASSERT_TRUE(Same(y[o], expected.value)) << y[o] << " not " << expected.value;
              ASSERT_TRUE(Same(bare[o], expected.value));
              ASSERT_EQ(indices[o], expected.index);
              float sum = 0.0f;
              for (std::size_t i = begin; i < end; ++i) sum += x[i];
              ASSERT_TRUE(Same(average[o], sum / static_cast<float>(window)));
            }
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
