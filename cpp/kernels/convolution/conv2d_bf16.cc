// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d_bf16.h"

#include "kernels/convolution/conv2d_algorithm.h"
#include "kernels/matmul/matmul_bf16.h"

namespace espalier {
namespace {

// A weight that comes from L2 or L3 takes about as long to fetch as its products at so many
// positions of one image; of more weights than L3 holds, so many more. Measured:
// docs/decisions/0014-bfloat16-in-convolutions.md.
constexpr std::int64_t kMostPositions = 4;
constexpr std::int64_t kMostPositionsOfMany = 12;
constexpr std::int64_t kManyWeights = 1 << 22;    // 16 MiB
constexpr std::int64_t kFewestWeights = 1 << 13;  // 32 KiB: fewer come from L1

}  // namespace

std::string_view Conv2dKeepsFloat(const ConvolutionGeometry& g) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) return "depthwise";
  if (IsWinograd(algorithm)) return "transformed for Winograd";
  if (g.groups > 1) return "in groups";
  const std::int64_t weights = g.kernel_height * g.kernel_width * g.channels * g.output_channels;
  if (weights < kFewestWeights) return "few";
  const std::int64_t most = weights > kManyWeights ? kMostPositionsOfMany : kMostPositions;
  return g.output_height * g.output_width > most ? "each used at many positions" : "";
}

std::int64_t Conv2dPackedBf16Words(const ConvolutionGeometry& g) {
  return PackedBf16Words(g.kernel_height * g.kernel_width * g.channels, g.output_channels);
}

void Conv2dPackBf16(const ConvolutionGeometry& g, const float* weights, std::uint32_t* packed) {
  const std::int64_t area = g.kernel_height * g.kernel_width;
  const std::int64_t depth = area * g.channels;
  for (std::int64_t element = 0; element < area; ++element) {
    PackBf16Rows({.data = weights + element,
                  .rows = g.channels,
                  .columns = g.output_channels,
                  .row_stride = area,
                  .column_stride = depth},
                 depth, element * g.channels, packed);
  }
}

}  // namespace espalier
