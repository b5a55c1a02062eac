// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/attention.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

#ifndef ESPALIER_KERNELS_ATTENTION_SCORES_
#define ESPALIER_KERNELS_ATTENTION_SCORES_
namespace espalier {
namespace {

// A tile of scores: 64 queries by 128 keys, 36 KiB, beside packed keys and values of 16 KiB each
// for a head of 32: what L2 holds and a product uses well.
constexpr std::int64_t kTileQueries = 64;
constexpr std::int64_t kTileKeys = 128;
// Room for the last vector of a row, and rows that do not share cache sets.
constexpr std::int64_t kScoreStride = kTileKeys + 16;

// Some queries' scores, q·k, with the keys of one tile.
struct ScoreTile {
  float* scores;  // rows kScoreStride apart
  std::int64_t rows;
  std::int64_t keys;
  float scale;
  bool is_causal;
  std::int64_t first_query;
  std::int64_t first_key;

  // Keys that a row's query has.
  std::int64_t KeysOf(std::int64_t row) const {
    return is_causal ? std::clamp<std::int64_t>(first_query + row + 1 - first_key, 0, keys) : keys;
  }
};

// Scores are scaled to base 2, in which exponentials take least.
constexpr float kLog2E = 1.44269504f;

// By query: the greatest scaled score so far, and Σ 2^(scaled score - greatest).
struct RunningSums {
  float* greatest;
  float* sums;
};

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_KERNELS_ATTENTION_SCORES_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// 2^x for x up to about 0, below 2^-126 zero; NaN stays. The scores' common shift is rounded, so x
// may lie a little above 0. With x = n + r, |r| <= 1/2, 2^r is the minimax polynomial of degree 6
// for the relative error, 2e-9, found by Lawson's iteration.
HWY_INLINE V Exp2OfNegative(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const V magic = hn::Set(d, 0x1.8p23f);  // added, it leaves n in the lowest bits
  const V shifted = hn::Add(x, magic);
  const V r = hn::Sub(x, hn::Sub(shifted, magic));
  V p = hn::Set(d, 0.00015345696f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.0013400064f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.00961849f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.055503283f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.24022646f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.6931472f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::Add(hn::BitCast(du, shifted), hn::Set(du, 127));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -126.0f)), hn::Mul(p, power));
}

void ScaleRow(float factor, std::size_t width, float* row) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V factors = hn::Set(d, factor);
  for (std::size_t j = 0; j < width; j += lanes) {
    const std::size_t count = HWY_MIN(lanes, width - j);
    StoreFirst(hn::Mul(LoadFirst(d, row + j, count), factors), d, row + j, count);
  }
}

// NaN may get lost here: the exponentials bring it back.
HWY_INLINE float GreatestOf(const float* row, std::size_t count) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V greatest = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) greatest = hn::Max(hn::LoadU(d, row + j), greatest);
  if (j < count) {
    const V rest = hn::IfThenElse(hn::FirstN(d, count - j), hn::LoadU(d, row + j), greatest);
    greatest = hn::Max(rest, greatest);
  }
  return hn::ReduceMax(d, greatest);
}

// Scores to 2^(score · scale2 - shift), 0 from the count-th on; returns their sum.
HWY_INLINE float Exponentials(std::size_t count, std::size_t keys, float scale2, float shift,
                              float* row) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V scale = hn::Set(d, scale2);
  const V minus_shift = hn::Set(d, -shift);
  V sum = hn::Zero(d);
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const V e = Exp2OfNegative(d, hn::MulAdd(hn::LoadU(d, row + j), scale, minus_shift));
    hn::StoreU(e, d, row + j);
    sum = hn::Add(sum, e);
  }
  if (j < count) {
    const V x = hn::MulAdd(hn::LoadU(d, row + j), scale, minus_shift);
    const V e = hn::IfThenElseZero(hn::FirstN(d, count - j), Exp2OfNegative(d, x));
    hn::StoreU(e, d, row + j);
    sum = hn::Add(sum, e);
    j += lanes;
  }
  for (; j < keys; j += lanes) hn::StoreU(hn::Zero(d), d, row + j);
  return hn::ReduceSum(d, sum);
}

