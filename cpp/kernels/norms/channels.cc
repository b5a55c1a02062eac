// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/channels.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/channels.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/vectors/channel_period-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Rows added up in plain float before the sum goes on compensated: bounds rounding errors
// whatever the size.
constexpr std::size_t kBlock = 64;

// Vectors of channels whose sums are in registers at once, which hides the latency of the
// additions.
constexpr std::size_t kGroup = 4;

// Terms of sums: each adds what `count` elements at a place give to up to two vectors, 0 in
// the lanes from `count` on, given the settings of their channels.
struct Plain {
  static constexpr int kSums = 1;
  static constexpr int kSettings = 0;
  const float* x;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, const V* /*s*/, V* sums) const {
    sums[0] = hn::Add(sums[0], LoadFirst(d, x + at, count));
  }
};

struct CenteredSquare {
  static constexpr int kSums = 1;
  static constexpr int kSettings = 1;  // center
  const float* x;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, const V* s, V* sums) const {
    const V difference = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    sums[0] = hn::MulAdd(difference, difference, sums[0]);
  }
};

struct Gradient {
  static constexpr int kSums = 2;
  static constexpr int kSettings = 1;  // center
  const float* x;
  const float* grad;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, const V* s, V* sums) const {
    const V g = LoadFirst(d, grad + at, count);
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, hn::Sub(LoadFirst(d, x + at, count), s[0]), sums[1]);
  }
};

// With the results of the activation behind a normalization made again.
template <Activation kKind>
struct ActivatedGradient {
  static constexpr int kSums = 2;
  static constexpr int kSettings = 3;  // mean, scale, bias
  const float* x;
  const float* grad_y;
  float slope;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, const V* s, V* sums) const {
    const V slopes = hn::Set(d, slope);
    const V centered = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    const V y = ActivateAs<kKind>(d, hn::MulAdd(centered, s[1], s[2]), slopes);
    const V g = GradientAs<kKind>(d, y, LoadFirst(d, grad_y + at, count), slopes);
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, centered, sums[1]);
  }
};

// Arrays have one element at least.
template <class Term>
inline constexpr std::size_t kRoom = Term::kSettings == 0 ? 1 : Term::kSettings;

// totals[s][j], j < kVectors·lanes (or the last vector's `count`), of `rows` rows of `width`
// elements that begin at `at`.
template <std::size_t kVectors, class Term>
HWY_INLINE void SumGroup(std::size_t rows, std::size_t width, std::size_t at, std::size_t count,
                         const float* const* settings, const Term& term, float* const* totals) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V values[kVectors][kRoom<Term>];
  V total[kVectors][2];
  V lost[kVectors][2];
  for (std::size_t v = 0; v < kVectors; ++v) {
    for (int s = 0; s < Term::kSettings; ++s) {
      values[v][s] = LoadFirst(d, settings[s] + v * lanes, count);
    }
    for (int s = 0; s < Term::kSums; ++s) total[v][s] = lost[v][s] = hn::Zero(d);
  }
  for (std::size_t begin = 0; begin < rows; begin += kBlock) {
    V sums[kVectors][2];
    for (std::size_t v = 0; v < kVectors; ++v) {
      for (int s = 0; s < Term::kSums; ++s) sums[v][s] = hn::Zero(d);
    }
    const std::size_t end = HWY_MIN(rows, begin + kBlock);
    for (std::size_t row = begin; row < end; ++row) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        term.Add(d, at + row * width + v * lanes, count, values[v], sums[v]);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {  // Kahan's summation, Comm. ACM 8, 1965
      for (int s = 0; s < Term::kSums; ++s) {
        const V block = hn::Sub(sums[v][s], lost[v][s]);
        const V sum = hn::Add(total[v][s], block);
        lost[v][s] = hn::Sub(hn::Sub(sum, total[v][s]), block);
        total[v][s] = sum;
      }
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    for (int s = 0; s < Term::kSums; ++s) {
      StoreFirst(total[v][s], d, totals[s] + v * lanes, count);
    }
  }
}

// The same for any number of columns.
template <class Term>
HWY_INLINE void SumColumns(std::size_t rows, std::size_t width, std::size_t at, std::size_t columns,
                           const float* const* settings, const Term& term, float* const* totals) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t j = 0;
  const float* group_settings[kRoom<Term>];
  float* places[2];
  const auto place = [&] {
    for (int s = 0; s < Term::kSettings; ++s) group_settings[s] = settings[s] + j;
    for (int s = 0; s < Term::kSums; ++s) places[s] = totals[s] + j;
  };
  for (; j + kGroup * lanes <= columns; j += kGroup * lanes) {
    place();
    SumGroup<kGroup>(rows, width, at + j, lanes, group_settings, term, places);
  }
  for (; j < columns; j += lanes) {
    place();
    SumGroup<1>(rows, width, at + j, HWY_MIN(lanes, columns - j), group_settings, term, places);
  }
}

