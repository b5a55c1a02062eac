// SPDX-License-Identifier: Apache-2.0
#pragma once

// How layers become nodes: what is known of a layer on its way into a graph, and the tables of
// those who write each kind.
//
// Every value has its shape outside plans behind a dimension for the batch. Constants have a batch
// of 1. Integers are int64, which is what other operators of ONNX take and give.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export/onnx_graph.h"
#include "network/int8_weights.h"
#include "network/network_state.h"

namespace espalier {

/// The values of a network as a graph names them.
class OnnxValues {
 public:
  OnnxValues(const NetworkState& network, OnnxGraph& graph)
      : names(network.values.size()),
        readers(network.values.size()),
        is_output(network.values.size(), 0),
        network_(network),
        graph_(graph) {}

  std::vector<std::string> names;         ///< by value; of what is exported
  std::vector<std::vector<int>> readers;  ///< by value: layers that are exported
  std::vector<char> is_output;            ///< by value: others than readers need it

  /// The input whose first dimension has that length; -1: the length is fixed.
  int InputOfLength(const Length& length) const;

  /// The name of an int64 [1] with as many positions. Where InputOfLength finds one.
  const std::string& PositionsOf(const Length& length);

  /// A value computed from constants alone, repeated for each example of the batch.
  const std::string& OfWholeBatch(int value);

 private:
  const NetworkState& network_;
  OnnxGraph& graph_;
  std::map<int, std::string> positions_;  // by input
  std::map<int, std::string> repeated_;   // by value
};

/// One layer.
class LayerExport {
 public:
  LayerExport(const NetworkState& network, const GraphLayer& layer, OnnxValues& values,
              OnnxGraph& graph, bool int8_weights)
      : network_(network),
        layer_(layer),
        values_(values),
        graph_(graph),
        int8_weights_(int8_weights),
        attributes_(layer.layer->attributes()) {}

  LayerExport Of(const GraphLayer& other) const {
    return {network_, other, values_, graph_, int8_weights_};
  }

  const NetworkState& network() const { return network_; }
  const GraphLayer& layer() const { return layer_; }
  OnnxValues& values() { return values_; }

  std::int64_t Whole(const char* name) const { return Get<std::int64_t>(name); }
  double Real(const char* name) const { return Get<double>(name); }
  bool Flag(const char* name) const { return Get<bool>(name); }
  const std::string& Text(const char* name) const { return Get<std::string>(name); }
  const std::vector<std::int64_t>& List(const char* name) const {
    return Get<std::vector<std::int64_t>>(name);
  }
  bool Has(const char* name) const { return attributes_.contains(name); }

  const Shape& InputShape(std::size_t input = 0) const { return layer_.input_shapes[input]; }
  const Shape& OutputShape() const { return layer_.output_shape; }
  std::size_t InputCount() const { return layer_.inputs.size(); }
  int OperatorSet() const { return graph_.operator_set(); }

  /// An input as it is: that of a constant may have a batch of 1.
  const std::string& InputToBroadcast(std::size_t input) const;
  /// An input with the batch of all.
  std::string Input(std::size_t input = 0);
  /// An input whose examples have the rank of the output's, to be broadcast with others.
  std::string InputOfOutputRank(std::size_t input);

  const Shape& ParameterShape(std::size_t parameter) const;
  std::span<const float> ParameterValues(std::size_t parameter) const;
  /// A parameter as it is, or in another shape.
  std::string Parameter(std::size_t parameter);
  std::string Parameter(std::size_t parameter, std::span<const std::int64_t> shape);
  bool HasParameter(std::size_t parameter) const { return parameter < layer_.parameters.size(); }

  /// Parameter 0 as floats that the graph makes of bytes and scales, where the layer's are to be
  /// so; else as it is.
  std::string Weights();
  /// True if they are to be bytes and scales; which these are.
  bool HasInt8Weights() const;
  Int8Rows WeightRows() const;
  /// Of bytes with a scale for each index of `axis`.
  std::string Dequantized(const char* part, std::span<const std::int64_t> shape,
                          std::span<const std::int8_t> bytes, std::span<const float> scales,
                          std::int64_t axis);
  std::string Bytes(const char* part, std::span<const std::int64_t> shape,
                    std::span<const std::int8_t> values);

  std::string Floats(const char* part, std::span<const std::int64_t> shape,
                     std::span<const float> values);
  std::string Scalar(const char* part, double value);
  std::string Integers(const char* part, std::span<const std::int64_t> values);
  std::string Integer(const char* part, std::int64_t value);  // of no dimension

  /// A node that makes a part of the layer's work; the name of what it makes.
  std::string Node(const char* part, const char* operation, const std::vector<std::string>& inputs,
                   const OnnxAttributes& attributes = {});
  /// The same for the output `index` of an operator that has several, of which the first `least`
  /// have to have names.
  std::string NodeOutput(const char* part, const char* operation,
                         const std::vector<std::string>& inputs, std::size_t index,
                         const OnnxAttributes& attributes, std::size_t least = 0);
  /// The node that makes what the layer does.
  void Result(const char* operation, const std::vector<std::string>& inputs,
              const OnnxAttributes& attributes = {});
  /// Adds the axes of a reduction to its node's inputs, or attributes before operator set 18 had
  /// them there; ReduceSum had them earlier.
  void AddAxes(std::string_view operation, const std::vector<std::int64_t>& axes,
               std::vector<std::string>& inputs, OnnxAttributes& attributes);
  /// The same elements with the shape of the layer's output.
  void ResultReshaped(const std::string& value);

  /// The positions of the first dimension of that input, an int64 [1]; and the numbers of them from
  /// 0 on, an int64 [positions].
  std::string Positions(std::size_t input);
  std::string PositionNumbers(const char* part, std::size_t input);

 private:
  template <typename Value>
  const Value& Get(const char* name) const {
    return std::get<Value>(attributes_.at(name));
  }
  std::string PartName(const char* part);

  const NetworkState& network_;
  const GraphLayer& layer_;
  OnnxValues& values_;
  OnnxGraph& graph_;
  bool int8_weights_;
  Attributes attributes_;
};

struct KindExport {
  std::string_view kind;
  void (*write)(LayerExport& layer);
};

/// The kinds by families, each in a file of its own.
std::span<const KindExport> AttentionKinds();
std::span<const KindExport> ElementKinds();
std::span<const KindExport> ImageKinds();
std::span<const KindExport> NormKinds();
std::span<const KindExport> ProductKinds();
std::span<const KindExport> SequenceKinds();
std::span<const KindExport> ShapeKinds();

/// A dimension of an example, counted from the end if negative, as one behind the batch.
inline std::int64_t AxisBehindBatch(std::int64_t axis, int rank) {
  return (axis < 0 ? axis + rank : axis) + 1;
}

/// [0, dimensions]: Reshape takes 0 for the batch as it is.
std::vector<std::int64_t> BatchOf(const Shape& shape);

}  // namespace espalier
