// SPDX-License-Identifier: Apache-2.0

// The register tile of matrix products: a few rows of A times a few vectors of B, summed
// over all given k in one chain of multiply-adds for each element.

#if defined(ESPALIER_KERNELS_MATMUL_MATMUL_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_MATMUL_MATMUL_TILE_INL_H_
#undef ESPALIER_KERNELS_MATMUL_MATMUL_TILE_INL_H_
#else
#define ESPALIER_KERNELS_MATMUL_MATMUL_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using TileTag = hn::ScalableTag<float>;
using TileVector = hn::Vec<TileTag>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(TileTag()));

// A tile is kTileRows x 2 vectors: with 32 registers 28 sums, 2 vectors of B and a broadcast;
// with 16 registers 12 sums. Two vectors wide because N is often a multiple of 32.
inline constexpr bool kHas32Registers = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86;
inline constexpr int kTileVectors = 2;
inline constexpr int kTileRows = kHas32Registers ? 14 : 6;
inline constexpr int kPanelColumns = kTileVectors * kLanes;

struct TileArguments {
  const float* a;
  std::int64_t a_stride;  // AdjacentRows: floats from k to k; StridedRows: from row to row
  std::int64_t segments;
  std::int64_t segment_stride;  // floats from segment to segment of A
  std::int64_t depth;           // k of one segment
  const float* b;               // [k][vectors * lanes], its panels panel_stride apart
  std::int64_t b_stride;        // floats from k to k
  std::int64_t panel_stride;
  std::int64_t panel_columns;  // of C from panel to panel, with all that is added to it
  const float* ahead;          // of a cache line to ask for with each k, or null
  float* copy;                 // for what is read of B, packed, or null
  float* c;
  std::int64_t c_stride;
  std::int64_t last_lanes;  // columns in the last vector, 1 to kLanes
  const float* row_bias;
  const float* column_bias;
  const float* start;  // what sums begin with, or null: 0
  std::int64_t start_stride;
  bool is_rectified;  // negative sums become 0, sums above `most` become it
  float most;
};

// kRows rows of A side by side. One segment.
template <int kRows>
class AdjacentRows {
 public:
  explicit AdjacentRows(const TileArguments& tile) : a_(tile.a), stride_(tile.a_stride) {}
  static std::int64_t Stride(const TiledProduct& product) { return product.a_k_stride; }
  HWY_INLINE float At(int row) const { return a_[row]; }
  HWY_INLINE void Advance() { a_ += stride_; }
  HWY_INLINE void NextSegment(const TileArguments&) {}

 private:
  const float* HWY_RESTRICT a_;
  std::int64_t stride_;
};

// kRows rows of A where they lie. The addresses are two pointers plus 1, 2, 4 times one of
// three strides: fewer registers than a pointer for each row.
template <int kRows>
class StridedRows {
 public:
  explicit StridedRows(const TileArguments& tile)
      : stride_(tile.a_stride * static_cast<std::int64_t>(sizeof(float))),
        stride3_(3 * stride_),
        stride5_(5 * stride_) {
    SetRows(tile.a);
  }
  static std::int64_t Stride(const TiledProduct& product) { return product.a_row_stride; }
  HWY_INLINE float At(int row) const {
    const char* from = row < kHalf ? low_ : high_;
    switch (row % kHalf) {
      case 0:
        return Read(from);
      case 1:
        return Read(from + stride_);
      case 2:
        return Read(from + 2 * stride_);
      case 3:
        return Read(from + stride3_);
      case 4:
        return Read(from + 4 * stride_);
      case 5:
        return Read(from + stride5_);
      default:
        return Read(from + 2 * stride3_);
    }
  }
  HWY_INLINE void Advance() {
    low_ += sizeof(float);
    high_ += sizeof(float);
  }
  HWY_INLINE void NextSegment(const TileArguments& tile) {
    const std::int64_t bytes =
        (tile.segment_stride - tile.depth) * static_cast<std::int64_t>(sizeof(float));
    low_ += bytes;
    high_ += bytes;
  }

 private:
  static constexpr int kHalf = 7;
  static HWY_INLINE float Read(const char* from) { return *reinterpret_cast<const float*>(from); }
  void SetRows(const float* a) {
    low_ = reinterpret_cast<const char*>(a);
    high_ = kRows > kHalf ? low_ + kHalf * stride_ : low_;
  }

  std::int64_t stride_, stride3_, stride5_;  // bytes
  const char* low_;
  const char* high_;
};

// B in floats.
struct FloatColumns {
  static constexpr std::int64_t kPanelWords = kPanelColumns;  // of 4 bytes, for each k
  static constexpr std::int64_t kNarrowWords = kLanes;
  static HWY_INLINE TileVector Load(TileTag d, const float* panel, int vector) {
    return hn::LoadU(d, panel + vector * kLanes);
  }
};

