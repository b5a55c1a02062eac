// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/activation.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/activation.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Full vectors and the tail go through the same lane code.
template <Activation kKind>
void ForwardAs(float slope, const float* x, size_t count, float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto slopes = hn::Set(d, slope);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(ActivateAs<kKind>(d, hn::LoadU(d, x + i), slopes), d, y + i);
  }
  const size_t rest = count - i;
  if (rest != 0) {
    hn::StoreN(ActivateAs<kKind>(d, hn::LoadN(d, x + i, rest), slopes), d, y + i, rest);
  }
}

template <Activation kKind>
void BackwardAs(float slope, const float* value, const float* grad_y, size_t count, float* grad_x) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto slopes = hn::Set(d, slope);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(GradientAs<kKind>(d, hn::LoadU(d, value + i), hn::LoadU(d, grad_y + i), slopes), d,
               grad_x + i);
  }
  const size_t rest = count - i;
  if (rest != 0) {
    hn::StoreN(
        GradientAs<kKind>(d, hn::LoadN(d, value + i, rest), hn::LoadN(d, grad_y + i, rest), slopes),
        d, grad_x + i, rest);
  }
}

using ForwardFunction = void (*)(float, const float*, size_t, float*);

ForwardFunction ChooseForward(Activation kind) {
  switch (kind) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      return ForwardAs<Activation::kRelu>;
    case Activation::kRelu6:
      return ForwardAs<Activation::kRelu6>;
    case Activation::kLeakyRelu:
      return ForwardAs<Activation::kLeakyRelu>;
    case Activation::kGelu:
      return ForwardAs<Activation::kGelu>;
    case Activation::kSilu:
      return ForwardAs<Activation::kSilu>;
    case Activation::kSigmoid:
      return ForwardAs<Activation::kSigmoid>;
    case Activation::kTanh:
      return ForwardAs<Activation::kTanh>;
    case Activation::kHardSwish:
      return ForwardAs<Activation::kHardSwish>;
    case Activation::kHardSigmoid:
      return ForwardAs<Activation::kHardSigmoid>;
    case Activation::kElu:
      return ForwardAs<Activation::kElu>;
    case Activation::kSelu:
      return ForwardAs<Activation::kSelu>;
    case Activation::kSoftplus:
      return ForwardAs<Activation::kSoftplus>;
    case Activation::kMish:
      return ForwardAs<Activation::kMish>;
  }
  return ForwardAs<Activation::kNone>;
}

void Forward(Activation kind, float slope, const float* x, size_t count, float* y) {
  ChooseForward(kind)(slope, x, count, y);
}

void ForwardRows(Activation kind, float slope, size_t rows, size_t columns, float* y,
                 std::ptrdiff_t stride) {
  const ForwardFunction forward = ChooseForward(kind);
  for (size_t row = 0; row < rows; ++row, y += stride) forward(slope, y, columns, y);
}

void Backward(Activation kind, float slope, const float* value, const float* grad_y, size_t count,
              float* grad_x) {
  switch (kind) {
    case Activation::kNone:
      return BackwardAs<Activation::kNone>(slope, value, grad_y, count, grad_x);
    case Activation::kRelu:
      return BackwardAs<Activation::kRelu>(slope, value, grad_y, count, grad_x);
    case Activation::kRelu6:
      return BackwardAs<Activation::kRelu6>(slope, value, grad_y, count, grad_x);
    case Activation::kLeakyRelu:
      return BackwardAs<Activation::kLeakyRelu>(slope, value, grad_y, count, grad_x);
    case Activation::kGelu:
      return BackwardAs<Activation::kGelu>(slope, value, grad_y, count, grad_x);
    case Activation::kSilu:
      return BackwardAs<Activation::kSilu>(slope, value, grad_y, count, grad_x);
    case Activation::kSigmoid:
      return BackwardAs<Activation::kSigmoid>(slope, value, grad_y, count, grad_x);
    case Activation::kTanh:
      return BackwardAs<Activation::kTanh>(slope, value, grad_y, count, grad_x);
    case Activation::kHardSwish:
      return BackwardAs<Activation::kHardSwish>(slope, value, grad_y, count, grad_x);
    case Activation::kHardSigmoid:
      return BackwardAs<Activation::kHardSigmoid>(slope, value, grad_y, count, grad_x);
    case Activation::kElu:
      return BackwardAs<Activation::kElu>(slope, value, grad_y, count, grad_x);
    case Activation::kSelu:
      return BackwardAs<Activation::kSelu>(slope, value, grad_y, count, grad_x);
    case Activation::kSoftplus:
      return BackwardAs<Activation::kSoftplus>(slope, value, grad_y, count, grad_x);
    case Activation::kMish:
      return BackwardAs<Activation::kMish>(slope, value, grad_y, count, grad_x);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void ActivationForward(Activation activation, float slope, const float* x, std::int64_t count,
                       float* y) {
  ESPALIER_KERNEL(Forward)(activation, slope, x, static_cast<std::size_t>(count), y);
}

void ActivateRows(Activation activation, float slope, std::int64_t rows, std::int64_t columns,
                  float* y, std::int64_t stride) {
  ESPALIER_KERNEL(ForwardRows)
  (activation, slope, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), y, stride);
}

void ActivationBackward(Activation activation, float slope, const float* x, const float* y,
                        const float* grad_y, std::int64_t count, float* grad_x) {
  const float* const value = activation == Activation::kNone   ? grad_y
                             : HasGradientByResult(activation) ? y
                                                               : x;
  ESPALIER_KERNEL(Backward)
  (activation, slope, value, grad_y, static_cast<std::size_t>(count), grad_x);
}

}  // namespace espalier
#endif
