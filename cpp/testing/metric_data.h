// SPDX-License-Identifier: Apache-2.0
#pragma once

// Data of the metric tests, the same as testdata/metrics.py makes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "espalier/metrics.h"

namespace espalier::testing {

/// Numbers in [0, 1) with 24 bits.
inline std::vector<double> Draws(std::size_t count, std::uint32_t start) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    start = start * 1664525u + 1013904223u;
    values.push_back(static_cast<double>(start >> 8) / 16777216.0);
  }
  return values;
}

inline std::vector<std::string> Letters(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(1, static_cast<char>('a' + i));
  return names;
}

/// The metric of that name and label; named "missing" if there is none.
inline Metric Find(const std::vector<Metric>& metrics, const std::string& name,
                   const std::string& label = "") {
  for (const Metric& metric : metrics) {
    if (metric.name == name && metric.label == label) return metric;
  }
  return {"missing", "", -1.0, -1};
}

}  // namespace espalier::testing