// B in bfloat16: a word holds a column of the first vector below, one of the second above.
struct Bf16Columns {
  static constexpr std::int64_t kPanelWords = kLanes;
  static constexpr std::int64_t kNarrowWords = kLanes;
  static HWY_INLINE TileVector Load(TileTag d, const float* panel, int vector) {
    const hn::RebindToUnsigned<TileTag> du;
    const auto words = hn::LoadU(du, reinterpret_cast<const std::uint32_t*>(panel));
    return hn::BitCast(
        d, vector == 0 ? hn::ShiftLeft<16>(words) : hn::And(words, hn::Set(du, 0xFFFF0000u)));
  }
};

// Rows up to which a tile is several panels wide; see kWideTiles.
inline constexpr int kWideRows = kHas32Registers ? 7 : 2;
inline constexpr std::int64_t kLineFloats = 16;

// What a tile does while it multiplies. Asking for a line in vain costs as much as asking for one
// that is missing; stores of a copy find free places among so many multiply-adds.
enum class Besides { kNothing, kAsksAhead, kCopies };

// The sum over all k.
template <template <int> class Rows, class Columns, int kRows, int kVectors, int kPanels,
          Besides kBesides>
HWY_INLINE void AddProducts(const TileArguments& tile,
                            TileVector (&sums)[kRows][kVectors * kPanels]) {
  constexpr int kAll = kVectors * kPanels;
  const TileTag d;
  Rows<kRows> a(tile);
  const float* HWY_RESTRICT b = tile.b;
  const std::int64_t b_stride = tile.b_stride;
  const std::int64_t panel_stride = tile.panel_stride;
  const float* ahead = tile.ahead;
  float* HWY_RESTRICT copy = tile.copy;
  for (std::int64_t segment = tile.segments;;) {
    for (std::int64_t k = tile.depth; k > 0; --k) {
      TileVector columns[kAll];
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) {
        columns[v] = Columns::Load(d, b + (v / kVectors) * panel_stride, v % kVectors);
      }
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) {
        const TileVector row = hn::Set(d, a.At(r));
        HWY_UNROLL(16)
        for (int v = 0; v < kAll; ++v) sums[r][v] = hn::MulAdd(row, columns[v], sums[r][v]);
      }
      a.Advance();
      b += b_stride;
      if constexpr (kBesides == Besides::kAsksAhead) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += kLineFloats;
      }
      if constexpr (kBesides == Besides::kCopies) {
        HWY_UNROLL(16)
        for (int v = 0; v < kAll; ++v) hn::StoreU(columns[v], d, copy + v * kLanes);
        copy += kPanelColumns;
      }
    }
    if (--segment <= 0) break;
    a.NextSegment(tile);
  }
}

// Comparisons rather than Min and Max, which drop NaN on some targets.
template <class D>
HWY_INLINE hn::Vec<D> Rectify(D d, hn::Vec<D> sum, float most) {
  const hn::Vec<D> upper = hn::Set(d, most);
  sum = hn::IfThenZeroElse(hn::Le(sum, hn::Zero(d)), sum);
  return hn::IfThenElse(hn::Gt(sum, upper), upper, sum);
}

