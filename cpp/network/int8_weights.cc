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

bool IsHeadOutput(const NetworkState& network, const GraphLayer& layer) {
  return std::any_of(network.heads.begin(), network.heads.end(),
                     [&](const GraphHead& head) { return network.logits(head) == layer.output; });
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

std::string_view Int8KeepsFloat(const NetworkState& network, const GraphLayer& layer) {
  if (layer.parameters.empty()) return "no weights";
  if (layer.is_constant) return "computed from no input";
  const Shape& shape = WeightOf(network, layer).shape;
  if (layer.layer->HasTableGradient()) {
    return shape.element_count() >= kLeastTable && shape[1] >= kLeastWidth ? "" : "few";
  }
  const LayerTraits traits = TraitsOf(layer);
  if (traits.convolution) return Int8KeepsFloat(*traits.convolution);
  if (traits.product == LayerProduct::kNone) return "not a product";
  if (IsHeadOutput(network, layer)) return "a head's output";
  return Int8KeepsFloat(shape.element_count() / shape[0], shape[0]);
}

bool HasInt8Weights(const NetworkState& network, int layer) {
  return Int8KeepsFloat(network, network.layers[static_cast<std::size_t>(layer)]).empty();
}

bool AreInt8Weights(const NetworkState& network, int layer) {
  const GraphLayer& graph_layer = network.layers[static_cast<std::size_t>(layer)];
  const Shape& shape = WeightOf(network, graph_layer).shape;
  const std::int64_t columns = shape.element_count() / shape[0];
  const float* const values = network.parameter_values(graph_layer.parameters[0]);
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    if (!AreSymmetricBytes(values + i * columns, columns)) return false;
  }
  return true;
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