// totals[s][c] of the rows [first, last).
template <class Term>
HWY_INLINE void SumChunk(std::size_t channels, std::size_t first, std::size_t last,
                         const float* const* settings, const Term& term, float* const* totals) {
  const std::size_t rows = last - first;
  const std::size_t at = first * channels;
  const std::size_t repeats = ChannelRepeats(channels);
  if (repeats == 1) {
    SumColumns(rows, channels, at, channels, settings, term, totals);
    return;
  }
  HWY_ALIGN float part_settings[kRoom<Term>][kPeriodPart];
  HWY_ALIGN float part[Term::kSums][kPeriodPart];
  HWY_ALIGN float rest[Term::kSums][kManyChannels];
  double sums[Term::kSums][kManyChannels];
  const float* part_places[kRoom<Term>];
  float* part_totals[Term::kSums];
  float* rest_totals[Term::kSums];
  for (int s = 0; s < Term::kSums; ++s) {
    part_totals[s] = part[s];
    rest_totals[s] = rest[s];
  }
  const std::size_t period = repeats * channels;
  SumColumns(rows % repeats, channels, at + rows / repeats * period, channels, settings, term,
             rest_totals);
  for (int s = 0; s < Term::kSums; ++s) {
    for (std::size_t c = 0; c < channels; ++c) sums[s][c] = static_cast<double>(rest[s][c]);
  }
  for (std::size_t begin = 0; begin < period; begin += kPeriodPart) {
    const std::size_t columns = HWY_MIN(kPeriodPart, period - begin);
    for (int s = 0; s < Term::kSettings; ++s) {
      RepeatChannels(settings[s], channels, begin, columns, part_settings[s]);
      part_places[s] = part_settings[s];
    }
    SumColumns(rows / repeats, period, at + begin, columns, part_places, term, part_totals);
    for (int s = 0; s < Term::kSums; ++s) {
      std::size_t channel = begin % channels;
      for (std::size_t i = 0; i < columns; ++i) {
        sums[s][channel] += static_cast<double>(part[s][i]);
        channel = channel + 1 == channels ? 0 : channel + 1;
      }
    }
  }
  for (int s = 0; s < Term::kSums; ++s) {
    for (std::size_t c = 0; c < channels; ++c) totals[s][c] = static_cast<float>(sums[s][c]);
  }
}

// A vector of columns from row to row.
void AddToRowsKernel(std::size_t channels, std::size_t rows, const float* addend, float* x) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t c = 0; c < channels; c += lanes) {
    const std::size_t count = HWY_MIN(lanes, channels - c);
    const V more = LoadFirst(d, addend + c, count);
    for (std::size_t row = 0; row < rows; ++row) {
      float* const at = x + row * channels + c;
      StoreFirst(hn::Add(LoadFirst(d, at, count), more), d, at, count);
    }
  }
}

void SumsOfChunk(std::size_t channels, std::size_t first, std::size_t last, const float* x,
                 float* sums) {
  SumChunk(channels, first, last, nullptr, Plain{x}, &sums);
}

// mean[c], and squares[c]: the sum of (x - mean[c])².
void MomentsOfChunk(std::size_t channels, std::size_t first, std::size_t last, const float* x,
                    float* mean, float* squares) {
  SumChunk(channels, first, last, nullptr, Plain{x}, &mean);
  const float rows = static_cast<float>(last - first);
  for (std::size_t c = 0; c < channels; ++c) mean[c] /= rows;
  SumChunk(channels, first, last, &mean, CenteredSquare{x}, &squares);
}

void GradientSumsOfChunk(std::size_t channels, std::size_t first, std::size_t last, const float* x,
                         const float* mean, const float* grad, float* sums, float* products) {
  float* const totals[2] = {sums, products};
  SumChunk(channels, first, last, &mean, Gradient{x, grad}, totals);
}

