// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/rms_normalization.h"

#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/rms_normalization.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr std::size_t kBlock = 64;  // terms added up in float before the sum goes on in double

// The mean of add(j, count, sum) - sum over a row; lanes from count on have to add 0.
template <class Add>
HWY_INLINE double MeanOf(std::size_t columns, Add add) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  double total = 0.0;
  std::size_t j = 0;
  while (j + 4 * lanes <= columns) {
    V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    for (std::size_t i = 0; i < kBlock && j + 4 * lanes <= columns; ++i, j += 4 * lanes) {
      HWY_UNROLL(4)
      for (std::size_t v = 0; v < 4; ++v) sums[v] = add(j + v * lanes, lanes, sums[v]);
    }
    const V sum = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
    total += static_cast<double>(hn::ReduceSum(d, sum));
  }
  V sum = hn::Zero(d);
  for (; j < columns; j += lanes) sum = add(j, HWY_MIN(lanes, columns - j), sum);
  total += static_cast<double>(hn::ReduceSum(d, sum));
  return total / static_cast<double>(columns);
}

void Forward(const RmsNormalization& n, std::int64_t first, std::int64_t last, const float* x,
             float* y, float* scales) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t columns = static_cast<std::size_t>(n.columns);
  for (std::int64_t row = first; row < last; ++row) {
    const float* from = x + row * n.columns;
    float* to = y + row * n.columns;
    const double mean =
        MeanOf(columns, [d, from](std::size_t j, std::size_t count, V sum) HWY_ATTR {
          const V value = LoadFirst(d, from + j, count);
          return hn::MulAdd(value, value, sum);
        });
    const float scale = static_cast<float>(1.0 / std::sqrt(mean + n.epsilon));
    if (scales != nullptr) scales[row] = scale;
    const V scale_vector = hn::Set(d, scale);
    for (std::size_t j = 0; j < columns; j += lanes) {
      const std::size_t count = HWY_MIN(lanes, columns - j);
      const V normalized = hn::Mul(LoadFirst(d, from + j, count), scale_vector);
      StoreFirst(hn::Mul(normalized, LoadFirst(d, n.weight + j, count)), d, to + j, count);
    }
  }
}

void Backward(const RmsNormalization& n, std::int64_t first, std::int64_t last, const float* x,
              const float* scales, const float* grad_y, float* grad_x) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t columns = static_cast<std::size_t>(n.columns);
  for (std::int64_t row = first; row < last; ++row) {
    const float* values = x + row * n.columns;
    const float* grads = grad_y + row * n.columns;
    float* to = grad_x + row * n.columns;
    const float* weight = n.weight;
    const double mean = MeanOf(columns, [=](std::size_t j, std::size_t count, V sum) HWY_ATTR {
      const V h = hn::Mul(LoadFirst(d, grads + j, count), LoadFirst(d, weight + j, count));
      return hn::MulAdd(h, LoadFirst(d, values + j, count), sum);
    });
    const double scale = static_cast<double>(scales[row]);
    const V scale_vector = hn::Set(d, scales[row]);
    const V slope = hn::Set(d, static_cast<float>(mean * scale * scale));
    for (std::size_t j = 0; j < columns; j += lanes) {
      const std::size_t count = HWY_MIN(lanes, columns - j);
      const V h = hn::Mul(LoadFirst(d, grads + j, count), LoadFirst(d, weight + j, count));
      const V gradient = hn::NegMulAdd(LoadFirst(d, values + j, count), slope, h);
      StoreFirst(hn::Mul(gradient, scale_vector), d, to + j, count);
    }
  }
}

void BackwardWeight(const RmsNormalization& n, std::int64_t rows, std::int64_t first,
                    std::int64_t last, const float* x, const float* scales, const float* grad_y,
                    float* grad_weight) {
  const D d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = first; j < last; j += lanes) {
    const std::size_t count = static_cast<std::size_t>(HWY_MIN(lanes, last - j));
    V sum = hn::Zero(d);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t at = row * n.columns + j;
      const V normalized = hn::Mul(LoadFirst(d, x + at, count), hn::Set(d, scales[row]));
      sum = hn::MulAdd(LoadFirst(d, grad_y + at, count), normalized, sum);
    }
    StoreFirst(sum, d, grad_weight + j, count);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void RmsNormalizeRows(const RmsNormalization& normalization, std::int64_t first, std::int64_t last,
                      const float* x, float* y, float* scale) {
  ESPALIER_KERNEL(Forward)(normalization, first, last, x, y, scale);
}

void RmsNormalizeRowsBackward(const RmsNormalization& normalization, std::int64_t first,
                              std::int64_t last, const float* x, const float* scale,
                              const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(Backward)(normalization, first, last, x, scale, grad_y, grad_x);
}

void RmsNormalizeRowsBackwardWeight(const RmsNormalization& normalization, std::int64_t rows,
                                    std::int64_t first, std::int64_t last, const float* x,
                                    const float* scale, const float* grad_y, float* grad_weight) {
  ESPALIER_KERNEL(BackwardWeight)
  (normalization, rows, first, last, x, scale, grad_y, grad_weight);
}

}  // namespace espalier
#endif
