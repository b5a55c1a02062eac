// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "espalier/weights.h"
#include "network/network_state.h"

namespace espalier {

/// The tensors that are a parameter, the rows of each after those of the one before.
struct ParameterTensors {
  std::vector<std::string> names;    ///< none where a map that learns has to find it
  const WeightRule* rule = nullptr;  ///< of the map; null if none matches
  WeightRule::Values values = WeightRule::Values::kSame;
  WeightEvidence evidence = WeightEvidence::kName;

  int leading_ones() const { return rule == nullptr ? 0 : rule->leading_ones; }
};

/// One a parameter. Throws Error: INVALID_ARGUMENT for a rule that has no name or other wildcards
/// on one side than on the other, for one that matches no parameter though it has to, or if two
/// parameters have one tensor.
std::vector<ParameterTensors> TensorsOf(const NetworkState& network, const WeightMap& map);

/// The shape that each of a parameter's tensors has unless it is reshaped. Throws Error:
/// INVALID_ARGUMENT, naming the rule, if the parameter has none such: it can't be transposed, or
/// its rows can't be shared out.
std::vector<std::int64_t> TensorShape(const GraphParameter& parameter,
                                      const ParameterTensors& tensors);

/// True if `name` is one of these, or matches one that is a glob.
bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name);

}  // namespace espalier
