// SPDX-License-Identifier: Apache-2.0

// Activations of vectors, for kernels that apply one to what they have in registers.

#if defined(ESPALIER_KERNELS_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_ACTIVATION_INL_H_
#undef ESPALIER_KERNELS_ACTIVATION_INL_H_
#else
#define ESPALIER_KERNELS_ACTIVATION_INL_H_
#endif

#include "kernels/activation.h"
#include "kernels/elementary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// activation(x), for a kind known at compile time. Comparisons rather than Min and Max,
// which drop NaN on some targets.
template <Activation kKind, class D, class V = hn::Vec<D>>
HWY_INLINE V ActivateAs(D d, V x, V slope) {
  const V zero = hn::Zero(d);
  if constexpr (kKind == Activation::kRelu) {
    return hn::IfThenZeroElse(hn::Le(x, zero), x);
  } else if constexpr (kKind == Activation::kRelu6) {
    const V six = hn::Set(d, 6.0f);
    const V positive = hn::IfThenZeroElse(hn::Le(x, zero), x);
    return hn::IfThenElse(hn::Gt(positive, six), six, positive);
  } else if constexpr (kKind == Activation::kLeakyRelu) {
    return hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(x, slope));
  } else if constexpr (kKind == Activation::kGelu) {
    V gaussian;
    return hn::Mul(x, NormalCdf(d, x, gaussian));
  } else if constexpr (kKind == Activation::kSilu) {
    return hn::Mul(x, Sigmoid(d, x));
  } else if constexpr (kKind == Activation::kSigmoid) {
    return Sigmoid(d, x);
  } else if constexpr (kKind == Activation::kTanh) {
    return Tanh(d, x);
  } else {
    return x;
  }
}

// activation(x); `slope` is leaky relu's.
template <class D, class V>
HWY_INLINE V Activate(D d, Activation kind, V x, V slope) {
  switch (kind) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return ActivateAs<Activation::kRelu>(d, x, slope);
    case Activation::kRelu6:
      return ActivateAs<Activation::kRelu6>(d, x, slope);
    case Activation::kLeakyRelu:
      return ActivateAs<Activation::kLeakyRelu>(d, x, slope);
    case Activation::kGelu:
      return ActivateAs<Activation::kGelu>(d, x, slope);
    case Activation::kSilu:
      return ActivateAs<Activation::kSilu>(d, x, slope);
    case Activation::kSigmoid:
      return ActivateAs<Activation::kSigmoid>(d, x, slope);
    case Activation::kTanh:
      return ActivateAs<Activation::kTanh>(d, x, slope);
  }
  return x;
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_ACTIVATION_INL_H_
