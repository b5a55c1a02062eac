// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul_block.h"

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_block.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void MultiplyAdjacent(const TiledProduct& product) {
  MultiplyTiles<AdjacentRows, FloatColumns>(product);
}

TileShape GetTileShape() { return {kTileRows, kPanelColumns, kLanes}; }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

TileShape ActiveTileShape() { return ESPALIER_KERNEL(GetTileShape)(); }

void MultiplyAdjacentRows(const TiledProduct& product) {
  ESPALIER_KERNEL(MultiplyAdjacent)(product);
}

}  // namespace espalier
#endif  // HWY_ONCE
