// SPDX-License-Identifier: Apache-2.0
#pragma once

// An exponential moving average of what trains in a network.

#include <cstdint>
#include <span>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "network/network_state.h"

namespace espalier {

class WeightAverage {
 public:
  /// Begins with the network's parameters as they are; the network must outlive it. What is frozen
  /// now is left alone.
  WeightAverage(NetworkState& network, double decay);

  /// Moves towards the parameters, after a step.
  void Follow(Workspace& workspace);

  /// Exchanges averages and parameters.
  void Swap();
  bool is_swapped() const { return is_swapped_; }

  /// Averages of a parameter; empty if it is left alone.
  std::span<float> Of(int parameter);
  /// Steps followed so far.
  std::int64_t& steps() { return steps_; }

  std::int64_t NativeBytes() const { return averages_.bytes(); }

 private:
  // Of parameter_floats; runs as long as may be.
  struct Run {
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::int64_t average = 0;  // its place in averages_
  };

  NetworkState& network_;
  double decay_;
  std::vector<Run> runs_;
  AlignedArray<float> averages_;
  std::int64_t steps_ = 0;
  bool is_swapped_ = false;
};

}  // namespace espalier
