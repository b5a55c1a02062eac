// SPDX-License-Identifier: Apache-2.0

// The register tile of products of bytes: a few rows of A times a few vectors of columns.

#if defined(ESPALIER_KERNELS_MATMUL_MATMUL_INT8_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_MATMUL_MATMUL_INT8_TILE_INL_H_
#undef ESPALIER_KERNELS_MATMUL_MATMUL_INT8_TILE_INL_H_
#else
#define ESPALIER_KERNELS_MATMUL_MATMUL_INT8_TILE_INL_H_
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/elementwise/activation-inl.h"
#include "kernels/matmul/matmul_int8.h"
#include "kernels/vectors/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Int8Sums = hn::ScalableTag<std::int32_t>;
using Int8SumVector = hn::Vec<Int8Sums>;
using Int8Floats = hn::RebindToFloat<Int8Sums>;
using Int8Bytes = hn::Repartition<std::int8_t, Int8Sums>;
using Int8UnsignedBytes = hn::Repartition<std::uint8_t, Int8Sums>;
inline constexpr int kInt8Lanes = static_cast<int>(hn::MaxLanes(Int8Sums()));

// Sums, a broadcast, two vectors of B, and without VNNI ones and a product, in the registers.
inline constexpr bool kHasByteDots = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
inline constexpr int kInt8TileRows = kHasByteDots ? 14 : 12;
#elif HWY_ARCH_X86
inline constexpr int kInt8TileRows = 5;
#else
inline constexpr int kInt8TileRows = 10;
#endif
inline constexpr int kInt8TileVectors = 2;
inline constexpr int kInt8PanelColumns = kInt8TileVectors * kInt8Lanes;
inline constexpr std::int64_t kQuad = 4;  // k that a lane of a sum takes at a time

struct Int8Tile;

// Writes `rows` rows of sums, `vectors` vectors each, as the floats that they stand for.
using StoreInt8Function = void (*)(const Int8Tile& tile, int rows, int vectors,
                                   const std::int32_t* sums);

struct Int8Tile {
  StoreInt8Function store;
  const std::uint8_t* a;
  std::int64_t a_stride;  // bytes from row to row
  std::int64_t quads;     // of k
  const std::int8_t* b;   // [quads][columns of a panel][kQuad], its panels panel_stride bytes apart
  std::int64_t panel_stride;
  const Int8Row* rows;
  const float* scales;
  const std::int32_t* sums;
  const float* bias;      // or null
  const float* residual;  // or null
  std::int64_t residual_stride;
  float slope;  // of leaky relu
  float* c;
  std::int64_t c_stride;
  std::size_t last_lanes;  // columns in the last vector
};

// sum[i] += a[4i]·b[4i] + … + a[4i + 3]·b[4i + 3], for a in 0 … 127.
HWY_INLINE Int8SumVector AddQuads(Int8SumVector sum, hn::Vec<Int8UnsignedBytes> a,
                                  hn::Vec<Int8Bytes> b) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  return hn::SumOfMulQuadAccumulate(Int8Sums(), a, b, sum);
#elif HWY_TARGET_IS_NEON
  const int8x16_t left = vreinterpretq_s8_u8(a.raw);
  const int16x8_t low = vmull_s8(vget_low_s8(left), vget_low_s8(b.raw));
  const int16x8_t high = vmull_high_s8(left, b.raw);
  return Int8SumVector{vpadalq_s16(sum.raw, vpaddq_s16(low, high))};
#else
  const hn::Repartition<std::int16_t, Int8Sums> pairs;
  return hn::Add(sum, hn::WidenMulPairwiseAdd(Int8Sums(), hn::SatWidenMulPairwiseAdd(pairs, a, b),
                                              hn::Set(pairs, 1)));
#endif
}