// Scores to 2^(scaled score - greatest), 0 where the query does not have the key. Output rows of
// earlier tiles and their sums are scaled to the new greatest.
void AddTile(const ScoreTile& tile, bool is_first, const RunningSums& running,
             const HeadRows& output, std::size_t width) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  const float scale2 = tile.scale * kLog2E;
  // Of all rows before the first exponential, so that these need not wait for one another.
  float greatest[kTileQueries];
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const std::size_t count = static_cast<std::size_t>(tile.KeysOf(r));
    greatest[r] = scale2 * GreatestOf(tile.scores + r * kScoreStride, count);
  }
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const float before = is_first ? kNone : running.greatest[r];
    const float now = std::max(before, greatest[r]);
    const float shift = now == kNone ? 0.0f : now;
    const float total =
        Exponentials(static_cast<std::size_t>(tile.KeysOf(r)), static_cast<std::size_t>(tile.keys),
                     scale2, shift, tile.scores + r * kScoreStride);
    running.greatest[r] = now;
    if (is_first) {
      running.sums[r] = total;
    } else if (now == before) {
      running.sums[r] += total;
    } else {
      const float factor = std::exp2(before - shift);
      running.sums[r] = running.sums[r] * factor + total;
      ScaleRow(factor, width, output.data + r * output.stride);
    }
  }
}

void DivideBySums(std::int64_t rows, const float* sums, const HeadRows& output, std::size_t width) {
  for (std::int64_t r = 0; r < rows; ++r) {
    ScaleRow(1.0f / sums[r], width, output.data + r * output.stride);
  }
}

// Scores to p = 2^(scaled score - log_sum), and `grads`, those of p, to the scores' own:
// p · (grad - mean) · scale.
void BackwardTile(const ScoreTile& tile, const float* log_sums, const float* means, float* grads) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V scale = hn::Set(d, tile.scale);
  const V scale2 = hn::Set(d, tile.scale * kLog2E);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    float* row = tile.scores + r * kScoreStride;
    float* grad_row = grads + r * kScoreStride;
    const std::size_t count = static_cast<std::size_t>(tile.KeysOf(r));
    const V minus_log_sum = hn::Set(d, -log_sums[r]);
    const V mean = hn::Set(d, means[r]);
    for (std::size_t j = 0; j < static_cast<std::size_t>(tile.keys); j += lanes) {
      const auto is_key = hn::FirstN(d, j < count ? HWY_MIN(lanes, count - j) : 0);
      const V x = hn::MulAdd(hn::LoadU(d, row + j), scale2, minus_log_sum);
      const V p = hn::IfThenElseZero(is_key, Exp2OfNegative(d, x));
      const V grad = hn::Mul(hn::Mul(p, hn::Sub(hn::LoadU(d, grad_row + j), mean)), scale);
      hn::StoreU(p, d, row + j);
      hn::StoreU(hn::IfThenElseZero(is_key, grad), d, grad_row + j);
    }
  }
}

// products[r] = Σ a[r]·b[r].
void RowProducts(std::int64_t rows, std::size_t width, const ConstHeadRows& a,
                 const ConstHeadRows& b, float* products) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = a.data + r * a.stride;
    const float* y = b.data + r * b.stride;
    V sum = hn::Zero(d);
    for (std::size_t j = 0; j < width; j += lanes) {
      const std::size_t count = HWY_MIN(lanes, width - j);
      sum = hn::MulAdd(LoadFirst(d, x + j, count), LoadFirst(d, y + j, count), sum);
    }
    products[r] = hn::ReduceSum(d, sum);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

// Where the parts of the scratch begin.
struct Parts {
  explicit Parts(std::int64_t width)
      : packed_keys(Take(Columns(width))),
        packed_values(Take(Columns(width))),
        packed_rows(Take(PackedFloats(kTileKeys, width))),
        scores(Take(kTileQueries * kScoreStride)),
        grads(Take(kTileQueries * kScoreStride)),
        greatest(Take(kAttentionQueries)),
        sums(Take(kAttentionQueries)),
        copy(Take(MostBlockCopyFloats(std::max(width, kTileKeys)))) {}

