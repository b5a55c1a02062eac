// SPDX-License-Identifier: Apache-2.0
#include "kernels/training/entry_loss.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/training/entry_loss.cc"
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

// σ and softplus(x) = log(1 + exp(x)) on both sides of 0, none of them by a difference, so
// that an answer that is nearly right keeps the digits of its small gradient.
template <class V>
struct Logistic {
  V sigmoid;            // σ(z)
  V negative_sigmoid;   // σ(-z)
  V softplus;           // -log σ(-z)
  V negative_softplus;  // -log σ(z)
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Logistic<V> LogisticOf(D d, V z) {
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0f);
  const V e = ExpOfNegative(d, hn::Neg(hn::Abs(z)));
  const V larger = hn::Div(one, hn::Add(one, e));
  const V smaller = hn::Mul(e, larger);
  const V log1p = Log1pOfUnit(d, e);
  const auto positive = hn::Gt(z, zero);
  return {hn::IfThenElse(positive, larger, smaller), hn::IfThenElse(positive, smaller, larger),
          hn::Add(hn::IfThenElse(positive, z, zero), log1p),
          hn::Add(hn::IfThenElse(positive, zero, hn::Neg(z)), log1p)};
}

// Loss of one vector of entries; sets `grad` to its derivative by z.
template <EntryLoss kKind, class D, class V = hn::Vec<D>>
HWY_INLINE V LossOf(D d, const EntryLossSettings& settings, V z, V y, V positive_weight, V& grad) {
  if constexpr (kKind == EntryLoss::kSquared) {
    const V difference = hn::Sub(z, y);
    grad = hn::Add(difference, difference);
    return hn::Mul(difference, difference);
  } else if constexpr (kKind == EntryLoss::kHuber) {
    const V difference = hn::Sub(z, y);
    const V delta = hn::Set(d, settings.delta);
    const V half = hn::Set(d, 0.5f);
    const V size = hn::Abs(difference);
    grad = hn::IfThenElse(hn::Gt(size, delta), hn::CopySign(delta, difference), difference);
    return hn::IfThenElse(hn::Gt(size, delta), hn::Mul(delta, hn::NegMulAdd(half, delta, size)),
                          hn::Mul(half, hn::Mul(difference, difference)));
  } else {
    const V one = hn::Set(d, 1.0f);
    const V smooth =
        hn::MulAdd(y, hn::Set(d, 1.0f - settings.smoothing), hn::Set(d, settings.smoothing * 0.5f));
    V yes = hn::Mul(smooth, positive_weight);
    V no = hn::Sub(one, smooth);
    const Logistic<V> logistic = LogisticOf(d, z);
    if constexpr (kKind == EntryLoss::kLogistic) {
      grad = hn::Sub(hn::Mul(no, logistic.sigmoid), hn::Mul(yes, logistic.negative_sigmoid));
      return hn::MulAdd(no, logistic.softplus, hn::Mul(yes, logistic.negative_softplus));
    } else {
      // σ^γ = exp(γ·log σ): the logarithms are there already.
      const V gamma = hn::Set(d, settings.gamma);
      const V minus_gamma = hn::Neg(gamma);
      yes = hn::Mul(hn::Mul(yes, hn::Set(d, settings.positive_alpha)),
                    Exp(d, hn::Mul(minus_gamma, logistic.softplus)));
      no = hn::Mul(hn::Mul(no, hn::Set(d, settings.negative_alpha)),
                   Exp(d, hn::Mul(minus_gamma, logistic.negative_softplus)));
      const V yes_slope = hn::MulAdd(hn::Mul(gamma, logistic.sigmoid), logistic.negative_softplus,
                                     logistic.negative_sigmoid);
      const V no_slope = hn::MulAdd(hn::Mul(gamma, logistic.negative_sigmoid), logistic.softplus,
                                    logistic.sigmoid);
      grad = hn::Sub(hn::Mul(no, no_slope), hn::Mul(yes, yes_slope));
      return hn::MulAdd(no, logistic.softplus, hn::Mul(yes, logistic.negative_softplus));
    }
  }
}

// Which of the first n <= Lanes(d) entries are labelled.
template <class D>
HWY_INLINE hn::Mask<D> LabelledOf(D d, const float* targets, const std::uint8_t* mask, size_t n) {
  const auto within = hn::FirstN(d, n);
  if (mask == nullptr) {
    return hn::And(within, hn::Not(hn::IsNaN(LoadFirst(d, targets, n))));
  }
  const hn::Rebind<std::uint8_t, D> d8;
  const hn::RebindToUnsigned<D> du;
  const auto known = hn::PromoteTo(du, LoadFirst(d8, mask, n));
  return hn::And(within, hn::RebindMask(d, hn::Ne(known, hn::Zero(du))));
}

