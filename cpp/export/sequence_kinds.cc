// SPDX-License-Identifier: Apache-2.0

// Tables, tokens and recurrent layers.

#include <array>

#include "core/text.h"
#include "export/layer_export.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Of a table of all positions, the first ones, where the length of `value` varies.
std::string FirstPositions(LayerExport& layer, const std::string& table, int value) {
  const Length& length = layer.network().value(value).length;
  if (layer.values().InputOfLength(length) < 0) return table;
  return layer.Node("first", "Slice",
                    {table, layer.Integers("begin", Integers{0}),
                     layer.values().PositionsOf(length), layer.Integers("axis", Integers{1})});
}

void WriteConstant(LayerExport& layer) {
  Integers shape = BatchOf(layer.OutputShape());
  shape[0] = 1;
  std::string table;
  if (layer.Has("integers")) {
    table = layer.Node(
        "table", "Reshape",
        {layer.Integers("integers", layer.List("integers")), layer.Integers("shape", shape)});
  } else {
    table = layer.Parameter(0, shape);
  }
  layer.Result("Identity", {FirstPositions(layer, table, layer.layer().output)});
}

// Of bytes only the rows that are read become floats.
void WriteEmbedding(LayerExport& layer) {
  const OnnxAttributes first_axis = {{"axis", std::int64_t{0}}};
  if (!layer.HasInt8Weights()) {
    layer.Result("Gather", {layer.Parameter(0), layer.Input()}, first_axis);
    return;
  }
  const Int8Rows rows = layer.WeightRows();
  const std::string bytes =
      layer.Bytes("bytes", layer.ParameterShape(0).dimensions(), rows.bytes.span());
  const std::string scales =
      layer.Floats("scales", std::array{rows.rows(), std::int64_t{1}}, rows.scales.span());
  const std::string read = layer.Node("read", "Gather", {bytes, layer.Input()}, first_axis);
  layer.Result("Mul", {layer.Node("real", "Cast", {read}, {{"to", std::int64_t{1}}}),
                       layer.Node("scale", "Gather", {scales, layer.Input()}, first_axis)});
}

void WritePositionEmbedding(LayerExport& layer) {
  const std::int64_t width = layer.OutputShape()[1];
  const Integers shape = {1, layer.OutputShape()[0], width};
  const std::string table = layer.Floats("table", shape,
                                         layer.ParameterValues(0).first(static_cast<std::size_t>(
                                             layer.OutputShape().element_count())));
  layer.Result("Add", {layer.Input(), FirstPositions(layer, table, layer.layer().output)});
}

