// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution of images so small that their weights take longer to be read than to be used, as at
// the end of a ResNet: what the outputs of several images read is copied side by side, and is one
// matrix product with weights that are read once for all of them. Internal to kernels/.

#include <cstdint>

#include "kernels/convolution/shifted_rows.h"

namespace espalier {

/// True for few outputs an image, many weights, and outputs that lie one after another.
bool TakesPatches(const ShiftedRows& rows);

/// Images to give SumPatches at once.
std::int64_t ImagesOfPatches(const ShiftedRows& rows);
std::int64_t PatchesScratchFloats(const ShiftedRows& rows);

/// All outputs of `images` images that lie one after another, as do their outputs, at most
/// ImagesOfPatches: as SumShiftedRows, with the same bits.
void SumPatches(const ShiftedRows& rows, const float* input, std::int64_t images,
                const float* packed, const Epilogue& epilogue, float* output, float* scratch);

}  // namespace espalier
