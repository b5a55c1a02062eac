// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values that are computed from no input of a network: known as soon as a plan is compiled.

#include <map>
#include <vector>

#include "core/memory.h"
#include "layers/layout.h"
#include "network/network_state.h"

namespace espalier {

class Constants {
 public:
  /// Those that are needed and not given, by value of the graph.
  Constants(const NetworkState& network, const std::vector<char>& is_needed,
            const std::vector<char>& is_given);

  bool Has(int value) const { return values_.contains(value); }

  /// One that there is, in that layout.
  AlignedArray<float> In(int value, Layout layout) const;

  /// Graph values that there are.
  const std::map<int, AlignedArray<float>>& values() const { return values_; }

 private:
  void Compute(int layer);

  const NetworkState& network_;
  std::map<int, AlignedArray<float>> values_;  // as they lie in the graph
};

}  // namespace espalier
