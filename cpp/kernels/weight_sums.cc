// SPDX-License-Identifier: Apache-2.0
#include "kernels/weight_sums.h"

#include <algorithm>

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/weight_sums.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// Columns of one panel of `outputs`, transposed on the way out.
void AddColumns(const WeightPartials& partials, std::int64_t group, std::int64_t output,
                float* grad_weights) {
  const D d;
  const std::int64_t count = std::min(kLanes, partials.outputs - output);
  const std::int64_t matrix = partials.depth * partials.outputs;
  float* to = grad_weights + (group * partials.outputs + output) * partials.depth;
  HWY_ALIGN float lanes[kLanes];
  for (std::int64_t k = 0; k < partials.depth; ++k) {
    const float* from = partials.partial + group * matrix + k * partials.outputs + output;
    auto sum = hn::Zero(d);
    for (std::int64_t chunk = 0; chunk < partials.chunks; ++chunk) {
      sum = hn::Add(sum, hn::LoadN(d, from + chunk * partials.groups * matrix,
                                   static_cast<std::size_t>(count)));
    }
    hn::Store(sum, d, lanes);
    for (std::int64_t i = 0; i < count; ++i) to[i * partials.depth + k] = lanes[i];
  }
}

std::int64_t Lanes() { return kLanes; }

float PlaneSum(const float* x, std::int64_t count) {
  const D d;
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  auto sum2 = hn::Zero(d);
  auto sum3 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    sum0 = hn::Add(sum0, hn::LoadU(d, x + i));
    sum1 = hn::Add(sum1, hn::LoadU(d, x + i + kLanes));
    sum2 = hn::Add(sum2, hn::LoadU(d, x + i + 2 * kLanes));
    sum3 = hn::Add(sum3, hn::LoadU(d, x + i + 3 * kLanes));
  }
  for (; i < count; i += kLanes) {
    const std::size_t rest = static_cast<std::size_t>(std::min(kLanes, count - i));
    sum0 = hn::Add(sum0, hn::LoadN(d, x + i, rest));
  }
  return hn::ReduceSum(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void AddPartials(const WeightPartials& partials, float* grad_weights, Workspace& workspace) {
  const std::int64_t lanes = ESPALIER_KERNEL(Lanes)();
  const std::int64_t panels = (partials.outputs + lanes - 1) / lanes;
  const auto add = ESPALIER_KERNEL(AddColumns);
  workspace.ParallelFor(panels * partials.groups, [&](std::int64_t task, std::span<float>) {
    add(partials, task / panels, task % panels * lanes, grad_weights);
  });
}

void ChannelSums(const float* x, std::int64_t batch, std::int64_t channels, std::int64_t positions,
                 float* sums, Workspace& workspace) {
  constexpr std::int64_t kChannelsPerTask = 16;
  const auto plane_sum = ESPALIER_KERNEL(PlaneSum);
  const std::int64_t tasks = (channels + kChannelsPerTask - 1) / kChannelsPerTask;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float>) {
    const std::int64_t end = std::min(channels, (task + 1) * kChannelsPerTask);
    for (std::int64_t channel = task * kChannelsPerTask; channel < end; ++channel) {
      double sum = 0.0;
      for (std::int64_t e = 0; e < batch; ++e) {
        sum += plane_sum(x + (e * channels + channel) * positions, positions);
      }
      sums[channel] = static_cast<float>(sum);
    }
  });
}

}  // namespace espalier
#endif  // HWY_ONCE
