// SPDX-License-Identifier: Apache-2.0

// Dense layers and products of values.

#include "export/product_kinds.h"

#include <array>
#include <utility>

namespace espalier {
namespace {

template <typename Value>
std::vector<Value> Transposed(const Value* values, std::int64_t rows, std::int64_t columns) {
  std::vector<Value> transposed(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < columns; ++k) {
      transposed[static_cast<std::size_t>(k * rows + i)] = values[i * columns + k];
    }
  }
  return transposed;
}

// Weights of columns [first, first + count), as a product from the left wants them.
std::string WeightsOf(LayerExport& dense, std::int64_t first, std::int64_t count) {
  const std::int64_t width = dense.ParameterShape(0)[1];
  const std::array shape = {width, count};
  if (!dense.HasInt8Weights()) {
    return dense.Floats("weight", shape,
                        Transposed(dense.ParameterValues(0).data() + first * width, count, width));
  }
  const Int8Rows rows = dense.WeightRows();
  return dense.Dequantized("weight", shape, Transposed(rows.row(first), count, width),
                           std::span(rows.scales.data() + first, static_cast<std::size_t>(count)),
                           1);
}

std::string BiasOf(LayerExport& dense, std::int64_t first, std::int64_t count) {
  const std::span<const float> all = dense.ParameterValues(1);
  return dense.Floats(
      "bias", std::array{count},
      all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
}

void WriteDense(LayerExport& layer) {
  if (layer.Has("per_position")) {
    if (IsWrittenByAttention(layer.network(), layer.values(), layer.layer())) return;
    const std::int64_t units = layer.Whole("units");
    const std::string weights = WeightsOf(layer, 0, units);
    if (!layer.HasParameter(1)) {
      layer.Result("MatMul", {layer.Input(), weights});
      return;
    }
    const std::string product = layer.Node("product", "MatMul", {layer.Input(), weights});
    layer.Result("Add", {BiasOf(layer, 0, units), product});
    return;
  }
  std::string input = layer.Input();
  if (layer.InputShape().rank() > 1) {
    input = layer.Node("flat", "Flatten", {input}, {{"axis", std::int64_t{1}}});
  }
  std::vector<std::string> inputs = {input, layer.Weights()};
  if (layer.HasParameter(1)) inputs.push_back(layer.Parameter(1));
  layer.Result("Gemm", inputs, {{"transB", std::int64_t{1}}});
}

// Matrices are the last two dimensions; the second input may be one for all of the first's.
void WriteMatmul(LayerExport& layer) {
  const auto operand = [&](const std::string& input, const char* transposes) {
    if (!layer.Flag(transposes)) return input;
    std::vector<std::int64_t> order;
    for (int axis = 0; axis <= layer.OutputShape().rank(); ++axis) order.push_back(axis);
    std::swap(order.back(), order[order.size() - 2]);
    return layer.Node("transposed", "Transpose", {input}, {{"perm", order}});
  };
  const std::string first = operand(layer.Input(0), "transpose_first");
  layer.Result("MatMul", {first, operand(layer.InputOfOutputRank(1), "transpose_second")});
}

}  // namespace

bool IsWrittenByAttention(const NetworkState& network, const OnnxValues& values,
                          const GraphLayer& layer) {
  const auto output = static_cast<std::size_t>(layer.output);
  if (layer.layer->kind() != "dense" || !layer.layer->attributes().contains("per_position") ||
      layer.is_constant || values.is_output[output] != 0 || values.readers[output].size() != 1) {
    return false;
  }
  const GraphLayer& reader = network.layers[static_cast<std::size_t>(values.readers[output][0])];
  const Attributes settings = reader.layer->attributes();
  const auto packed = settings.find("packed");
  return packed != settings.end() && std::get<bool>(packed->second);
}

std::string WriteColumns(LayerExport& dense, std::int64_t first, std::int64_t count) {
  const std::string product =
      dense.Node("product", "MatMul", {dense.Input(), WeightsOf(dense, first, count)});
  if (!dense.HasParameter(1)) return product;
  return dense.Node("columns", "Add", {BiasOf(dense, first, count), product});
}

std::span<const KindExport> ProductKinds() {
  static constexpr std::array kKinds = {KindExport{"dense", WriteDense},
                                        KindExport{"matmul", WriteMatmul}};
  return kKinds;
}

}  // namespace espalier