  // Of keys or values, those as columns or as rows.
  static std::int64_t Columns(std::int64_t width) {
    return std::max(PackedFloats(width, kTileKeys), PackedFloats(kTileKeys, width));
  }

  std::int64_t Take(std::int64_t floats) {
    constexpr std::int64_t kLine = 16;
    return std::exchange(total, total + RoundUp(floats, kLine));
  }

  std::int64_t total = 0;
  std::int64_t packed_keys;
  std::int64_t packed_values;
  std::int64_t packed_rows;
  std::int64_t scores;
  std::int64_t grads;
  std::int64_t greatest;
  std::int64_t sums;
  std::int64_t copy;
};

struct Scratch {
  Scratch(float* floats, const Parts& parts)
      : packed_keys(floats + parts.packed_keys),
        packed_values(floats + parts.packed_values),
        packed_rows(floats + parts.packed_rows),
        scores(floats + parts.scores),
        grads(floats + parts.grads),
        greatest(floats + parts.greatest),
        sums(floats + parts.sums),
        copy(floats + parts.copy) {}

  float* packed_keys;
  float* packed_values;
  float* packed_rows;
  float* scores;
  float* grads;
  float* greatest;
  float* sums;
  float* copy;
};

MatrixRef Matrix(const ConstHeadRows& rows, std::int64_t first, std::int64_t count,
                 std::int64_t width) {
  return {rows.data + first * rows.stride, count, width, rows.stride, 1};
}

MatrixRef Scores(const float* scores, std::int64_t queries, std::int64_t keys) {
  return {scores, queries, keys, kScoreStride, 1};
}

void SetToZero(const HeadRows& rows, std::int64_t first, std::int64_t last, std::int64_t width) {
  if (rows.data == nullptr) return;
  for (std::int64_t i = first; i < last; ++i) {
    std::memset(rows.data + i * rows.stride, 0, static_cast<std::size_t>(width) * sizeof(float));
  }
}

HeadRows Shifted(const HeadRows& rows, std::int64_t first) {
  return {rows.data + first * rows.stride, rows.stride};
}

// The tile of a head's scores for queries [query, query + rows) and keys from `key` on.
ScoreTile TileAt(const AttentionHead& head, std::int64_t query, std::int64_t rows, std::int64_t key,
                 float* scores) {
  // Keys that no query of the tile has need not be looked at.
  const std::int64_t last = head.is_causal ? std::min(head.keys, query + rows) : head.keys;
  return {.scores = scores,
          .rows = rows,
          .keys = std::min(kTileKeys, last - key),
          .scale = head.scale,
          .is_causal = head.is_causal,
          .first_query = query,
          .first_key = key};
}

}  // namespace

std::int64_t AttentionScratchFloats(std::int64_t width) { return Parts(width).total; }

void AttentionForward(const AttentionHead& head, std::int64_t first, std::int64_t last,
                      const HeadRows& output, float* log_sums, float* scratch) {
  if (head.keys == 0) {
    SetToZero(output, first, last, head.width);
    return;
  }
  const Scratch at(scratch, Parts(head.width));
  const std::int64_t width = head.width;
  const std::int64_t keys = head.is_causal ? std::min(head.keys, last) : head.keys;
  for (std::int64_t key = 0; key < keys; key += kTileKeys) {
    const std::int64_t count = std::min(kTileKeys, keys - key);
    PackB(Matrix(head.k, key, count, width).Transposed(), at.packed_keys);
    for (std::int64_t query = first; query < last; query += kTileQueries) {
      const std::int64_t rows = std::min(kTileQueries, last - query);
      const ScoreTile tile = TileAt(head, query, rows, key, at.scores);
      if (tile.keys <= 0) continue;
      MatmulPacked(Matrix(head.q, query, rows, width), at.packed_keys, count, at.scores,
                   kScoreStride, {}, at.copy);
      const HeadRows to = Shifted(output, query);
      ESPALIER_KERNEL(AddTile)
      (tile, key == 0, {at.greatest + (query - first), at.sums + (query - first)}, to,
       static_cast<std::size_t>(width));
      if (query == first || head.is_causal) {
        PackB(Matrix(head.v, key, tile.keys, width), at.packed_values);
      }
      MatmulPacked(Scores(at.scores, rows, tile.keys), at.packed_values, width, to.data, to.stride,
                   {.accumulate = key > 0}, at.copy);
    }
  }
  ESPALIER_KERNEL(DivideBySums)
  (last - first, at.sums, Shifted(output, first), static_cast<std::size_t>(width));
  if (log_sums == nullptr) return;
  for (std::int64_t i = first; i < last; ++i) {
    log_sums[i] = at.greatest[i - first] + std::log2(at.sums[i - first]);
  }
}