// kRows rows of A where they lie: four of them from one pointer.
template <int kRows>
class Int8Rows {
 public:
  explicit Int8Rows(const Int8Tile& tile) : stride_(tile.a_stride), stride3_(3 * stride_) {
    for (int i = 0; i < kPointers; ++i) at_[i] = tile.a + 4 * i * stride_;
  }
  HWY_INLINE std::int32_t At(int row) const {
    const std::uint8_t* at = at_[row / 4];
    switch (row % 4) {
      case 0:
        return Read(at);
      case 1:
        return Read(at + stride_);
      case 2:
        return Read(at + 2 * stride_);
      default:
        return Read(at + stride3_);
    }
  }
  HWY_INLINE void Advance() {
    HWY_UNROLL(4)
    for (int i = 0; i < kPointers; ++i) at_[i] += kQuad;
  }

 private:
  static constexpr int kPointers = (kRows + 3) / 4;
  static HWY_INLINE std::int32_t Read(const std::uint8_t* at) {
    std::int32_t quad;
    std::memcpy(&quad, at, sizeof(quad));
    return quad;
  }

  std::int64_t stride_, stride3_;
  const std::uint8_t* at_[kPointers];
};

// One vector of each row; of a partial one no more is read or written than there are columns.
template <Activation kKind, bool kIsWhole>
HWY_INLINE void StoreInt8Column(const Int8Tile& tile, int rows, std::int64_t column,
                                const std::int32_t* sums, int sums_stride) {
  const Int8Sums di;
  const Int8Floats df;
  const std::size_t lanes = kIsWhole ? static_cast<std::size_t>(kInt8Lanes) : tile.last_lanes;
  const auto column_scale = hn::LoadU(df, tile.scales + column);
  const Int8SumVector column_sum = hn::LoadU(di, tile.sums + column);
  const auto bias = tile.bias != nullptr ? LoadFirst(df, tile.bias + column, lanes) : hn::Zero(df);
  const auto slope = hn::Set(df, tile.slope);
  const Int8Row* row = tile.rows;
  const std::int64_t c_stride = tile.c_stride;
  const std::int64_t residual_stride = tile.residual_stride;
  const float* residual = tile.residual != nullptr ? tile.residual + column : nullptr;
  float* c = tile.c + column;
  for (const Int8Row* const end = row + rows; row < end; ++row) {
    const Int8SumVector sum =
        hn::Sub(hn::Load(di, sums), hn::Mul(hn::Set(di, row->zero), column_sum));
    auto value = hn::Mul(hn::Mul(hn::ConvertTo(df, sum), hn::Set(df, row->scale)), column_scale);
    value = hn::Add(value, bias);
    if (residual != nullptr) {
      value = hn::Add(value, LoadFirst(df, residual, lanes));
      residual += residual_stride;
    }
    value = ActivateAs<kKind>(df, value, slope);
    StoreFirst(value, df, c, lanes);
    sums += sums_stride;
    c += c_stride;
  }
}

template <Activation kKind>
void StoreInt8SumsAs(const Int8Tile& tile, int rows, int vectors, const std::int32_t* sums) {
  const int whole = tile.last_lanes == kInt8Lanes ? vectors : vectors - 1;
  const int stride = vectors * kInt8Lanes;
  for (int v = 0; v < whole; ++v) {
    const int column = v * kInt8Lanes;
    StoreInt8Column<kKind, true>(tile, rows, column, sums + column, stride);
  }
  if (whole < vectors) {
    const int column = whole * kInt8Lanes;
    StoreInt8Column<kKind, false>(tile, rows, column, sums + column, stride);
  }
}

// A few instructions, which take place in registers. Longer ones are faster a row at a time, from
// L1.
constexpr bool IsShort(Activation kind) {
  return kind == Activation::kNone || kind == Activation::kRelu || kind == Activation::kRelu6 ||
         kind == Activation::kLeakyRelu || kind == Activation::kHardSwish ||
         kind == Activation::kHardSigmoid;
}

constexpr Activation InRegisters(Activation kind) {
  return IsShort(kind) ? kind : Activation::kNone;
}

