// SPDX-License-Identifier: Apache-2.0
#pragma once

// The last sums of a convolution's parameter gradients. Internal to kernels/.

#include <cstdint>

#include "core/thread_pool.h"

namespace espalier {

struct WeightPartials {
  const float* partial;  ///< [chunks, groups, depth, outputs]
  std::int64_t chunks;
  std::int64_t groups;
  std::int64_t depth;
  std::int64_t outputs;
};

/// grad_weights [groups, outputs, depth] = the chunks added up in order, from 0.
void AddPartials(const WeightPartials& partials, float* grad_weights, Workspace& workspace);

/// sums[c] = sum over examples and positions of x [batch, channels, positions]. The order
/// depends on `positions` and the instruction set; examples are added in order, in double.
void ChannelSums(const float* x, std::int64_t batch, std::int64_t channels, std::int64_t positions,
                 float* sums, Workspace& workspace);

}  // namespace espalier