template <Activation kKind>
void ActivatedSumsOfChunk(const ChannelScaling& scaling, std::size_t first, std::size_t last,
                          const float* x, const float* grad_y, float* sums, float* products) {
  const float* const settings[] = {scaling.mean, scaling.scale, scaling.bias};
  float* const totals[2] = {sums, products};
  SumChunk(static_cast<std::size_t>(scaling.channels), first, last, settings,
           ActivatedGradient<kKind>{x, grad_y, scaling.slope}, totals);
}

void ActivatedGradientSumsOfChunk(const ChannelScaling& scaling, std::size_t first,
                                  std::size_t last, const float* x, const float* grad_y,
                                  float* sums, float* products) {
  const auto run = [&] {
    switch (scaling.activation) {
      case Activation::kRelu:
        return ActivatedSumsOfChunk<Activation::kRelu>;
      case Activation::kRelu6:
        return ActivatedSumsOfChunk<Activation::kRelu6>;
      case Activation::kLeakyRelu:
        return ActivatedSumsOfChunk<Activation::kLeakyRelu>;
      default:
        return ActivatedSumsOfChunk<Activation::kNone>;
    }
  }();
  run(scaling, first, last, x, grad_y, sums, products);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

constexpr std::int64_t kChunkFloats = 16384;  // twice read, so they should stay in L2
constexpr std::int64_t kFewestRows = 64;      // so that combining costs little

struct Chunks {
  explicit Chunks(const ChannelLayout& layout)
      : rows(layout.rows),
        run(std::max(kFewestRows, kChunkFloats / layout.channels)),
        count((layout.rows + run - 1) / run) {}

  std::size_t Begin(std::int64_t chunk) const {
    return static_cast<std::size_t>(std::min(rows, chunk * run));
  }
  double Rows(std::int64_t chunk) const {
    return static_cast<double>(Begin(chunk + 1) - Begin(chunk));
  }

  std::int64_t rows;
  std::int64_t run;
  std::int64_t count;
};

// Channels whose sums over the chunks are in double at once, side by side.
constexpr std::int64_t kCombined = 64;

// body(first, count) for runs of at most kCombined channels.
template <typename Body>
void ForCombined(std::int64_t channels, Body body) {
  for (std::int64_t first = 0; first < channels; first += kCombined) {
    body(first, std::min(kCombined, channels - first));
  }
}

void AddChunks(const ChannelLayout& layout, const Chunks& chunks, std::int64_t stride,
               const float* partials, float* sums) {
  ForCombined(layout.channels, [&](std::int64_t first, std::int64_t count) {
    double totals[kCombined] = {};
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      const float* part = partials + chunk * stride + first;
      for (std::int64_t c = 0; c < count; ++c) totals[c] += static_cast<double>(part[c]);
    }
    for (std::int64_t c = 0; c < count; ++c) sums[first + c] = static_cast<float>(totals[c]);
  });
}

}  // namespace

std::int64_t ChannelPartialFloats(const ChannelLayout& layout) {
  return Chunks(layout).count * 2 * layout.channels;
}

void ChannelSums(const ChannelLayout& layout, const float* x, float* sums, float* partials,
                 Workspace& workspace) {
  const Chunks chunks(layout);
  const auto kernel = ESPALIER_KERNEL(SumsOfChunk);
  workspace.ParallelFor(chunks.count, [&](std::int64_t chunk, std::span<float>) {
    kernel(static_cast<std::size_t>(layout.channels), chunks.Begin(chunk), chunks.Begin(chunk + 1),
           x, partials + chunk * layout.channels);
  });
  AddChunks(layout, chunks, layout.channels, partials, sums);
}

void ChannelMoments(const ChannelLayout& layout, const float* x, float* mean, float* variance,
                    float* partials, Workspace& workspace) {
  const Chunks chunks(layout);
  const std::int64_t channels = layout.channels;
  const auto kernel = ESPALIER_KERNEL(MomentsOfChunk);
  workspace.ParallelFor(chunks.count, [&](std::int64_t chunk, std::span<float>) {
    float* const part = partials + chunk * 2 * channels;
    kernel(static_cast<std::size_t>(channels), chunks.Begin(chunk), chunks.Begin(chunk + 1), x,
           part, part + channels);
  });
  // Chan, Golub and LeVeque, 1979: squares about the common mean are those about the chunk's
  // own, and rows times the square of how far the two means are apart.
  const double share = 1.0 / static_cast<double>(layout.rows);
  ForCombined(channels, [&](std::int64_t first, std::int64_t count) {
    double means[kCombined] = {};
    double squares[kCombined] = {};
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      const float* part = partials + chunk * 2 * channels + first;
      const double weight = chunks.Rows(chunk) * share;
      for (std::int64_t c = 0; c < count; ++c) means[c] += weight * static_cast<double>(part[c]);
    }
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      const float* part = partials + chunk * 2 * channels + first;
      const double rows = chunks.Rows(chunk);
      for (std::int64_t c = 0; c < count; ++c) {
        const double apart = static_cast<double>(part[c]) - means[c];
        squares[c] += static_cast<double>(part[channels + c]) + rows * apart * apart;
      }
    }
    for (std::int64_t c = 0; c < count; ++c) {
      mean[first + c] = static_cast<float>(means[c]);
      variance[first + c] = static_cast<float>(squares[c] * share);
    }
  });
}

