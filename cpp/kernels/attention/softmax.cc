// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/softmax.h"

#include <cmath>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/softmax.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/elementary-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// NaN may get lost here: the exponentials bring it back.
float GreatestOf(const float* x, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto least = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto greatest = least;
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto v = hn::IfThenElse(hn::FirstN(d, n), LoadFirst(d, x + i, n), least);
    greatest = hn::IfThenElse(hn::Gt(v, greatest), v, greatest);
  }
  return hn::ReduceMax(d, greatest);
}

// Returns Σ exp(x - greatest) in double; stores the terms unless `terms` is null.
double SumOfExponentials(const float* x, float greatest, size_t count, float* terms) {
  const hn::ScalableTag<float> d;
  const hn::RepartitionToWide<decltype(d)> dd;
  const size_t lanes = hn::Lanes(d);
  const auto shift = hn::Set(d, greatest);
  auto lower = hn::Zero(dd);
  auto upper = hn::Zero(dd);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto e = hn::IfThenElseZero(hn::FirstN(d, n),
                                      ExpOfNegative(d, hn::Sub(LoadFirst(d, x + i, n), shift)));
    lower = hn::Add(lower, hn::PromoteLowerTo(dd, e));
    upper = hn::Add(upper, hn::PromoteUpperTo(dd, e));
    if (terms != nullptr) StoreFirst(e, d, terms + i, n);
  }
  return hn::ReduceSum(dd, hn::Add(lower, upper));
}

void MultiplyBy(float factor, size_t count, float* x) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto factors = hn::Set(d, factor);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    StoreFirst(hn::Mul(LoadFirst(d, x + i, n), factors), d, x + i, n);
  }
}

void SoftmaxKernel(const float* logits, std::int64_t rows, size_t columns,
                   std::int64_t logits_stride, std::int64_t probabilities_stride,
                   float* probabilities) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = logits + row * logits_stride;
    float* y = probabilities + row * probabilities_stride;
    const double sum = SumOfExponentials(x, GreatestOf(x, columns), columns, y);
    MultiplyBy(static_cast<float>(1.0 / sum), columns, y);
  }
}

void LogSoftmaxKernel(const float* x, std::int64_t rows, size_t columns, float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (std::int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
    const float greatest = GreatestOf(x, columns);
    const double sum = SumOfExponentials(x, greatest, columns, nullptr);
    const auto greatests = hn::Set(d, greatest);
    const auto logarithm = hn::Set(d, static_cast<float>(std::log(sum)));
    for (size_t i = 0; i < columns; i += lanes) {
      const size_t n = HWY_MIN(lanes, columns - i);
      StoreFirst(hn::Sub(hn::Sub(LoadFirst(d, x + i, n), greatests), logarithm), d, y + i, n);
    }
  }
}

// The sum of values(i, n), vectors whose lanes from n on are 0, in double.
template <class Values>
HWY_INLINE float SumOf(size_t count, const Values& values) {
  const hn::ScalableTag<float> d;
  const hn::RepartitionToWide<decltype(d)> dd;
  const size_t lanes = hn::Lanes(d);
  auto lower = hn::Zero(dd);
  auto upper = hn::Zero(dd);
  for (size_t i = 0; i < count; i += lanes) {
    const auto v = values(i, HWY_MIN(lanes, count - i));
    lower = hn::Add(lower, hn::PromoteLowerTo(dd, v));
    upper = hn::Add(upper, hn::PromoteUpperTo(dd, v));
  }
  return static_cast<float>(hn::ReduceSum(dd, hn::Add(lower, upper)));
}

void SoftmaxBackwardKernel(const float* y, const float* grad_y, std::int64_t rows, size_t columns,
                           float* grad_x) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto mean = hn::Set(d, SumOf(columns, [&](size_t i, size_t n) HWY_ATTR {
                                return hn::Mul(LoadFirst(d, y + i, n), LoadFirst(d, grad_y + i, n));
                              }));
    for (size_t i = 0; i < columns; i += lanes) {
      const size_t n = HWY_MIN(lanes, columns - i);
      const auto centered = hn::Sub(LoadFirst(d, grad_y + i, n), mean);
      StoreFirst(hn::Mul(LoadFirst(d, y + i, n), centered), d, grad_x + i, n);
    }
    y += columns;
    grad_y += columns;
    grad_x += columns;
  }
}

