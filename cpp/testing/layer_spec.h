// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "espalier/spec.h"

namespace espalier::testing {

/// A layer's spec in one expression.
inline LayerSpec Spec(std::string kind, Attributes attributes = {}, std::string name = "",
                      std::vector<std::string> inputs = {}) {
  LayerSpec spec;
  spec.name = std::move(name);
  spec.kind = std::move(kind);
  spec.inputs = std::move(inputs);
  spec.attributes = std::move(attributes);
  return spec;
}

inline LayerSpec Spec(std::string kind, std::string name, std::vector<std::string> inputs) {
  return Spec(std::move(kind), {}, std::move(name), std::move(inputs));
}

}  // namespace espalier::testing
