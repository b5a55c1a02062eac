// SPDX-License-Identifier: Apache-2.0

// Rows of floats as bytes, a range for each (matmul_int8.h).

#if defined(ESPALIER_KERNELS_MATMUL_QUANTIZE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_MATMUL_QUANTIZE_ROWS_INL_H_
#undef ESPALIER_KERNELS_MATMUL_QUANTIZE_ROWS_INL_H_
#else
#define ESPALIER_KERNELS_MATMUL_QUANTIZE_ROWS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/matmul/matmul_int8.h"
#include "kernels/matmul/matmul_int8_tile-inl.h"
#include "kernels/matmul/symmetric_bytes.h"
#include "kernels/rounding.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Int8FloatVector = hn::Vec<Int8Floats>;

// Of some rows, a lane each. First what is found in them, then what follows from it.
struct Int8RowGroup {
  static constexpr std::int64_t kRows = 16;
  HWY_ALIGN float least[kRows] = {};  // of a row's values and 0; NaN where one is not finite
  HWY_ALIGN float greatest[kRows] = {};
  HWY_ALIGN float inverse[kRows];  // of the scale; 0 where the row counts as 0
  HWY_ALIGN float scale[kRows];
  HWY_ALIGN std::int32_t zero[kRows];
};

HWY_INLINE void FindRange(const float* row, std::int64_t k, float& least, float& greatest) {
  const Int8Floats d;
  Int8FloatVector low = hn::Zero(d);
  Int8FloatVector high = low;
  Int8FloatVector differences = low;  // 0, or NaN where a value is not finite
  const auto extend = [&](Int8FloatVector x) {
    low = hn::Min(low, x);
    high = hn::Max(high, x);
    differences = hn::Add(differences, hn::Sub(x, x));
  };
  const std::int64_t whole = k / kInt8Lanes * kInt8Lanes;
  for (std::int64_t i = 0; i < whole; i += kInt8Lanes) extend(hn::LoadU(d, row + i));
  if (k > whole) extend(hn::LoadN(d, row + whole, static_cast<std::size_t>(k - whole)));
  const bool is_finite = hn::AllTrue(d, hn::Eq(differences, hn::Zero(d)));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  least = is_finite ? hn::ReduceMin(d, low) : kNan;
  greatest = is_finite ? hn::ReduceMax(d, high) : kNan;
}

// Each vector in halves of float64, since a range of floats may be no float.
HWY_INLINE void SettleRows(Int8RowGroup& group) {
  const Int8Floats d;
  const hn::RepartitionToWide<Int8Floats> wide;
  const hn::Half<Int8Floats> half;
  const Int8Sums di;
  const auto most = hn::Set(wide, kMostByte);
  for (std::int64_t r = 0; r < Int8RowGroup::kRows; r += kInt8Lanes) {
    const Int8FloatVector low = hn::Load(d, group.least + r);
    const Int8FloatVector high = hn::Load(d, group.greatest + r);
    const auto lower = hn::Sub(hn::PromoteLowerTo(wide, high), hn::PromoteLowerTo(wide, low));
    const auto upper = hn::Sub(hn::PromoteUpperTo(wide, high), hn::PromoteUpperTo(wide, low));
    const Int8FloatVector inverse = hn::Combine(d, hn::DemoteTo(half, hn::Div(most, upper)),
                                                hn::DemoteTo(half, hn::Div(most, lower)));
    const Int8FloatVector scale = hn::Combine(d, hn::DemoteTo(half, hn::Div(upper, most)),
                                              hn::DemoteTo(half, hn::Div(lower, most)));
    const auto counts_as_zero =
        hn::Lt(hn::Max(high, hn::Neg(low)), hn::Set(d, kLeastMagnitude));  // false for NaN
    const Int8FloatVector factor = hn::IfThenZeroElse(counts_as_zero, inverse);
    hn::Store(factor, d, group.inverse + r);
    hn::Store(hn::IfThenZeroElse(counts_as_zero, scale), d, group.scale + r);
    // The product is at most 127 and a rounding.
    const Int8SumVector zero = hn::NearestInt(hn::Mul(hn::Neg(low), factor));
    hn::Store(hn::Min(hn::Max(zero, hn::Zero(di)), hn::Set(di, 127)), di, group.zero + r);
  }
}

HWY_INLINE void WriteBytes(const float* row, std::int64_t k, float inverse, std::int32_t zero,
                           std::uint8_t* q) {
  const Int8Floats d;
  const Int8Sums di;
  const hn::Rebind<std::uint8_t, Int8Sums> bytes;
  // Beside it floats are whole numbers, rounded as NearestInt does, and their bits count on.
  const auto whole_numbers = hn::Set(d, 0x1.8p23f);
  const auto factor = hn::Set(d, inverse);
  const Int8SumVector offset = hn::Sub(hn::Set(di, zero), hn::BitCast(di, whole_numbers));
  const auto quantize = [&](Int8FloatVector x) {
    const auto rounded = hn::Add(hn::Mul(x, factor), whole_numbers);
    const Int8SumVector value = hn::Add(hn::BitCast(di, rounded), offset);
    return hn::DemoteTo(bytes, hn::Min(value, hn::Set(di, 127)));
  };
  const std::int64_t whole = k / kInt8Lanes * kInt8Lanes;
  for (std::int64_t i = 0; i < whole; i += kInt8Lanes) {
    hn::StoreU(quantize(hn::LoadU(d, row + i)), bytes, q + i);
  }
  if (k > whole) {
    const std::size_t rest = static_cast<std::size_t>(k - whole);
    hn::StoreN(quantize(hn::LoadN(d, row + whole, rest)), bytes, q + whole, rest);
  }
  for (std::int64_t i = k; i < RoundUp(k, kQuad); ++i) q[i] = 0;
}

// A group at a time: what one row waits for (its reductions, divisions), others don't.
inline void QuantizeRows(const float* a, std::int64_t a_stride, std::int64_t rows, std::int64_t k,
                         std::uint8_t* q, std::int64_t q_stride, Int8Row* quantized) {
  for (std::int64_t first = 0; first < rows; first += Int8RowGroup::kRows) {
    const std::int64_t count = HWY_MIN(rows - first, Int8RowGroup::kRows);
    Int8RowGroup group;
    for (std::int64_t r = 0; r < count; ++r) {
      FindRange(a + (first + r) * a_stride, k, group.least[r], group.greatest[r]);
    }
    SettleRows(group);
    for (std::int64_t r = 0; r < count; ++r) {
      quantized[first + r] = {.scale = group.scale[r], .zero = group.zero[r]};
      WriteBytes(a + (first + r) * a_stride, k, group.inverse[r], group.zero[r],
                 q + (first + r) * q_stride);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_MATMUL_QUANTIZE_ROWS_INL_H_
