// SPDX-License-Identifier: Apache-2.0
#include "kernels/channels.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/channels.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Vectors added up in float before the sum goes on in double (or, across a batch of
// vectors, in a compensated float): bounds rounding errors whatever the size.
constexpr std::size_t kBlock = 64;

// Terms of sums: each is given the place of `count` elements of channel(s), adds up to two
// vectors, with 0 in the lanes from `count` on, and says what the channel's centre is.
struct Plain {
  static constexpr int kSums = 1;
  const float* x;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, V /*center*/, V* sums) const {
    sums[0] = hn::Add(sums[0], hn::LoadN(d, x + at, count));
  }
  HWY_INLINE void AddFull(D d, std::size_t at, V /*center*/, V* sums) const {
    sums[0] = hn::Add(sums[0], hn::LoadU(d, x + at));
  }
};

struct CenteredSquare {
  static constexpr int kSums = 1;
  const float* x;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, V center, V* sums) const {
    const V difference =
        hn::IfThenElseZero(hn::FirstN(d, count), hn::Sub(hn::LoadN(d, x + at, count), center));
    sums[0] = hn::MulAdd(difference, difference, sums[0]);
  }
  HWY_INLINE void AddFull(D d, std::size_t at, V center, V* sums) const {
    const V difference = hn::Sub(hn::LoadU(d, x + at), center);
    sums[0] = hn::MulAdd(difference, difference, sums[0]);
  }
};

struct Gradient {
  static constexpr int kSums = 2;
  const float* x;
  const float* grad;

  HWY_INLINE void Add(D d, std::size_t at, std::size_t count, V center, V* sums) const {
    const V g = hn::LoadN(d, grad + at, count);
    const V difference =
        hn::IfThenElseZero(hn::FirstN(d, count), hn::Sub(hn::LoadN(d, x + at, count), center));
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, difference, sums[1]);
  }
  HWY_INLINE void AddFull(D d, std::size_t at, V center, V* sums) const {
    const V g = hn::LoadU(d, grad + at);
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, hn::Sub(hn::LoadU(d, x + at), center), sums[1]);
  }
};

// One channel whose elements lie side by side in each example.
template <class Term>
HWY_INLINE void SumChannel(const ChannelLayout& layout, std::size_t channel, float center,
                           const Term& term, double* totals) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t spatial = static_cast<std::size_t>(layout.spatial);
  const V centers = hn::Set(d, center);
  V sums[2] = {hn::Zero(d), hn::Zero(d)};
  std::size_t block = 0;
  for (int s = 0; s < Term::kSums; ++s) totals[s] = 0.0;
  const auto finish_block = [&]() HWY_ATTR {
    for (int s = 0; s < Term::kSums; ++s) {
      totals[s] += static_cast<double>(hn::ReduceSum(d, sums[s]));
      sums[s] = hn::Zero(d);
    }
    block = 0;
  };
  for (std::size_t n = 0; n < static_cast<std::size_t>(layout.batch); ++n) {
    const std::size_t begin = (n * static_cast<std::size_t>(layout.channels) + channel) * spatial;
    std::size_t i = 0;
    while (i + lanes <= spatial) {
      const std::size_t run = HWY_MIN(kBlock - block, (spatial - i) / lanes);
      V run_sums[2] = {sums[0], sums[1]};
      for (std::size_t v = 0; v < run; ++v, i += lanes) {
        term.AddFull(d, begin + i, centers, run_sums);
      }
      sums[0] = run_sums[0];
      sums[1] = run_sums[1];
      block += run;
      if (block == kBlock) finish_block();
    }
    if (i < spatial) {
      term.Add(d, begin + i, spatial - i, centers, sums);
      if (++block == kBlock) finish_block();
    }
  }
  finish_block();
}