void AttentionBackward(const AttentionHead& head, const AttentionResults& results,
                       const AttentionGradients& gradients, float* means, float* scratch) {
  const std::int64_t width = head.width;
  if (head.keys == 0) {
    SetToZero(gradients.q, 0, head.queries, width);
    return;
  }
  const Scratch at(scratch, Parts(width));
  ESPALIER_KERNEL(RowProducts)
  (head.queries, static_cast<std::size_t>(width), results.output, results.grad_output, means);
  for (std::int64_t key = 0; key < head.keys; key += kTileKeys) {
    const std::int64_t count = std::min(kTileKeys, head.keys - key);
    const MatrixRef k = Matrix(head.k, key, count, width);
    bool is_first = true;  // of the tiles with these keys
    for (std::int64_t query = 0; query < head.queries; query += kTileQueries) {
      const std::int64_t rows = std::min(kTileQueries, head.queries - query);
      const ScoreTile tile = TileAt(head, query, rows, key, at.scores);
      if (tile.keys <= 0) continue;
      const MatrixRef q = Matrix(head.q, query, rows, width);
      const MatrixRef grad_output = Matrix(results.grad_output, query, rows, width);
      if (is_first) {
        PackB(k.Transposed(), at.packed_keys);
        PackB(Matrix(head.v, key, count, width).Transposed(), at.packed_values);
      }
      MatmulPacked(q, at.packed_keys, count, at.scores, kScoreStride, {}, at.copy);
      MatmulPacked(grad_output, at.packed_values, count, at.grads, kScoreStride, {}, at.copy);
      ScoreTile whole = tile;
      whole.keys = count;
      ESPALIER_KERNEL(BackwardTile)(whole, results.log_sums + query, means + query, at.grads);
      const Epilogue to_keys = {.accumulate = !is_first};
      if (gradients.v.data != nullptr) {
        const HeadRows to = Shifted(gradients.v, key);
        PackB(grad_output, at.packed_rows);
        MatmulPacked(Scores(at.scores, rows, count).Transposed(), at.packed_rows, width, to.data,
                     to.stride, to_keys, at.copy);
      }
      if (gradients.k.data != nullptr) {
        const HeadRows to = Shifted(gradients.k, key);
        PackB(q, at.packed_rows);
        MatmulPacked(Scores(at.grads, rows, count).Transposed(), at.packed_rows, width, to.data,
                     to.stride, to_keys, at.copy);
      }
      if (gradients.q.data != nullptr) {
        const HeadRows to = Shifted(gradients.q, query);
        PackB(Matrix(head.k, key, tile.keys, width), at.packed_rows);
        MatmulPacked(Scores(at.grads, rows, tile.keys), at.packed_rows, width, to.data, to.stride,
                     {.accumulate = key > 0}, at.copy);
      }
      is_first = false;
    }
    if (!is_first) continue;  // with is_causal later keys may have no query
    SetToZero(gradients.k, key, key + count, width);
    SetToZero(gradients.v, key, key + count, width);
  }
}

}  // namespace espalier
#endif  // HWY_ONCE