void WriteClassToken(LayerExport& layer) {
  const Integers shape = {1, 1, layer.OutputShape()[1]};
  const std::string batch = layer.Node("batch", "Shape", {layer.Input()},
                                       {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  const std::string sizes =
      layer.Node("sizes", "Concat", {batch, layer.Integers("ones", Integers{1, 1})},
                 {{"axis", std::int64_t{0}}});
  const std::string token = layer.Node("token", "Expand", {layer.Parameter(0, shape), sizes});
  layer.Result("Concat", {token, layer.Input()}, {{"axis", std::int64_t{1}}});
}

// All positions as one.
struct Pooling {
  const char* operation;
  std::vector<std::string> inputs;
  OnnxAttributes attributes;
};

Pooling PoolingOf(LayerExport& layer, const std::string& pool, const std::string& tokens) {
  if (pool == "first") {
    return {"Gather", {tokens, layer.Integer("first", 0)}, {{"axis", std::int64_t{1}}}};
  }
  Pooling pooling = {
      pool == "max" ? "ReduceMax" : "ReduceMean", {tokens}, {{"keepdims", std::int64_t{0}}}};
  layer.AddAxes(pooling.operation, {1}, pooling.inputs, pooling.attributes);
  return pooling;
}

void WriteTokenPool(LayerExport& layer) {
  const std::string& pool = layer.Text("pool");
  if (layer.InputCount() == 1) {
    const Pooling pooling = PoolingOf(layer, pool, layer.Input());
    layer.Result(pooling.operation, pooling.inputs, pooling.attributes);
    return;
  }
  const std::string counts = layer.Input(1);  // [batch, 1]
  const std::string zero = layer.Scalar("zero", 0.0);
  std::string tokens = layer.Input(0);
  if (pool != "first") {
    const std::string is_valid =
        layer.Node("is_valid", "Less", {layer.PositionNumbers("numbers", 0), counts});
    const std::string column =
        layer.Node("column", "Unsqueeze", {is_valid, layer.Integers("axis", Integers{2})});
    // Less than any token, which the lowest float is.
    const std::string rest = pool == "max" ? layer.Scalar("lowest", -3.4028235e38) : zero;
    tokens = layer.Node("valid", "Where", {column, tokens, rest});
  }
  if (pool == "mean") {
    const std::string sum =
        layer.Node("sum", "ReduceSum", {tokens, layer.Integers("axes", Integers{1})},
                   {{"keepdims", std::int64_t{0}}});
    const std::string least = layer.Node("least", "Max", {counts, layer.Integer("one", 1)});
    const std::string divisor = layer.Node(
        "divisor", "Cast", {least}, {{"to", static_cast<std::int64_t>(onnx::ElementType::kFloat)}});
    layer.Result("Div", {sum, divisor});  // 0 without tokens
    return;
  }
  const std::string has_tokens =
      layer.Node("has_tokens", "Greater", {counts, layer.Integer("none", 0)});
  const Pooling pooling = PoolingOf(layer, pool, tokens);
  const std::string pooled =
      layer.Node("pooled", pooling.operation, pooling.inputs, pooling.attributes);
  layer.Result("Where", {has_tokens, pooled, zero});
}

// Rows of one of PyTorch's gates after the other, in the order that ONNX has.
std::vector<float> InOrder(std::span<const float> rows, std::int64_t directions,
                           std::int64_t gate_floats, std::span<const std::int64_t> gates) {
  std::vector<float> ordered;
  const auto count = static_cast<std::int64_t>(gates.size());
  for (std::int64_t direction = 0; direction < directions; ++direction) {
    for (const std::int64_t gate : gates) {
      const auto gate_rows =
          rows.subspan(static_cast<std::size_t>((direction * count + gate) * gate_floats),
                       static_cast<std::size_t>(gate_floats));
      ordered.insert(ordered.end(), gate_rows.begin(), gate_rows.end());
    }
  }
  return ordered;
}

// Both biases, [directions, 2 · gates · hidden].
std::string RecurrentBias(LayerExport& layer, std::int64_t directions, std::int64_t hidden,
                          std::span<const std::int64_t> gates) {
  const std::vector<float> own = InOrder(layer.ParameterValues(2), directions, hidden, gates);
  const std::vector<float> recurrent = InOrder(layer.ParameterValues(3), directions, hidden, gates);
  const std::size_t row = own.size() / static_cast<std::size_t>(directions);
  std::vector<float> both;
  for (std::size_t i = 0; i < own.size(); i += row) {
    for (const std::vector<float>* bias : {&own, &recurrent}) {
      const auto begin = bias->begin() + static_cast<std::ptrdiff_t>(i);
      both.insert(both.end(), begin, begin + static_cast<std::ptrdiff_t>(row));
    }
  }
  return layer.Floats("bias", Integers{directions, 2 * static_cast<std::int64_t>(row)}, both);
}

void WriteRecurrent(LayerExport& layer) {
  static constexpr std::array<std::int64_t, 3> kGruGates = {1, 0, 2};      // z r h of r z n
  static constexpr std::array<std::int64_t, 4> kLstmGates = {0, 3, 1, 2};  // i o f c of i f g o
  const bool is_lstm = layer.layer().layer->kind() == "lstm";
  const std::span<const std::int64_t> gates = is_lstm ? std::span<const std::int64_t>(kLstmGates)
                                                      : std::span<const std::int64_t>(kGruGates);
  const std::int64_t directions = layer.Flag("bidirectional") ? 2 : 1;
  const std::int64_t hidden = layer.Whole("hidden");
  const std::int64_t width = layer.InputShape()[1];
  const std::int64_t rows = static_cast<std::int64_t>(gates.size()) * hidden;
  std::vector<std::string> inputs = {
      layer.Node("by_position", "Transpose", {layer.Input(0)}, {{"perm", Integers{1, 0, 2}}}),
      layer.Floats("weight", Integers{directions, rows, width},
                   InOrder(layer.ParameterValues(0), directions, hidden * width, gates)),
      layer.Floats("recurrent_weight", Integers{directions, rows, hidden},
                   InOrder(layer.ParameterValues(1), directions, hidden * hidden, gates)),
      layer.HasParameter(2) ? RecurrentBias(layer, directions, hidden, gates) : ""};
  if (layer.InputCount() > 1) {
    const std::string counts =
        layer.Node("counts", "Cast", {layer.Input(1)},
                   {{"to", static_cast<std::int64_t>(onnx::ElementType::kInt32)}});
    inputs.push_back(
        layer.Node("lengths", "Reshape", {counts, layer.Integers("vector", Integers{-1})}));
  }
  OnnxAttributes attributes = {
      {"hidden_size", hidden},
      {"direction", std::string(directions == 2 ? "bidirectional" : "forward")}};
  if (!is_lstm) {
    const bool resets_after = !layer.Has("reset_after") || layer.Flag("reset_after");
    attributes.emplace_back("linear_before_reset", std::int64_t{resets_after});
  }
  // All states [length, directions, batch, hidden], or the last ones without the length.
  const bool is_sequence = layer.Flag("return_sequence");
  const std::string states =
      layer.NodeOutput("states", is_lstm ? "LSTM" : "GRU", inputs, is_sequence ? 0 : 1, attributes);
  const std::string by_example =
      layer.Node("by_example", "Transpose", {states},
                 {{"perm", is_sequence ? Integers{2, 0, 1, 3} : Integers{1, 0, 2}}});
  const std::int64_t columns = directions * hidden;
  layer.Result("Reshape",
               {by_example, layer.Integers("shape", is_sequence ? Integers{0, 0, columns}
                                                                : Integers{0, columns})});
}

}  // namespace

std::span<const KindExport> SequenceKinds() {
  static constexpr std::array kKinds = {KindExport{"class_token", WriteClassToken},
                                        KindExport{"constant", WriteConstant},
                                        KindExport{"embedding", WriteEmbedding},
                                        KindExport{"gru", WriteRecurrent},
                                        KindExport{"lstm", WriteRecurrent},
                                        KindExport{"position_embedding", WritePositionEmbedding},
                                        KindExport{"token_pool", WriteTokenPool}};
  return kKinds;
}

}  // namespace espalier
