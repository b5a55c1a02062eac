// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tests: what an imported network makes of an example.

#include <span>
#include <string>
#include <vector>

#include "espalier/import.h"
#include "espalier/predictor.h"

namespace espalier {

inline std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// What the network has for an output of the model, for a batch of examples: rows as
/// Inputs::SideBySide has them.
inline std::vector<float> OutputOf(const Network& network, const ImportReport& report,
                                   std::size_t output, const std::vector<float>& rows) {
  const Predictor predictor(network, {.layers = {report.outputs.at(output).layer}, .threads = 1});
  const std::int64_t batch = static_cast<std::int64_t>(rows.size()) / predictor.input_size();
  std::vector<float> values(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, Inputs::SideBySide(rows), values);
  return values;
}

}  // namespace espalier
