// SPDX-License-Identifier: Apache-2.0
#include "machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

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

void ReadAll(const float* data, std::int64_t count, float* sink) {
  const D d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<D> sums[8];
  HWY_UNROLL(8)
  for (int i = 0; i < 8; ++i) sums[i] = hn::Zero(d);
  for (std::int64_t at = 0; at + 8 * lanes <= count; at += 8 * lanes) {
    HWY_UNROLL(8)
    for (int i = 0; i < 8; ++i) sums[i] = hn::Max(sums[i], hn::LoadU(d, data + at + i * lanes));
  }
  auto total = hn::Zero(d);
  HWY_UNROLL(8)
  for (int i = 0; i < 8; ++i) total = hn::Add(total, sums[i]);
  *sink += hn::ReduceSum(d, total);
}

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
  for (int repeat = 0; repeat < 20; ++repeat) {
    float sink = 0.0f;
    const double begin = Seconds();
    const double operations = ESPALIER_KERNEL(MultiplyAdds)(200'000, 0.5f, &sink);
    best = std::max(best, operations / (Seconds() - begin) / 1e9);
    kept = sink;
  }
  return best;
}

double ReadGigabytesPerSecond(int kib) {
  const std::int64_t count = std::int64_t{kib} * 256;
  const std::vector<float> data(static_cast<std::size_t>(count), 1.0f);
  double best = 0.0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    float sink = 0.0f;
    const int passes = std::max(1, (1 << 16) / kib);
    const double begin = Seconds();
    for (int pass = 0; pass < passes; ++pass) {
      ESPALIER_KERNEL(ReadAll)(data.data(), count, &sink);
    }
    best = std::max(best, 4.0 * static_cast<double>(count) * passes / (Seconds() - begin) / 1e9);
    kept = sink;
  }
  return best;
}

}  // namespace espalier
#endif  // HWY_ONCE