// kRows x (kPanels * kVectors) vectors of C. Several panels at once keep enough loads of B
// under way where few rows share them.
template <template <int> class Rows, class Columns, int kRows, int kVectors, int kPanels>
void MultiplyTile(const TileArguments& tile) {
  constexpr int kAll = kVectors * kPanels;
  const auto column = [&](int vector) {
    return (vector / kVectors) * tile.panel_columns + (vector % kVectors) * kLanes;
  };
  const TileTag d;
  const std::size_t last = static_cast<std::size_t>(tile.last_lanes);
  const bool is_full = tile.last_lanes == kLanes;
  TileVector sums[kRows][kAll];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) sums[r][v] = hn::Zero(d);
  }
  if (tile.start != nullptr) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const float* start = tile.start + r * tile.start_stride;
      HWY_UNROLL(16)
      for (int v = 0; v < kAll - 1; ++v) sums[r][v] = hn::LoadU(d, start + column(v));
      const float* end = start + column(kAll - 1);
      sums[r][kAll - 1] = is_full ? hn::LoadU(d, end) : hn::LoadN(d, end, last);
    }
  }
  if (tile.row_bias != nullptr) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const TileVector bias = hn::Set(d, tile.row_bias[r]);
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) sums[r][v] = hn::Add(sums[r][v], bias);
    }
  }
  if (tile.column_bias != nullptr) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) {
      const float* from = tile.column_bias + column(v);
      const TileVector bias =
          v + 1 < kAll || is_full ? hn::LoadU(d, from) : hn::LoadN(d, from, last);
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) sums[r][v] = hn::Add(sums[r][v], bias);
    }
  }

  // The first of several tiles has half the most rows or more.
  constexpr bool kMayCopy = kRows >= kTileRows / 2 && kPanels == 1 && kVectors == kTileVectors &&
                            Columns::kPanelWords == kPanelColumns;
  if (kRows > kWideRows && tile.ahead != nullptr) {
    AddProducts<Rows, Columns, kRows, kVectors, kPanels, Besides::kAsksAhead>(tile, sums);
  } else if (kMayCopy && tile.copy != nullptr) {
    AddProducts<Rows, Columns, kRows, kVectors, kPanels, Besides::kCopies>(tile, sums);
  } else {
    AddProducts<Rows, Columns, kRows, kVectors, kPanels, Besides::kNothing>(tile, sums);
  }

  if (tile.is_rectified) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) sums[r][v] = Rectify(d, sums[r][v], tile.most);
    }
  }
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    float* c = tile.c + r * tile.c_stride;
    HWY_UNROLL(16)
    for (int v = 0; v < kAll - 1; ++v) hn::StoreU(sums[r][v], d, c + column(v));
    float* end = c + column(kAll - 1);
    if (is_full) {
      hn::StoreU(sums[r][kAll - 1], d, end);
    } else {
      hn::StoreN(sums[r][kAll - 1], d, end, last);
    }
  }
}

using TileFunction = void (*)(const TileArguments&);

// kTiles<…>[rows - 1].
template <template <int> class Rows, class Columns, int kVectors>
inline constexpr TileFunction kTiles[] = {
    MultiplyTile<Rows, Columns, 1, kVectors, 1>,  MultiplyTile<Rows, Columns, 2, kVectors, 1>,
    MultiplyTile<Rows, Columns, 3, kVectors, 1>,  MultiplyTile<Rows, Columns, 4, kVectors, 1>,
    MultiplyTile<Rows, Columns, 5, kVectors, 1>,  MultiplyTile<Rows, Columns, 6, kVectors, 1>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    MultiplyTile<Rows, Columns, 7, kVectors, 1>,  MultiplyTile<Rows, Columns, 8, kVectors, 1>,
    MultiplyTile<Rows, Columns, 9, kVectors, 1>,  MultiplyTile<Rows, Columns, 10, kVectors, 1>,
    MultiplyTile<Rows, Columns, 11, kVectors, 1>, MultiplyTile<Rows, Columns, 12, kVectors, 1>,
    MultiplyTile<Rows, Columns, 13, kVectors, 1>, MultiplyTile<Rows, Columns, 14, kVectors, 1>,
#endif
};

// Full panels side by side where few rows share what is read of B: kPairTiles<…>[rows - 1]
// are two panels wide, kQuadTile and kOctetTile, of one row, four and eight.
template <template <int> class Rows, class Columns>
inline constexpr TileFunction kPairTiles[] = {
    MultiplyTile<Rows, Columns, 1, kTileVectors, 2>,
    MultiplyTile<Rows, Columns, 2, kTileVectors, 2>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    MultiplyTile<Rows, Columns, 3, kTileVectors, 2>,
    MultiplyTile<Rows, Columns, 4, kTileVectors, 2>,
    MultiplyTile<Rows, Columns, 5, kTileVectors, 2>,
    MultiplyTile<Rows, Columns, 6, kTileVectors, 2>,
    MultiplyTile<Rows, Columns, 7, kTileVectors, 2>,
#endif
};
template <template <int> class Rows, class Columns>
inline constexpr TileFunction kQuadTile = MultiplyTile<Rows, Columns, 1, kTileVectors, 4>;
template <template <int> class Rows, class Columns>
inline constexpr TileFunction kOctetTile = MultiplyTile<Rows, Columns, 1, kTileVectors, 8>;

// Panels that a tile of one row of A takes, which reads packed B as fast as it comes. They lie as
// far apart as they can, so that each load walks on from tile to tile: the CPU fetches ahead of it
// until it jumps. From L2 the fewest such walks that keep the multiply-adds busy at a line a cycle
// come fastest, from L1 twice as many.
template <class Columns>
HWY_INLINE std::int64_t PackedRowPanels(std::int64_t depth, std::int64_t columns) {
  constexpr std::int64_t kL1Floats = 8 << 10;
  const bool is_wide = kHas32Registers && Columns::kPanelWords == kPanelColumns;
  return is_wide && depth * columns > kL1Floats ? 2 : 4;
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_MATMUL_MATMUL_TILE_INL_H_