// A vector of `count` channels that have one element in each example.
template <class Term>
HWY_INLINE void SumColumns(const ChannelLayout& layout, std::size_t channel, std::size_t count,
                           V centers, const Term& term, V* totals) {
  const D d;
  const std::size_t batch = static_cast<std::size_t>(layout.batch);
  const std::size_t channels = static_cast<std::size_t>(layout.channels);
  V lost[2] = {hn::Zero(d), hn::Zero(d)};
  for (int s = 0; s < Term::kSums; ++s) totals[s] = hn::Zero(d);
  for (std::size_t n = 0; n < batch; n += kBlock) {
    V sums[2] = {hn::Zero(d), hn::Zero(d)};
    for (std::size_t row = n; row < HWY_MIN(batch, n + kBlock); ++row) {
      if (count == hn::Lanes(d)) {
        term.AddFull(d, row * channels + channel, centers, sums);
      } else {
        term.Add(d, row * channels + channel, count, centers, sums);
      }
    }
    for (int s = 0; s < Term::kSums; ++s) {  // Kahan's summation, Comm. ACM 8, 1965
      const V term_sum = hn::Sub(sums[s], lost[s]);
      const V total = hn::Add(totals[s], term_sum);
      lost[s] = hn::Sub(hn::Sub(total, totals[s]), term_sum);
      totals[s] = total;
    }
  }
}

// results[s][c] = factor · sum of the term over channel c.
template <class Term>
void SumTerms(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
              const float* centers, const Term& term, double factor, float* const* results) {
  const D d;
  if (layout.spatial > 1) {
    for (std::int64_t c = first; c < last; ++c) {
      double totals[2];
      SumChannel(layout, static_cast<std::size_t>(c), centers == nullptr ? 0.0f : centers[c], term,
                 totals);
      for (int s = 0; s < Term::kSums; ++s) results[s][c] = static_cast<float>(factor * totals[s]);
    }
    return;
  }
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V factors = hn::Set(d, static_cast<float>(factor));
  for (std::int64_t c = first; c < last; c += lanes) {
    const std::size_t count = static_cast<std::size_t>(HWY_MIN(lanes, last - c));
    const V center = centers == nullptr ? hn::Zero(d) : LoadFirst(d, centers + c, count);
    V totals[2];
    SumColumns(layout, static_cast<std::size_t>(c), count, center, term, totals);
    for (int s = 0; s < Term::kSums; ++s) {
      StoreFirst(hn::Mul(factors, totals[s]), d, results[s] + c, count);
    }
  }
}

void Sums(const ChannelLayout& layout, std::int64_t first, std::int64_t last, const float* x,
          float* sums) {
  SumTerms(layout, first, last, nullptr, Plain{x}, 1.0, &sums);
}

void Moments(const ChannelLayout& layout, std::int64_t first, std::int64_t last, const float* x,
             float* mean, float* variance) {
  const double share = 1.0 / static_cast<double>(layout.per_channel());
  SumTerms(layout, first, last, nullptr, Plain{x}, share, &mean);
  SumTerms(layout, first, last, mean, CenteredSquare{x}, share, &variance);
}

void GradientSums(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                  const float* x, const float* mean, const float* grad, float* sums,
                  float* products) {
  float* const results[2] = {sums, products};
  SumTerms(layout, first, last, mean, Gradient{x, grad}, 1.0, results);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void ChannelSums(const ChannelLayout& layout, std::int64_t first, std::int64_t last, const float* x,
                 float* sums) {
  ESPALIER_KERNEL(Sums)(layout, first, last, x, sums);
}

void ChannelMoments(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                    const float* x, float* mean, float* variance) {
  ESPALIER_KERNEL(Moments)(layout, first, last, x, mean, variance);
}

void ChannelGradientSums(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                         const float* x, const float* mean, const float* grad, float* sums,
                         float* products) {
  ESPALIER_KERNEL(GradientSums)(layout, first, last, x, mean, grad, sums, products);
}

}  // namespace espalier
#endif
