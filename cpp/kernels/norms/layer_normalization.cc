// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/layer_normalization.h"

#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/layer_normalization.cc"
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

// The mean of term(lane's element, count) over a row, 0 in the lanes from count on.
template <class Term>
HWY_INLINE double MeanOf(const float* row, std::size_t columns, Term term) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  double total = 0.0;
  std::size_t j = 0;
  while (j + 4 * lanes <= columns) {
    V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    for (std::size_t i = 0; i < kBlock && j + 4 * lanes <= columns; ++i, j += 4 * lanes) {
      HWY_UNROLL(4)
      for (std::size_t v = 0; v < 4; ++v) {
        sums[v] = term(hn::LoadU(d, row + j + v * lanes), lanes, sums[v]);
      }
    }
    const V sum = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
    total += static_cast<double>(hn::ReduceSum(d, sum));
  }
  V sum = hn::Zero(d);
  for (; j < columns; j += lanes) {
    const std::size_t count = HWY_MIN(lanes, columns - j);
    sum = term(LoadFirst(d, row + j, count), count, sum);
  }
  total += static_cast<double>(hn::ReduceSum(d, sum));
  return total / static_cast<double>(columns);
}

void Moments(std::int64_t columns, std::int64_t first, std::int64_t last, const float* x,
             float* mean, float* variance) {
  const D d;
  const std::size_t width = static_cast<std::size_t>(columns);
  for (std::int64_t i = first; i < last; ++i) {
    const float* row = x + i * columns;
    mean[i] = static_cast<float>(MeanOf(
        row, width, [](V value, std::size_t, V sum) HWY_ATTR { return hn::Add(sum, value); }));
    const V center = hn::Set(d, mean[i]);
    variance[i] = static_cast<float>(
        MeanOf(row, width, [d, center](V value, std::size_t count, V sum) HWY_ATTR {
          const V centered = hn::IfThenElseZero(hn::FirstN(d, count), hn::Sub(value, center));
          return hn::MulAdd(centered, centered, sum);
        }));
  }
}

void Forward(const RowNormalization& n, std::int64_t first, std::int64_t last, const float* x,
             float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t columns = static_cast<std::size_t>(n.columns);
  for (std::int64_t row = first; row < last; ++row) {
    const std::size_t begin = static_cast<std::size_t>(row) * columns;
    const V mean = hn::Set(d, n.mean[row]);
    const V scale = hn::Set(d, 1.0f / std::sqrt(n.variance[row] + n.epsilon));
    for (std::size_t j = 0; j < columns; j += lanes) {
      const std::size_t count = HWY_MIN(lanes, columns - j);
      const V weight = LoadFirst(d, n.weight + j, count);
      const V bias = LoadFirst(d, n.bias + j, count);
      const V normalized = hn::Mul(hn::Sub(LoadFirst(d, x + begin + j, count), mean), scale);
      StoreFirst(hn::MulAdd(normalized, weight, bias), d, y + begin + j, count);
    }
  }
}

void Backward(const RowNormalization& n, std::int64_t first, std::int64_t last, const float* x,
              const float* grad_y, float* grad_x) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t columns = static_cast<std::size_t>(n.columns);
  for (std::int64_t row = first; row < last; ++row) {
    const std::size_t begin = static_cast<std::size_t>(row) * columns;
    const V mean = hn::Set(d, n.mean[row]);
    double sum = 0.0;
    double product = 0.0;
    for (std::size_t block = 0; block < columns; block += kBlock * lanes) {
      V sums = hn::Zero(d);
      V products = hn::Zero(d);
      for (std::size_t j = block; j < HWY_MIN(columns, block + kBlock * lanes); j += lanes) {
        // Lanes from count on: the gradient, and so both terms, are 0.
        const std::size_t count = HWY_MIN(lanes, columns - j);
        const V centered = hn::Sub(LoadFirst(d, x + begin + j, count), mean);
        const V h =
            hn::Mul(LoadFirst(d, grad_y + begin + j, count), LoadFirst(d, n.weight + j, count));
        sums = hn::Add(sums, h);
        products = hn::MulAdd(h, centered, products);
      }
      sum += static_cast<double>(hn::ReduceSum(d, sums));
      product += static_cast<double>(hn::ReduceSum(d, products));
    }
    const double inverse_variance = 1.0 / (static_cast<double>(n.variance[row]) + n.epsilon);
    const V scale = hn::Set(d, static_cast<float>(std::sqrt(inverse_variance)));
    const V average = hn::Set(d, static_cast<float>(sum / static_cast<double>(columns)));
    const V slope =
        hn::Set(d, static_cast<float>(product / static_cast<double>(columns) * inverse_variance));
    for (std::size_t j = 0; j < columns; j += lanes) {
      const std::size_t count = HWY_MIN(lanes, columns - j);
      const V centered = hn::Sub(LoadFirst(d, x + begin + j, count), mean);
      const V h =
          hn::Mul(LoadFirst(d, grad_y + begin + j, count), LoadFirst(d, n.weight + j, count));
      const V gradient = hn::NegMulAdd(centered, slope, hn::Sub(h, average));
      StoreFirst(hn::Mul(gradient, scale), d, grad_x + begin + j, count);
    }
  }
}

void BackwardParameters(const RowNormalization& n, std::int64_t rows, std::int64_t first,
                        std::int64_t last, const float* x, const float* grad_y, float* grad_weight,
                        float* grad_bias) {
  const D d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = first; j < last; j += lanes) {
    const std::size_t count = static_cast<std::size_t>(HWY_MIN(lanes, last - j));
    V weight_sum = hn::Zero(d);
    V bias_sum = hn::Zero(d);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t at = row * n.columns + j;
      const V grad = LoadFirst(d, grad_y + at, count);
      const V scale = hn::Set(d, 1.0f / std::sqrt(n.variance[row] + n.epsilon));
      const V centered = hn::Sub(LoadFirst(d, x + at, count), hn::Set(d, n.mean[row]));
      weight_sum = hn::MulAdd(grad, hn::Mul(centered, scale), weight_sum);
      bias_sum = hn::Add(bias_sum, grad);
    }
    if (grad_weight != nullptr) StoreFirst(weight_sum, d, grad_weight + j, count);
    if (grad_bias != nullptr) StoreFirst(bias_sum, d, grad_bias + j, count);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void RowMoments(std::int64_t columns, std::int64_t first, std::int64_t last, const float* x,
                float* mean, float* variance) {
  ESPALIER_KERNEL(Moments)(columns, first, last, x, mean, variance);
}

void NormalizeRows(const RowNormalization& normalization, std::int64_t first, std::int64_t last,
                   const float* x, float* y) {
  ESPALIER_KERNEL(Forward)(normalization, first, last, x, y);
}

void NormalizeRowsBackward(const RowNormalization& normalization, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(Backward)(normalization, first, last, x, grad_y, grad_x);
}

void NormalizeRowsBackwardParameters(const RowNormalization& normalization, std::int64_t rows,
                                     std::int64_t first, std::int64_t last, const float* x,
                                     const float* grad_y, float* grad_weight, float* grad_bias) {
  ESPALIER_KERNEL(BackwardParameters)
  (normalization, rows, first, last, x, grad_y, grad_weight, grad_bias);
}

}  // namespace espalier
#endif