template <EntryLoss kKind>
void ComputeAs(const EntryLossSettings& settings, const EntryBlock& block, EntryColumns& columns) {
  const hn::ScalableTag<float> d;
  const hn::RepartitionToWide<decltype(d)> dd;
  const size_t lanes = hn::Lanes(d);
  const size_t width = static_cast<size_t>(block.columns);
  for (size_t j = 0; j < width; ++j) columns.loss_sums[j] = 0.0;
  // Padding up to whole vectors takes zeros and is never read.
  for (size_t j = width; j < static_cast<size_t>(kEntryBlockColumns); ++j) {
    columns.loss_sums[j] = 0.0;
  }
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const float* logits = block.logits + row * block.logits_stride;
    const float* targets = block.targets + row * block.targets_stride;
    const std::uint8_t* mask =
        block.mask == nullptr ? nullptr : block.mask + row * block.targets_stride;
    float* grads =
        block.grad_logits == nullptr ? nullptr : block.grad_logits + row * block.logits_stride;
    for (size_t j = 0; j < width; j += lanes) {
      const size_t n = HWY_MIN(lanes, width - j);
      const auto labelled = LabelledOf(d, targets + j, mask == nullptr ? nullptr : mask + j, n);
      auto grad = hn::Zero(d);
      const auto loss = hn::IfThenElseZero(
          labelled,
          LossOf<kKind>(d, settings, LoadFirst(d, logits + j, n), LoadFirst(d, targets + j, n),
                        hn::Load(d, columns.positive_weights + j), grad));
      double* sums = columns.loss_sums + j;
      const size_t half = lanes / 2;
      hn::Store(hn::Add(hn::Load(dd, sums), hn::PromoteLowerTo(dd, loss)), dd, sums);
      hn::Store(hn::Add(hn::Load(dd, sums + half), hn::PromoteUpperTo(dd, loss)), dd, sums + half);
      if (grads != nullptr) {
        const auto scaled = hn::Mul(grad, hn::Load(d, columns.gradient_scales + j));
        StoreFirst(hn::IfThenElseZero(labelled, scaled), d, grads + j, n);
      }
    }
  }
}

void ComputeEntryLossKernel(const EntryLossSettings& settings, const EntryBlock& block,
                            EntryColumns& columns) {
  switch (settings.kind) {
    case EntryLoss::kLogistic:
      return ComputeAs<EntryLoss::kLogistic>(settings, block, columns);
    case EntryLoss::kFocal:
      return ComputeAs<EntryLoss::kFocal>(settings, block, columns);
    case EntryLoss::kSquared:
      return ComputeAs<EntryLoss::kSquared>(settings, block, columns);
    case EntryLoss::kHuber:
      return ComputeAs<EntryLoss::kHuber>(settings, block, columns);
  }
}

void CountLabelledKernel(const EntryBlock& block, std::int32_t* counts) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  const size_t width = static_cast<size_t>(block.columns);
  for (size_t j = 0; j < width; j += lanes) {
    const size_t n = HWY_MIN(lanes, width - j);
    auto count = hn::Zero(di);
    for (std::int64_t row = 0; row < block.rows; ++row) {
      const std::int64_t at = row * block.targets_stride + static_cast<std::int64_t>(j);
      const auto labelled =
          LabelledOf(d, block.targets + at, block.mask == nullptr ? nullptr : block.mask + at, n);
      // A true lane is -1.
      count = hn::Sub(count, hn::VecFromMask(di, hn::RebindMask(di, labelled)));
    }
    StoreFirst(count, di, counts + j, n);
  }
}

std::int64_t ListLabelledKernel(const float* targets, const std::uint8_t* mask, size_t count,
                                std::int32_t first, std::int32_t* places) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  std::int32_t* next = places;
  const auto list = [&](size_t i, auto labelled) HWY_ATTR {
    const auto entries = hn::RebindMask(di, labelled);
    // Not CompressStore, which takes a hundred cycles on some AVX-512 CPUs.
    const auto place = hn::Iota(di, first + static_cast<std::int32_t>(i));
    hn::StoreU(hn::Compress(place, entries), di, next);
    next += hn::CountTrue(di, entries);
  };
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto labelled0 = LabelledOf(d, targets + i, mask == nullptr ? nullptr : mask + i, lanes);
    const auto labelled1 =
        LabelledOf(d, targets + i + lanes, mask == nullptr ? nullptr : mask + i + lanes, lanes);
    if (hn::AllFalse(d, hn::Or(labelled0, labelled1))) continue;
    list(i, labelled0);
    list(i + lanes, labelled1);
  }
  for (; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    list(i, LabelledOf(d, targets + i, mask == nullptr ? nullptr : mask + i, n));
  }
  return next - places;
}

bool TargetsInRangeKernel(const float* targets, const std::uint8_t* mask, size_t count, float least,
                          float greatest) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, least);
  const auto high = hn::Set(d, greatest);
  const auto bad_of = [&](size_t i, size_t n) HWY_ATTR {
    const auto labelled = LabelledOf(d, targets + i, mask == nullptr ? nullptr : mask + i, n);
    const auto y = LoadFirst(d, targets + i, n);
    return hn::AndNot(hn::And(hn::Ge(y, low), hn::Le(y, high)), labelled);
  };
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto bad = hn::Or(hn::Or(bad_of(i, lanes), bad_of(i + lanes, lanes)),
                            hn::Or(bad_of(i + 2 * lanes, lanes), bad_of(i + 3 * lanes, lanes)));
    if (!hn::AllFalse(d, bad)) return false;
  }
  for (; i < count; i += lanes) {
    if (!hn::AllFalse(d, bad_of(i, HWY_MIN(lanes, count - i)))) return false;
  }
  return true;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void CountLabelled(const EntryBlock& block, std::int32_t counts[kEntryBlockColumns]) {
  ESPALIER_KERNEL(CountLabelledKernel)(block, counts);
}

std::int64_t ListLabelled(const float* targets, const std::uint8_t* mask, std::int64_t count,
                          std::int32_t first, std::int32_t* places) {
  return ESPALIER_KERNEL(ListLabelledKernel)(targets, mask, static_cast<std::size_t>(count), first,
                                             places);
}

void ComputeEntryLoss(const EntryLossSettings& settings, const EntryBlock& block,
                      EntryColumns& columns) {
  ESPALIER_KERNEL(ComputeEntryLossKernel)(settings, block, columns);
}

bool TargetsInRange(const float* targets, const std::uint8_t* mask, std::int64_t count, float least,
                    float greatest) {
  return ESPALIER_KERNEL(TargetsInRangeKernel)(targets, mask, static_cast<std::size_t>(count),
                                               least, greatest);
}

}  // namespace espalier
#endif  // HWY_ONCE
