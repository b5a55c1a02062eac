// SPDX-License-Identifier: Apache-2.0
#include "kernels/pooling/pooling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

PoolingGeometry Geometry(std::int64_t channels, std::int64_t height, std::int64_t width,
                         std::int64_t window, std::int64_t stride, std::int64_t pad) {
  return {.channels = channels,
          .height = height,
          .width = width,
          .output_height = (height + 2 * pad - window) / stride + 1,
          .output_width = (width + 2 * pad - window) / stride + 1,
          .window_height = window,
          .window_width = window,
          .stride_height = stride,
          .stride_width = stride,
          .pad_top = pad,
          .pad_left = pad,
          .counts_padding = true};
}

bool Same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Calls visit(output, input, place in the window) in the order of the window.
template <typename Visit>
void ForWindows(const PoolingGeometry& g, std::int64_t batch, Visit visit) {
  for (std::int64_t e = 0; e < batch; ++e) {
    for (std::int64_t oy = 0; oy < g.output_height; ++oy) {
      for (std::int64_t ox = 0; ox < g.output_width; ++ox) {
        for (std::int64_t c = 0; c < g.channels; ++c) {
          for (std::int64_t place = 0; place < g.window_height * g.window_width; ++place) {
            const std::int64_t y = oy * g.stride_height - g.pad_top + place / g.window_width;
            const std::int64_t x = ox * g.stride_width - g.pad_left + place % g.window_width;
            if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
            visit(((e * g.output_height + oy) * g.output_width + ox) * g.channels + c,
                  ((e * g.height + y) * g.width + x) * g.channels + c, place);
          }
        }
      }
    }
  }
}

std::uint32_t PlaceAt(const PoolingGeometry& g, const GuardedFloats& places_in, std::int64_t i) {
  GuardedFloats& places = const_cast<GuardedFloats&>(places_in);
  if (MaxPoolPlaceBytes(g) == 1) return reinterpret_cast<std::uint8_t*>(places.data())[i];
  return reinterpret_cast<std::uint32_t*>(places.data())[i];
}

// Against PyTorch's loop: the first maximum, or the last NaN.
void Check(const PoolingGeometry& g, std::int64_t batch, float special) {
  const std::int64_t inputs = batch * g.height * g.width * g.channels;
  const std::int64_t outputs = batch * g.output_height * g.output_width * g.channels;
  for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
    GuardedFloats x(At(inputs), side), y(At(outputs), side), bare(At(outputs), side);
    GuardedFloats average(At(outputs), side), grad_y(At(outputs), side), grad_x(At(inputs), side);
    GuardedFloats average_grad(At(inputs), side);
    GuardedFloats places(At((outputs * MaxPoolPlaceBytes(g) + 3) / 4), GuardSide::kBefore);
    for (std::int64_t i = 0; i < inputs; ++i) {
      x.data()[i] = i * 5 % 11 == 0 ? special : static_cast<float>(i * 7 % 5 - 2);
      grad_x.data()[i] = average_grad.data()[i] = kNan;
    }
    for (std::int64_t i = 0; i < outputs; ++i) {
      grad_y.data()[i] = static_cast<float>(i * 3 % 7 - 3);
    }
    const std::int64_t middle = batch * g.output_height / 3;
    for (const auto& [first, last] :
         {std::pair(std::int64_t{0}, middle), std::pair(middle, batch * g.output_height)}) {
      MaxPool(g, first, last, x.data(), y.data(), places.data());
      MaxPool(g, first, last, x.data(), bare.data(), nullptr);
      AveragePool(g, first, last, x.data(), average.data());
    }
    const std::int64_t grad_middle = batch * g.height / 3;
    for (const auto& [first, last] :
         {std::pair(std::int64_t{0}, grad_middle), std::pair(grad_middle, batch * g.height)}) {
      MaxPoolBackward(g, first, last, grad_y.data(), places.data(), grad_x.data());
      AveragePoolBackward(g, first, last, grad_y.data(), average_grad.data());
    }

    std::vector<float> best(At(outputs), -kInfinity), sum(At(outputs)), count(At(outputs));
    std::vector<std::int64_t> place(At(outputs), -1), from(At(outputs));
    ForWindows(g, batch, [&](std::int64_t out, std::int64_t in, std::int64_t at) {
      const float value = x.data()[in];
      if (place[At(out)] < 0 || value > best[At(out)] || std::isnan(value)) {
        best[At(out)] = value;
        place[At(out)] = at;
        from[At(out)] = in;
      }
      sum[At(out)] += value;
      count[At(out)] += 1.0f;
    });
    std::vector<double> expected_grad(At(inputs)), expected_average_grad(At(inputs));
    const auto divisor = [&](std::int64_t out) {
      return g.counts_padding ? static_cast<float>(g.window_height * g.window_width)
                              : count[At(out)];
    };
    for (std::int64_t i = 0; i < outputs; ++i) {
      ASSERT_TRUE(Same(y.data()[i], best[At(i)])) << y.data()[i] << " not " << best[At(i)];
      ASSERT_TRUE(Same(bare.data()[i], best[At(i)]));
      ASSERT_EQ(PlaceAt(g, places, i), static_cast<std::uint32_t>(place[At(i)])) << i;
      ASSERT_TRUE(Same(average.data()[i], sum[At(i)] / divisor(i))) << i;
      expected_grad[At(from[At(i)])] += static_cast<double>(grad_y.data()[i]);
    }
    ForWindows(g, batch, [&](std::int64_t out, std::int64_t in, std::int64_t) {
      expected_average_grad[At(in)] += static_cast<double>(grad_y.data()[out] / divisor(out));
    });
    for (std::int64_t i = 0; i < inputs; ++i) {
      ASSERT_EQ(static_cast<double>(grad_x.data()[i]), expected_grad[At(i)]) << i;
      ASSERT_NEAR(static_cast<double>(average_grad.data()[i]), expected_average_grad[At(i)], 2e-6)
          << i;
    }
  }
}

TEST(Pooling, EveryKindOfWindowWithSpecialValues) {
  const float specials[] = {kNan,
                            kInfinity,
                            -kInfinity,
                            0.0f,
                            -0.0f,
                            kDenormal,
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::lowest()};
  const PoolingGeometry windows[] = {Geometry(1, 4, 6, 2, 2, 0), Geometry(1, 5, 7, 3, 2, 1),
                                     Geometry(1, 5, 5, 3, 1, 1), Geometry(1, 7, 6, 2, 3, 1),
                                     Geometry(1, 6, 8, 4, 2, 2), Geometry(1, 3, 3, 1, 1, 0),
                                     Geometry(1, 3, 4, 3, 3, 0), Geometry(1, 18, 19, 17, 1, 3)};
  testing::ForEachCpuTarget([&] {
    std::size_t turn = 0;
    for (const PoolingGeometry& window : windows) {
      for (const std::int64_t channels : {1, 3, 4, 7, 8, 15, 16, 17, 33}) {
        PoolingGeometry g = window;
        g.channels = channels;
        for (const bool counts_padding : {true, false}) {
          g.counts_padding = counts_padding;
          Check(g, 2, specials[turn++ % std::size(specials)]);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