template <std::size_t... kKinds>
constexpr std::array<StoreInt8Function, sizeof...(kKinds)> AllInt8Stores(
    std::index_sequence<kKinds...>) {
  return {StoreInt8SumsAs<InRegisters(static_cast<Activation>(kKinds))>...};
}
// By value of Activation; those that are not short are left to the caller.
inline constexpr auto kInt8Stores = AllInt8Stores(std::make_index_sequence<kActivations.size()>());

template <int kRows, int kVectors, int kPanels>
void MultiplyInt8Tile(const Int8Tile& tile) {
  constexpr int kAll = kVectors * kPanels;
  const Int8Sums di;
  Int8SumVector sums[kRows][kAll];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) sums[r][v] = hn::Zero(di);
  }
  Int8Rows<kRows> a(tile);
  const std::int8_t* HWY_RESTRICT b = tile.b;
  constexpr std::int64_t kVectorBytes = kInt8Lanes * kQuad;
  for (std::int64_t quad = tile.quads; quad > 0; --quad) {
    hn::Vec<Int8Bytes> columns[kAll];
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) {
      columns[v] = hn::LoadU(
          Int8Bytes(), b + (v / kVectors) * tile.panel_stride + (v % kVectors) * kVectorBytes);
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const auto row = hn::BitCast(Int8UnsignedBytes(), hn::Set(di, a.At(r)));
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) sums[r][v] = AddQuads(sums[r][v], row, columns[v]);
    }
    a.Advance();
    b += kVectors * kVectorBytes;
  }
  // By way of memory: sums that a loop reads by index would lie there all the time.
  HWY_ALIGN std::int32_t all[kRows * kAll * kInt8Lanes];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) hn::Store(sums[r][v], di, all + (r * kAll + v) * kInt8Lanes);
  }
  tile.store(tile, kRows, kAll, all);
}

using Int8TileFunction = void (*)(const Int8Tile&);

// kInt8Tiles<…>[rows - 1].
template <int kVectors>
inline constexpr Int8TileFunction kInt8Tiles[] = {
    MultiplyInt8Tile<1, kVectors, 1>,  MultiplyInt8Tile<2, kVectors, 1>,
    MultiplyInt8Tile<3, kVectors, 1>,  MultiplyInt8Tile<4, kVectors, 1>,
    MultiplyInt8Tile<5, kVectors, 1>,
#if HWY_TARGET <= HWY_AVX3 || !HWY_ARCH_X86
    MultiplyInt8Tile<6, kVectors, 1>,  MultiplyInt8Tile<7, kVectors, 1>,
    MultiplyInt8Tile<8, kVectors, 1>,  MultiplyInt8Tile<9, kVectors, 1>,
    MultiplyInt8Tile<10, kVectors, 1>,
#if HWY_ARCH_X86
    MultiplyInt8Tile<11, kVectors, 1>, MultiplyInt8Tile<12, kVectors, 1>,
#endif
#if HWY_TARGET <= HWY_AVX3_DL && HWY_ARCH_X86
    MultiplyInt8Tile<13, kVectors, 1>, MultiplyInt8Tile<14, kVectors, 1>,
#endif
#endif
};

// Two panels side by side for up to kInt8WideRows rows, four for a single one: few sums alone would
// wait for each other.
inline constexpr Int8TileFunction kInt8PairTiles[] = {
    MultiplyInt8Tile<1, kInt8TileVectors, 2>, MultiplyInt8Tile<2, kInt8TileVectors, 2>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    MultiplyInt8Tile<3, kInt8TileVectors, 2>, MultiplyInt8Tile<4, kInt8TileVectors, 2>,
    MultiplyInt8Tile<5, kInt8TileVectors, 2>, MultiplyInt8Tile<6, kInt8TileVectors, 2>,
#endif
};
inline constexpr Int8TileFunction kInt8QuadTile = MultiplyInt8Tile < 1, kInt8TileVectors,
                                  kHasByteDots ? 4 : 2 > ;
inline constexpr int kInt8QuadPanels = kHasByteDots ? 4 : 2;
inline constexpr std::int64_t kInt8WideRows = sizeof(kInt8PairTiles) / sizeof(Int8TileFunction);

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_MATMUL_MATMUL_INT8_TILE_INL_H_
