// SPDX-License-Identifier: Apache-2.0
#pragma once

// Passes find what exporters write as many nodes, and put one operator in its place
// (import/composites.h). They see the graph after folding: dimensions are known, constants are
// constants, and every shape that a node is told is a constant but for the batch.

#include <span>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Rewrites what it finds, adds it to `report.fused`, and leaves what it does not know. What became
/// useless it may leave too.
using ForeignPass = void (*)(ForeignGraph& graph, ImportReport& report);

/// In the order in which they run.
std::span<const ForeignPass> ForeignPasses();

/// Reads quantized models in real numbers.
void ReadQuantized(ForeignGraph& graph, ImportReport& report);

/// Attention of several heads, and means of the vectors that a mask leaves; masks become lengths
/// (import/mask_lengths.h).
void FuseAttention(ForeignGraph& graph, ImportReport& report);
/// x times a function of x: SiLU, hard swish, mish.
void FuseGates(ForeignGraph& graph, ImportReport& report);
/// Sums and products of an input and constants, of all or of channels, where nothing else reads it.
void FuseInputNormalization(ForeignGraph& graph, ImportReport& report);
/// Biases and factors of channels behind a convolution become its own.
void FuseConvolution(ForeignGraph& graph, ImportReport& report);
void FuseGelu(ForeignGraph& graph, ImportReport& report);
void FuseHardSigmoid(ForeignGraph& graph, ImportReport& report);
void FuseLayerNorm(ForeignGraph& graph, ImportReport& report);
void FusePositionEmbedding(ForeignGraph& graph, ImportReport& report);
void FuseSoftplus(ForeignGraph& graph, ImportReport& report);

/// MatMul by a constant, and Add of another: one node "Dense" of kCompositeDomain.
void FuseDense(ForeignGraph& graph, ImportReport& report);

}  // namespace espalier
