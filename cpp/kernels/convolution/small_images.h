// SPDX-License-Identifier: Apache-2.0
#pragma once

// A training step's convolutions of images so small that reading their weights is what they cost,
// and that much of what a kernel covers is padding: all three products take the weights, and give
// their gradients, as they lie in files, since packed weights would be used once; and each element
// of the kernel multiplies only the pixels that it meets.
//
// Images are copied pixel by pixel, so that one element's product has the same pixel of all images
// as its rows. Each sum of a pass is one chain: over kernel elements, then channels, for the
// weights' gradient over positions, then images.

#include <cstdint>

#include "kernels/convolution/conv2d.h"

namespace espalier {

/// Few outputs an image, many weights, one group, no large kernel; by the geometry alone.
bool HasSmallImages(const ConvolutionGeometry& geometry);

/// Floats of `buffer` that each of the functions below needs.
std::int64_t SmallImagesFloats(const ConvolutionGeometry& geometry, std::int64_t batch);
/// Scratch floats per worker that each of them needs.
std::int64_t SmallImagesScratchFloats(const ConvolutionGeometry& geometry);

/// As Conv2dForward, without a residual.
void SmallImagesForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                        const float* weights, const Epilogue& epilogue, float* output,
                        float* buffer, Workspace& workspace);

/// As Conv2dBackwardInput.
void SmallImagesBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                              const float* grad_output, const float* weights, float* grad_input,
                              float* buffer, Workspace& workspace);

/// As Conv2dBackwardWeights, without the bias.
void SmallImagesBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                                const float* input, const float* grad_output, float* grad_weights,
                                float* buffer, Workspace& workspace);

}  // namespace espalier
