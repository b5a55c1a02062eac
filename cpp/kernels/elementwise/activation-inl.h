// SPDX-License-Identifier: Apache-2.0

// Activations of vectors, for kernels that apply one to what they have in registers.

#if defined(ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#undef ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#else
#define ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#endif

#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/elementary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// λ and λ·α of selu: Klambauer et al., 2017, arXiv:1706.02515.
inline constexpr float kSeluScale = 1.05070098735548049f;
inline constexpr float kSeluNegativeScale = 1.75809934084737685f;

// min(max(x, 0), 6). Comparisons rather than Min and Max, which drop NaN on some targets.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ClampToSix(D d, V x) {
  const V six = hn::Set(d, 6.0f);
  const V positive = hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
  return hn::IfThenElse(hn::Gt(positive, six), six, positive);
}

// relu6(x + 3) / 6
template <class D, class V = hn::Vec<D>>
HWY_INLINE V HardSigmoid(D d, V x) {
  return hn::Mul(ClampToSix(d, hn::Add(x, hn::Set(d, 3.0f))), hn::Set(d, 1.0f / 6.0f));
}

// x > 0 ? scale·x : negative_scale·(exp(x) - 1)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ScaledElu(D d, V x, V scale, V negative_scale) {
  const auto is_positive = hn::Gt(x, hn::Zero(d));
  const V negative = ExpMinusOneOfNegative(d, hn::IfThenZeroElse(is_positive, x));
  return hn::IfThenElse(is_positive, hn::Mul(x, scale), hn::Mul(negative, negative_scale));
}

// activation(x), for a kind known at compile time; `slope` is that of leaky relu and elu.
template <Activation kKind, class D, class V = hn::Vec<D>>
HWY_INLINE V ActivateAs(D d, V x, V slope) {
  const V zero = hn::Zero(d);
  if constexpr (kKind == Activation::kRelu) {
    return hn::IfThenZeroElse(hn::Le(x, zero), x);
  } else if constexpr (kKind == Activation::kRelu6) {
    return ClampToSix(d, x);
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
  } else if constexpr (kKind == Activation::kHardSwish) {
    return hn::Mul(x, HardSigmoid(d, x));
  } else if constexpr (kKind == Activation::kHardSigmoid) {
    return HardSigmoid(d, x);
  } else if constexpr (kKind == Activation::kElu) {
    return ScaledElu(d, x, hn::Set(d, 1.0f), slope);
  } else if constexpr (kKind == Activation::kSelu) {
    return ScaledElu(d, x, hn::Set(d, kSeluScale), hn::Set(d, kSeluNegativeScale));
  } else if constexpr (kKind == Activation::kSoftplus) {
    return Softplus(d, x);
  } else if constexpr (kKind == Activation::kMish) {
    const MishParts<V> mish = MishPartsOf(d, x);
    return hn::Mul(x, hn::Div(mish.n, hn::Add(mish.n, hn::Set(d, 2.0f))));
  } else {
    return x;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
