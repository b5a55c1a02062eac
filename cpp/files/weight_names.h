// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "espalier/weights.h"
#include "network/network_state.h"

namespace espalier {

/// The tensor that is a parameter.
struct ParameterTensor {
  std::string name;
  const WeightRule* rule = nullptr;  ///< of the map; null if none matches

  WeightRule::Values values() const {
    return rule == nullptr ? WeightRule::Values::kSame : rule->values;
  }
};

/// One a parameter. Throws Error: INVALID_ARGUMENT for a rule that has no name or other wildcards
/// on one side than on the other, or if two parameters have one tensor.
std::vector<ParameterTensor> TensorsOf(const NetworkState& network, const WeightMap& map);

/// True if `name` is one of these, or matches one that is a glob.
bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name);

}  // namespace espalier
