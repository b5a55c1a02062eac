// SPDX-License-Identifier: Apache-2.0
#include "machine_limits.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "native/machine_limits.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;

// 12 chains: more than latency times throughput of any CPU here, and they fit 16 registers.
constexpr int kChains = 12;

double MultiplyAdds(std::int64_t rounds, float factor, float* sink) {
  const D d;
  hn::Vec<D> sums[kChains];
  HWY_UNROLL(16)
  for (int i = 0; i < kChains; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  const auto x = hn::Set(d, factor);
  for (std::int64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(16)
    for (int i = 0; i < kChains; ++i) sums[i] = hn::MulAdd(sums[i], x, x);
  }
  auto total = hn::Zero(d);
  HWY_UNROLL(16)
  for (int i = 0; i < kChains; ++i) total = hn::Add(total, sums[i]);
  *sink += hn::ReduceSum(d, total);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Reads `streams` pieces of `each` floats side by side, as kernels read several panels or rows:
// what a core gets from a cache depends on it. Sums are taken by multiply-adds, as kernels do.
template <int kStreams>
void ReadStreams(const float* data, std::int64_t each, float* sink) {
  constexpr int kSums = 8;
  const D d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto one = hn::Set(d, 1.0f);
  hn::Vec<D> sums[kSums];
  HWY_UNROLL(kSums)
  for (int i = 0; i < kSums; ++i) sums[i] = hn::Zero(d);
  constexpr int kDeep = kSums / kStreams;
  for (std::int64_t at = 0; at + kDeep * lanes <= each; at += kDeep * lanes) {
    HWY_UNROLL(kSums)
    for (int i = 0; i < kSums; ++i) {
      const float* from = data + (i % kStreams) * each + at + (i / kStreams) * lanes;
      sums[i] = hn::MulAdd(hn::Load(d, from), one, sums[i]);
    }
  }
  auto total = hn::Zero(d);
  HWY_UNROLL(kSums)
  for (int i = 0; i < kSums; ++i) total = hn::Add(total, sums[i]);
  *sink += hn::ReduceSum(d, total);
}

void Read1(const float* data, std::int64_t each, float* sink) { ReadStreams<1>(data, each, sink); }
void Read2(const float* data, std::int64_t each, float* sink) { ReadStreams<2>(data, each, sink); }
void Read4(const float* data, std::int64_t each, float* sink) { ReadStreams<4>(data, each, sink); }
void Read8(const float* data, std::int64_t each, float* sink) { ReadStreams<8>(data, each, sink); }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

volatile float kept = 0.0f;

}  // namespace

double PeakGflops() {
  double best = 0.0;
  for (int repeat = 0; repeat < 200; ++repeat) {  // short, so that some of them are undisturbed
    float sink = 0.0f;
    const double begin = Seconds();
    const double operations = ESPALIER_KERNEL(MultiplyAdds)(20'000, 0.5f, &sink);
    best = std::max(best, operations / (Seconds() - begin) / 1e9);
    kept = sink;
  }
  return best;
}

double ReadGigabytesPerSecond(int kib) {
  using Read = void (*)(const float*, std::int64_t, float*);
  const std::pair<int, Read> reads[] = {{1, ESPALIER_KERNEL(Read1)},
                                        {2, ESPALIER_KERNEL(Read2)},
                                        {4, ESPALIER_KERNEL(Read4)},
                                        {8, ESPALIER_KERNEL(Read8)}};
  // A multiple of what eight streams of eight vectors of 64 bytes need.
  const std::int64_t count = std::int64_t{kib} * 256 / 1024 * 1024;
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
  const std::size_t page = std::size_t{2} << 20;
  const std::unique_ptr<void, decltype(&std::free)> memory(
      std::aligned_alloc(page, (bytes + page - 1) / page * page), &std::free);
  madvise(memory.get(), (bytes + page - 1) / page * page, MADV_HUGEPAGE);
  float* const data = static_cast<float*>(memory.get());
  std::fill(data, data + count, 1.0f);
  double best = 0.0;
  for (int repeat = 0; repeat < 15; ++repeat) {
    for (const auto& [streams, read] : reads) {
      float sink = 0.0f;
      const int passes = std::max(1, (1 << 15) / kib);
      const double begin = Seconds();
      for (int pass = 0; pass < passes; ++pass) read(data, count / streams, &sink);
      best = std::max(best, static_cast<double>(bytes) * passes / (Seconds() - begin) / 1e9);
      kept = sink;
    }
  }
  return best;
}

int CacheKib(int level) {
  const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  const int usual[] = {32, 1024, 32768};
  const std::int64_t bytes = sysconf(names[level - 1]);
  return bytes > 0 ? static_cast<int>(bytes / 1024) : usual[level - 1];
}

int WorkingSetKib(int level) {
  switch (level) {
    case 1:
      return CacheKib(1) / 2;
    case 2:
      return CacheKib(2) / 2;
    case 3:
      return std::max(2 * CacheKib(2), CacheKib(3) / 8);
    default:
      return std::clamp(4 * CacheKib(3), 128 << 10, 512 << 10);
  }
}

}  // namespace espalier
#endif  // HWY_ONCE
