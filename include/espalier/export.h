// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "espalier/network.h"

namespace espalier {

inline constexpr int kLeastOnnxOperatorSet = 17;
inline constexpr int kMostOnnxOperatorSet = 22;

/// What an exported model answers, and in which operators. As a predictor's, that is what all heads
/// say, unless some heads or layers are named.
struct OnnxExportOptions {
  bool logits = false;              ///< logits instead of probabilities
  std::vector<std::string> heads;   ///< only these, in the network's order
  std::vector<std::string> layers;  ///< what these make, as it lies outside, behind the heads
  /// Of the model: kLeastOnnxOperatorSet to kMostOnnxOperatorSet. Programs read sets up to that of
  /// their own time; newer ones have one operator for Mish (18), gelu (20) and group norms (21).
  int operator_set = kLeastOnnxOperatorSet;
  /// The weights that SaveOptions::int8_weights writes in 8 bits are so in the model: bytes with a
  /// scale for each output, made floats by DequantizeLinear, and rows of tables by what is read of
  /// them. As written it computes in floats, as the network with the rounded weights does.
  bool int8_weights = false;
};

/// Writes the network as an ONNX model, as safely as SaveNetwork writes:
///
/// - Inputs have the network's names, and shapes [batch, shape]; integers are int64. Normalization
/// is
///   part of the model. Where a network's input says how many positions count, others' length is
///   free, up to that of the network: the longest of the batch's examples is enough.
/// - Outputs are named after heads and layers; [batch, width] of a head are probabilities of
///   labels and classes, or logits, and values.
/// - The metadata `espalier.tasks` is JSON: for each head its name, kind, labels, thresholds, and
///   whether its output is "probabilities" or "logits". The network's own metadata are beside it.
///
/// Dropout and what no output needs are left out. Throws Error: INVALID_ARGUMENT for an
/// operator set that is not written, for a head or layer that there is not, and listing all layers
/// that ONNX has no operators for; INVALID_STATE
/// where there is nothing to answer; BUSY if another thread trains the network; IO.
void ExportOnnx(const Network& network, const std::string& path,
                const OnnxExportOptions& options = {});

}  // namespace espalier
