// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "export/layer_export.h"

namespace espalier {

/// True if a dense layer at each position makes queries, keys and values side by side for one
/// attention, and for nobody else: then attention writes a product for each of the three, as
/// PyTorch exports transformers, by which others know them.
bool IsWrittenByAttention(const NetworkState& network, const OnnxValues& values,
                          const GraphLayer& layer);

/// What a dense layer at each position makes, the columns [first, first + count) alone.
std::string WriteColumns(LayerExport& dense, std::int64_t first, std::int64_t count);

}  // namespace espalier
