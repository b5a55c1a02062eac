// SPDX-License-Identifier: Apache-2.0
#include "import/passes.h"

namespace espalier {
namespace {

constexpr ForeignPass kPasses[] = {
    ReadQuantized, FuseLayerNorm,   FuseGelu,      FuseSoftplus, FuseHardSigmoid,
    FuseGates,     FuseConvolution, FuseAttention, FuseDense,    FusePositionEmbedding,
};

}  // namespace

std::span<const ForeignPass> ForeignPasses() { return kPasses; }

}  // namespace espalier
