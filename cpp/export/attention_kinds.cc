// SPDX-License-Identifier: Apache-2.0

// Attention, in the operators that transformers exported from PyTorch have.

#include <array>
#include <cmath>

#include "export/product_kinds.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Scores of what a query does not see; its exponential is 0 beside that of any score.
constexpr double kUnseen = -1e30;

class AttentionWriter {
 public:
  explicit AttentionWriter(LayerExport& layer)
      : layer_(layer),
        is_packed_(layer.Flag("packed")),
        heads_(layer.Whole("heads")),
        width_(layer.OutputShape()[1]),
        keys_input_(is_packed_ ? 0 : 1),
        counts_input_(is_packed_ ? 1 : 3) {}

  void Write() {
    const std::array<std::string, 3> parts = Parts();
    const std::string q = Heads(parts[0], {0, 2, 1, 3});
    const std::string k = Heads(parts[1], {0, 2, 3, 1});
    const std::string v = Heads(parts[2], {0, 2, 1, 3});
    const std::string scores = Seen(Scaled(layer_.Node("scores", "MatMul", {q, k})));
    const std::string shares =
        layer_.Node("shares", "Softmax", {scores}, {{"axis", std::int64_t{-1}}});
    const std::string mixed = layer_.Node("mixed", "MatMul", {shares, v});
    const std::string rows =
        layer_.Node("rows", "Transpose", {mixed}, {{"perm", Integers{0, 2, 1, 3}}});
    const std::string shape = layer_.Integers("shape", Integers{0, 0, width_});
    if (!HasCounts()) {
      layer_.Result("Reshape", {rows, shape});
      return;
    }
    // Without keys there is nothing to mix.
    const std::string joined = layer_.Node("joined", "Reshape", {rows, shape});
    const std::string has_keys =
        layer_.Node("has_keys", "Greater", {Counts(Integers{-1, 1, 1}), layer_.Integer("none", 0)});
    layer_.Result("Where", {has_keys, joined, layer_.Scalar("zero", 0.0)});
  }

 private:
  bool HasCounts() const { return layer_.InputCount() > counts_input_; }

  // Queries, keys and values.
  std::array<std::string, 3> Parts() {
    std::array<std::string, 3> parts;
    if (!is_packed_) {
      for (std::size_t i = 0; i < 3; ++i) parts[i] = layer_.Input(i);
      return parts;
    }
    const int maker = layer_.network().value(layer_.layer().inputs[0]).layer;
    if (maker != kNoLayer) {
      const GraphLayer& dense = layer_.network().layers[static_cast<std::size_t>(maker)];
      if (IsWrittenByAttention(layer_.network(), layer_.values(), dense)) {
        LayerExport writer = layer_.Of(dense);
        for (int i = 0; i < 3; ++i) {
          parts[static_cast<std::size_t>(i)] = WriteColumns(writer, i * width_, width_);
        }
        return parts;
      }
    }
    for (int i = 0; i < 3; ++i) {
      parts[static_cast<std::size_t>(i)] =
          layer_.Node("part", "Slice",
                      {layer_.Input(0), layer_.Integers("begin", Integers{i * width_}),
                       layer_.Integers("end", Integers{(i + 1) * width_}),
                       layer_.Integers("axis", Integers{2})});
    }
    return parts;
  }

  // [batch, length, width] with a dimension for the heads, in that order.
  std::string Heads(const std::string& part, const Integers& order) {
    const std::string split =
        layer_.Node("split", "Reshape",
                    {part, layer_.Integers("heads", Integers{0, 0, heads_, width_ / heads_})});
    return layer_.Node("heads", "Transpose", {split}, {{"perm", order}});
  }

  std::string Scaled(const std::string& scores) {
    const double scale = layer_.Real("scale");
    if (scale > 0.0) return layer_.Node("scaled", "Mul", {scores, layer_.Scalar("scale", scale)});
    const double root = std::sqrt(static_cast<double>(width_ / heads_));
    return layer_.Node("scaled", "Div", {scores, layer_.Scalar("root", root)});
  }

  std::string Seen(const std::string& scores) {
    const bool is_causal = layer_.Flag("causal");
    if (!is_causal && !HasCounts()) return scores;
    const std::string keys = layer_.PositionNumbers("keys", keys_input_);
    std::string is_seen;
    if (is_causal) {  // [queries, 1] and [keys]
      const std::string queries =
          layer_.Node("column", "Unsqueeze",
                      {layer_.PositionNumbers("queries", 0), layer_.Integers("axis", Integers{1})});
      is_seen = layer_.Node("is_before", "LessOrEqual", {keys, queries});
    }
    if (HasCounts()) {  // [batch, 1, 1, 1] and [keys]
      const std::string is_valid =
          layer_.Node("is_valid", "Less", {keys, Counts(Integers{-1, 1, 1, 1})});
      is_seen = is_causal ? layer_.Node("is_seen", "And", {is_seen, is_valid}) : is_valid;
    }
    return layer_.Node("seen", "Where", {is_seen, scores, layer_.Scalar("unseen", kUnseen)});
  }

  std::string Counts(const Integers& shape) {
    return layer_.Node("counts", "Reshape",
                       {layer_.Input(counts_input_), layer_.Integers("shape", shape)});
  }

  LayerExport& layer_;
  const bool is_packed_;
  const std::int64_t heads_;
  const std::int64_t width_;
  const std::size_t keys_input_;
  const std::size_t counts_input_;
};

void WriteAttention(LayerExport& layer) { AttentionWriter(layer).Write(); }

}  // namespace

std::span<const KindExport> AttentionKinds() {
  static constexpr std::array kKinds = {KindExport{"attention", WriteAttention}};
  return kKinds;
}

}  // namespace espalier
