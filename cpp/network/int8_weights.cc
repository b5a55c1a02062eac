// SPDX-License-Identifier: Apache-2.0
#include "network/int8_weights.h"

#include <algorithm>

#include "kernels/convolution/conv2d.h"
#include "kernels/matmul/matmul_int8.h"
#include "kernels/matmul/symmetric_bytes.h"
#include "layers/positions.h"

namespace espalier {
namespace {

// Tables below this are no burden, and of rows shorter than this scales would be a good part.
constexpr std::int64_t kLeastTable = 4096;
constexpr std::int64_t kLeastWidth = 32;

const GraphParameter& WeightOf(const NetworkState& network, const GraphLayer& layer) {
  return network.parameters[static_cast<std::size_t>(layer.parameters[0])];
}

bool IsHeadOutput(const NetworkState& network, int layer) {
  return std::any_of(network.heads.begin(), network.heads.end(),
                     [&](const GraphHead& head) { return head.output == layer; });
}

}  // namespace

std::string_view Int8KeepsFloat(const ConvolutionGeometry& geometry) {
  if (geometry.IsDepthwise()) return "depthwise";
  if (geometry.groups > 1) return "grouped";
  const bool is_pointwise = geometry.kernel_height == 1 && geometry.kernel_width == 1 &&
                            geometry.stride_height == 1 && geometry.stride_width == 1 &&
                            geometry.output_height == geometry.height &&
                            geometry.output_width == geometry.width;
  if (!is_pointwise) return "not 1 x 1 of stride 1";
  return Int8KeepsFloat(geometry.channels, geometry.output_channels);
}

bool HasInt8Weights(const NetworkState& network, int layer) {
  const GraphLayer& graph_layer = network.layers[static_cast<std::size_t>(layer)];
  if (graph_layer.is_constant || graph_layer.parameters.empty()) return false;
  const Shape& shape = WeightOf(network, graph_layer).shape;
  if (graph_layer.layer->HasTableGradient()) {
    return shape.element_count() >= kLeastTable && shape[1] >= kLeastWidth;
  }
  const LayerTraits traits = TraitsOf(graph_layer);
  if (traits.convolution) return Int8KeepsFloat(*traits.convolution).empty();
  if (traits.product == LayerProduct::kNone || IsHeadOutput(network, layer)) return false;
  return Int8KeepsFloat(shape.element_count() / shape[0], shape[0]).empty();
}

Int8Rows QuantizeRows(const NetworkState& network, int layer) {
  const GraphLayer& graph_layer = network.layers[static_cast<std::size_t>(layer)];
  const Shape& shape = WeightOf(network, graph_layer).shape;
  const float* const values = network.parameter_values(graph_layer.parameters[0]);
  Int8Rows rows{.columns = shape.element_count() / shape[0],
                .bytes = AlignedArray<std::int8_t>(shape.element_count()),
                .scales = AlignedArray<float>(shape[0])};
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    const std::int64_t begin = i * rows.columns;
    rows.scales[i] = QuantizeSymmetric(values + begin, 1, rows.columns, rows.bytes.data() + begin);
  }
  return rows;
}

}  // namespace espalier
