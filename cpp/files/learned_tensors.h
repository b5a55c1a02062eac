// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which tensor of a file is which parameter where nobody says so: by what leaves only one choice.

#include <span>
#include <string>
#include <vector>

#include "espalier/weights.h"
#include "files/safetensors.h"
#include "network/network_state.h"

namespace espalier {

struct LearnedTensors {
  struct Pair {
    int parameter = 0;
    const SafetensorsTensor* tensor = nullptr;  ///< of the same shape but for dimensions of size 1
    WeightEvidence evidence = WeightEvidence::kName;
  };
  std::vector<Pair> pairs;
  /// Of parameters and tensors that are left over, or that nothing tells apart: "expected …, got
  /// …". Empty if all are paired.
  std::vector<std::string> problems;
};

/// Pairs parameters, by index, with tensors. Those of the same name first; then layer by layer, by
/// the first evidence that pairs all of the same shapes.
LearnedTensors LearnTensors(const NetworkState& network, std::span<const int> parameters,
                            std::span<const SafetensorsTensor* const> tensors);

}  // namespace espalier
