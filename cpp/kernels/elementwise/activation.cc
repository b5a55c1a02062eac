// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/activation.h"

#include <array>
#include <cstddef>
#include <utility>

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
using BackwardFunction = void (*)(float, const float*, const float*, size_t, float*);

// By value of Activation.
template <size_t... kKinds>
constexpr std::array<ForwardFunction, sizeof...(kKinds)> AllForward(
    std::index_sequence<kKinds...>) {
  return {ForwardAs<static_cast<Activation>(kKinds)>...};
}
template <size_t... kKinds>
constexpr std::array<BackwardFunction, sizeof...(kKinds)> AllBackward(
    std::index_sequence<kKinds...>) {
  return {BackwardAs<static_cast<Activation>(kKinds)>...};
}
using EveryKind = std::make_index_sequence<kActivations.size()>;
constexpr auto kForward = AllForward(EveryKind());
constexpr auto kBackward = AllBackward(EveryKind());

ForwardFunction ChooseForward(Activation kind) { return kForward[static_cast<size_t>(kind)]; }

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
  kBackward[static_cast<size_t>(kind)](slope, value, grad_y, count, grad_x);
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