namespace {

// chunk_sums(first row, last row, sums, products) of each chunk, then over all of them.
template <typename ChunkSums>
void GradientSums(const ChannelLayout& layout, float* sums, float* products, float* partials,
                  Workspace& workspace, ChunkSums chunk_sums) {
  const Chunks chunks(layout);
  const std::int64_t channels = layout.channels;
  workspace.ParallelFor(chunks.count, [&](std::int64_t chunk, std::span<float>) {
    float* const part = partials + chunk * 2 * channels;
    chunk_sums(static_cast<std::int64_t>(chunks.Begin(chunk)),
               static_cast<std::int64_t>(chunks.Begin(chunk + 1)), part, part + channels);
  });
  AddChunks(layout, chunks, 2 * channels, partials, sums);
  AddChunks(layout, chunks, 2 * channels, partials + channels, products);
}

}  // namespace

void ChannelGradientSums(const ChannelLayout& layout, const ChannelScaling& scaling, const float* x,
                         const float* grad_y, float* sums, float* products, float* partials,
                         Workspace& workspace) {
  const auto kernel = ESPALIER_KERNEL(ActivatedGradientSumsOfChunk);
  GradientSums(layout, sums, products, partials, workspace,
               [&](std::int64_t first, std::int64_t last, float* part, float* part_products) {
                 kernel(scaling, static_cast<std::size_t>(first), static_cast<std::size_t>(last), x,
                        grad_y, part, part_products);
               });
}

void GradientOfRows(const ResultGradient& gradient, std::int64_t channels, std::int64_t first,
                    std::int64_t last) {
  const std::int64_t at = first * channels;
  ActivationBackward(gradient.activation, gradient.slope, nullptr, gradient.y + at,
                     gradient.grad_y + at, (last - first) * channels, gradient.grad + at);
}

void ChannelGradientSums(const ChannelLayout& layout, const float* x, const float* mean,
                         const ResultGradient& gradient, float* sums, float* products,
                         float* partials, Workspace& workspace) {
  const auto kernel = ESPALIER_KERNEL(GradientSumsOfChunk);
  GradientSums(layout, sums, products, partials, workspace,
               [&](std::int64_t first, std::int64_t last, float* part, float* part_products) {
                 // A chunk is still in the cache when it is summed.
                 GradientOfRows(gradient, layout.channels, first, last);
                 kernel(static_cast<std::size_t>(layout.channels), static_cast<std::size_t>(first),
                        static_cast<std::size_t>(last), x, mean, gradient.grad, part,
                        part_products);
               });
}

void SumRows(const ChannelLayout& layout, const float* x, float* sums) {
  ESPALIER_KERNEL(SumsOfChunk)
  (static_cast<std::size_t>(layout.channels), 0, static_cast<std::size_t>(layout.rows), x, sums);
}

void MomentsOfRows(const ChannelLayout& layout, const float* x, float* mean, float* squares) {
  ESPALIER_KERNEL(MomentsOfChunk)
  (static_cast<std::size_t>(layout.channels), 0, static_cast<std::size_t>(layout.rows), x, mean,
   squares);
}

void GradientSumsOfRows(const ChannelLayout& layout, const float* x, const float* mean,
                        const float* grad, float* sums, float* products) {
  ESPALIER_KERNEL(GradientSumsOfChunk)
  (static_cast<std::size_t>(layout.channels), 0, static_cast<std::size_t>(layout.rows), x, mean,
   grad, sums, products);
}

void AddToRows(std::int64_t channels, std::int64_t first, std::int64_t last, const float* addend,
               float* x) {
  ESPALIER_KERNEL(AddToRowsKernel)
  (static_cast<std::size_t>(channels), static_cast<std::size_t>(last - first), addend,
   x + first * channels);
}

}  // namespace espalier
#endif
