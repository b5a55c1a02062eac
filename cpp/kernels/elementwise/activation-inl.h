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

// sigmoid(slope·x + cubic·x³), in which ½·(1 + tanh(√(2/π)·(x + 0.044715·x³))) is the same:
// Hendrycks and Gimpel, 2016, arXiv:1606.08415.
inline constexpr float kGeluTanhSlope = 1.59576912160573071f;    // 2·√(2/π)
inline constexpr float kGeluTanhCubic = 0.0713548162726009527f;  // 0.044715 times that

template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanhGate(D d, V x) {
  const V factor =
      hn::MulAdd(hn::Mul(x, x), hn::Set(d, kGeluTanhCubic), hn::Set(d, kGeluTanhSlope));
  return Sigmoid(d, hn::Mul(x, factor));
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
  } else if constexpr (kKind == Activation::kGeluTanh) {
    return hn::Mul(x, GeluTanhGate(d, x));
  } else {
    return x;
  }
}

// The gradient by x of activation(x), given that by the result; `value` is the result or x,
// whichever the kind reads (HasGradientByResult).
template <Activation kKind, class D, class V = hn::Vec<D>>
HWY_INLINE V GradientAs(D d, V value, V grad, V slope) {
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0f);
  if constexpr (kKind == Activation::kRelu) {
    return hn::IfThenZeroElse(hn::Le(value, zero), grad);
  } else if constexpr (kKind == Activation::kRelu6) {
    return hn::IfThenZeroElse(hn::Or(hn::Le(value, zero), hn::Ge(value, hn::Set(d, 6.0f))), grad);
  } else if constexpr (kKind == Activation::kLeakyRelu) {
    return hn::IfThenElse(hn::Gt(value, zero), grad, hn::Mul(grad, slope));
  } else if constexpr (kKind == Activation::kGelu) {
    V gaussian;
    const V cdf = NormalCdf(d, value, gaussian);
    const V density = hn::Mul(gaussian, hn::Set(d, 0.398942280f));
    return hn::Mul(grad, hn::MulAdd(value, density, cdf));
  } else if constexpr (kKind == Activation::kSilu) {
    const V s = Sigmoid(d, value);
    return hn::Mul(grad, hn::Mul(s, hn::MulAdd(value, hn::Sub(one, s), one)));
  } else if constexpr (kKind == Activation::kSigmoid) {
    return hn::Mul(grad, hn::Mul(value, hn::Sub(one, value)));
  } else if constexpr (kKind == Activation::kTanh) {
    return hn::Mul(grad, hn::NegMulAdd(value, value, one));
  } else if constexpr (kKind == Activation::kHardSwish) {
    const V slanted = hn::Mul(grad, hn::MulAdd(value, hn::Set(d, 1.0f / 3.0f), hn::Set(d, 0.5f)));
    const V limited = hn::IfThenElse(hn::Ge(value, hn::Set(d, 3.0f)), grad, slanted);
    return hn::IfThenZeroElse(hn::Le(value, hn::Set(d, -3.0f)), limited);
  } else if constexpr (kKind == Activation::kHardSigmoid) {
    return hn::IfThenZeroElse(hn::Or(hn::Le(value, zero), hn::Ge(value, one)),
                              hn::Mul(grad, hn::Set(d, 1.0f / 6.0f)));
  } else if constexpr (kKind == Activation::kElu) {
    return hn::IfThenElse(hn::Gt(value, zero), grad, hn::Mul(grad, hn::Add(value, slope)));
  } else if constexpr (kKind == Activation::kSelu) {
    const V negative = hn::Add(value, hn::Set(d, kSeluNegativeScale));
    const V positive = hn::Set(d, kSeluScale);
    return hn::Mul(grad, hn::IfThenElse(hn::Gt(value, zero), positive, negative));
  } else if constexpr (kKind == Activation::kSoftplus) {
    // sigmoid(x) = 1 - exp(-y)
    return hn::Mul(hn::Neg(grad), ExpMinusOneOfNegative(d, hn::Neg(value)));
  } else if constexpr (kKind == Activation::kMish) {
    // With t = n / (n + 2): t + x·sigmoid(x)·(1 - t²), and sigmoid(x)·(1 - t²) is
    // 4e·(1 + e) / (n + 2)².
    const MishParts<V> mish = MishPartsOf(d, value);
    const V r = hn::Div(one, hn::Add(mish.n, hn::Set(d, 2.0f)));
    const V scale = hn::Mul(hn::Mul(r, r), hn::Mul(mish.e, hn::Add(mish.e, one)));
    const V rise = hn::Mul(mish.x, hn::Mul(scale, hn::Set(d, 4.0f)));
    return hn::Mul(grad, hn::MulAdd(mish.n, r, rise));
  } else if constexpr (kKind == Activation::kGeluTanh) {
    // s + x·s·(1 - s)·(slope + 3·cubic·x²), which is 0 or 1 long before ±16; x² must stay finite.
    const V limit = hn::Set(d, 16.0f);
    const V x = hn::IfThenElse(hn::Gt(hn::Abs(value), limit), hn::CopySign(limit, value), value);
    const V s = GeluTanhGate(d, x);
    const V rise =
        hn::MulAdd(hn::Mul(x, x), hn::Set(d, 3.0f * kGeluTanhCubic), hn::Set(d, kGeluTanhSlope));
    return hn::Mul(grad, hn::Mul(s, hn::MulAdd(hn::Mul(x, hn::Sub(one, s)), rise, one)));
  } else {
    return grad;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
