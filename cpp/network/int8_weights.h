// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which weights have 8 bits where 8 bits are asked for: in plans with Precision::kInt8, and in
// files with SaveOptions::int8_weights. One rule for both, by layers and sizes alone, so that a
// plan of what was read from such a file has the same bytes and scales, and with them the bits, as
// a plan of the network that was saved.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/memory.h"
#include "network/network_state.h"

namespace espalier {

/// Why a convolution stays in float there, for people: "depthwise"; empty: it is a dense layer at
/// each position.
std::string_view Int8KeepsFloat(const ConvolutionGeometry& geometry);

/// Why parameter 0 of a layer, weights or the table of an embedding, stays float there, for people:
/// "a head's output"; empty: it has 8 bits, with a scale for each row of its first dimension.
std::string_view Int8KeepsFloat(const NetworkState& network, const GraphLayer& layer);

bool HasInt8Weights(const NetworkState& network, int layer);

/// Rows of bytes (kernels/matmul/symmetric_bytes.h), each with a scale.
struct Int8Rows {
  std::int64_t columns = 0;
  AlignedArray<std::int8_t> bytes;  // [rows, columns]
  AlignedArray<float> scales;       // [rows]

  std::int64_t rows() const { return scales.size(); }
  const std::int8_t* row(std::int64_t i) const { return bytes.data() + i * columns; }
};

/// True if a layer that HasInt8Weights loses nothing by them: its weights are bytes and scales.
bool AreInt8Weights(const NetworkState& network, int layer);

/// The rows of parameter 0 of a layer.
Int8Rows QuantizeRows(const NetworkState& network, int layer);

}  // namespace espalier
