// SPDX-License-Identifier: Apache-2.0
#include "import/passes.h"

namespace espalier {
namespace {

constexpr ForeignPass kPasses[] = {
    ReadQuantized,          FuseLayerNorm,   FuseGelu,
    FuseSoftplus,           FuseHardSigmoid, FuseGates,
    FuseConvolution,        FuseAttention,   FuseDense,
    FusePositionEmbedding,
    FuseInputNormalization,  // last: what looks like it may belong to something above
};

}  // namespace

std::span<const ForeignPass> ForeignPasses() { return kPasses; }

}  // namespace espalier