void LogSoftmaxBackwardKernel(const float* y, const float* grad_y, std::int64_t rows,
                              size_t columns, float* grad_x) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto sum = hn::Set(d, SumOf(columns, [&](size_t i, size_t n) HWY_ATTR {
                               return LoadFirst(d, grad_y + i, n);
                             }));
    for (size_t i = 0; i < columns; i += lanes) {
      const size_t n = HWY_MIN(lanes, columns - i);
      const auto share = ExpOfNegative(d, LoadFirst(d, y + i, n));
      StoreFirst(hn::NegMulAdd(share, sum, LoadFirst(d, grad_y + i, n)), d, grad_x + i, n);
    }
    y += columns;
    grad_y += columns;
    grad_x += columns;
  }
}

double CrossEntropyKernel(const CrossEntropyRow& row) {
  const size_t count = static_cast<size_t>(row.columns);
  const size_t target = static_cast<size_t>(row.target);
  const double target_weight = row.class_weights == nullptr ? 1.0 : row.class_weights[target];
  const double target_logit = static_cast<double>(row.logits[target]);
  const double on = row.on * target_weight;
  const double all = on + row.off * row.class_weight_sum;  // W

  const float greatest = GreatestOf(row.logits, count);
  double off_logits = 0.0;  // Σ w·(greatest - z), before grad_logits may overwrite z
  if (row.off != 0.0) {
    for (size_t c = 0; c < count; ++c) {
      const double weight = row.class_weights == nullptr ? 1.0 : row.class_weights[c];
      off_logits += weight * (static_cast<double>(greatest) - static_cast<double>(row.logits[c]));
    }
  }
  const double sum = SumOfExponentials(row.logits, greatest, count, row.grad_logits);
  const double loss = all * std::log(sum) + on * (static_cast<double>(greatest) - target_logit) +
                      row.off * off_logits;
  if (row.grad_logits == nullptr) return loss;

  // p - 1 at the target as -(Σ of the others) / Σ: a difference of rounded probabilities would
  // have no digits left where the answer is nearly right.
  const double target_term = static_cast<double>(row.grad_logits[target]);
  const double target_grad =
      (row.off * row.class_weight_sum * target_term - on * (sum - target_term)) / sum;
  MultiplyBy(static_cast<float>(row.scale * all / sum), count, row.grad_logits);
  row.grad_logits[target] = static_cast<float>(row.scale * target_grad);
  if (row.off != 0.0) {
    for (size_t c = 0; c < count; ++c) {
      const double weight = row.class_weights == nullptr ? 1.0 : row.class_weights[c];
      row.grad_logits[c] -= static_cast<float>(row.scale * row.off * weight);
    }
  }
  return loss;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void Softmax(const float* logits, std::int64_t rows, std::int64_t columns,
             std::int64_t logits_stride, std::int64_t probabilities_stride, float* probabilities) {
  ESPALIER_KERNEL(SoftmaxKernel)
  (logits, rows, static_cast<std::size_t>(columns), logits_stride, probabilities_stride,
   probabilities);
}

void LogSoftmax(const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  ESPALIER_KERNEL(LogSoftmaxKernel)(x, rows, static_cast<std::size_t>(columns), y);
}

void SoftmaxBackward(const float* y, const float* grad_y, std::int64_t rows, std::int64_t columns,
                     float* grad_x) {
  ESPALIER_KERNEL(SoftmaxBackwardKernel)
  (y, grad_y, rows, static_cast<std::size_t>(columns), grad_x);
}

void LogSoftmaxBackward(const float* y, const float* grad_y, std::int64_t rows,
                        std::int64_t columns, float* grad_x) {
  ESPALIER_KERNEL(LogSoftmaxBackwardKernel)
  (y, grad_y, rows, static_cast<std::size_t>(columns), grad_x);
}

double SoftmaxCrossEntropy(const CrossEntropyRow& row) {
  return ESPALIER_KERNEL(CrossEntropyKernel)(row);
}

}  // namespace espalier
#endif  // HWY_ONCE
