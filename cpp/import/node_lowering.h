// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an operator's row sees of a node while it becomes layers.
//
// Values of networks have no batch. A value of the graph has the batch as one of its dimensions,
// k · batch (k is 1 but for what was reshaped, [batch · heads, length, width]). In the network it
// has the same dimensions in the same order with k in that place, or nothing if k is 1: example n
// owns what has index n · k to n · k + k - 1 there. A value without batch is the same for every
// example and has all its dimensions. No dimensions at all are [1]. Where sequence and batch were
// reshaped into one, [length · batch, width], some of k stand before the batch
// (ForeignDimension::before); in the network that makes no difference.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/foreign_graph.h"
#include "import/node_facts.h"
#include "espalier/spec.h"

namespace espalier {

class NetworkLowering;

/// A value as the network has it.
struct LoweredValue {
  std::string layer;  ///< or input of the network
  Shape shape{1};
  ElementType type = ElementType::kFloat32;
};

class NodeLowering {
 public:
  NodeLowering(NetworkLowering& network, const ForeignNode& node);

  const ForeignNode& node() const { return node_; }
  const ForeignGraph& graph() const;
  bool HasInput(std::size_t index) const { return node_.HasInput(index); }

  /// Those of the graph, batch and all; refuse what is not known.
  const ForeignDimensions& Dimensions(std::size_t input) const;
  const ForeignDimensions& OutputDimensions(std::size_t output = 0) const;
  int Rank(std::size_t input) const { return static_cast<int>(Dimensions(input).size()); }

  /// The constant an input is, or null.
  const ForeignTensor* Constant(std::size_t input) const;
  /// Refuses one that is no constant: "expected a constant 'weight', got …".
  const ForeignTensor& RequiredConstant(std::size_t input, const char* what) const;
  ForeignDimensions Elements(std::size_t input) const {
    return ElementsOfNode(graph(), node_, input);
  }
  /// As NodeFacts::IntegersOf.
  std::optional<std::vector<std::int64_t>> IntegersOf(const std::string& attribute,
                                                      std::size_t input) const;

  /// The element type that an input has in the network.
  ElementType TypeOf(std::size_t input) const;

  /// True if a node, or whoever runs the graph, reads it.
  bool IsRead(std::size_t output) const;

  /// An input as the network has it; constants become layers of kind "constant", integers are cast.
  LoweredValue Data(std::size_t input, ElementType type = ElementType::kFloat32);

  /// An input to be broadcast with others against the node's output: without the dimension of size
  /// 1 that a constant has where the output has the batch. Refuses constants that differ there.
  LoweredValue BroadcastData(std::size_t input);

  /// The place that an axis of an input has in the network's shape. Refuses the batch.
  int Axis(std::size_t input, std::int64_t axis) const;
  /// Refuses unless the first dimension of an input is the batch, and nothing else.
  void ExpectBatchFirst(std::size_t input) const;

  /// Adds a layer. The one that makes the node's result is named after the node (or `stem`); others
  /// get `part` behind it.
  LoweredValue Add(std::string kind, Attributes attributes, std::span<const LoweredValue> inputs,
                   std::string_view part = "");
  LoweredValue Add(std::string kind, Attributes attributes, const LoweredValue& input,
                   std::string_view part = "") {
    return Add(std::move(kind), std::move(attributes), std::span(&input, 1), part);
  }

  /// Numbers of the node's own as a value; they do not train.
  LoweredValue Fixed(const Shape& shape, std::vector<float> values);

  /// Names the node's layers after its parameters: 'layer1.0.conv1' if input is the constant
  /// 'layer1.0.conv1.weight'. Before the first Add.
  void NameAfter(std::size_t input);

  /// The value of a layer's parameter: a constant of as many elements, or what `fill` writes.
  void SetParameter(const LoweredValue& layer, std::string_view parameter, ForeignTensor value);
  void SetParameter(const LoweredValue& layer, std::string_view parameter,
                    std::function<void(std::span<float>)> fill);

  /// What an output of the node is. Refuses a shape that is not what the graph says.
  void SetOutput(std::size_t output, const LoweredValue& value);
  /// Add, and SetOutput of output 0.
  void Finish(std::string kind, Attributes attributes, std::span<const LoweredValue> inputs);
  void Finish(std::string kind, Attributes attributes, const LoweredValue& input) {
    Finish(std::move(kind), std::move(attributes), std::span(&input, 1));
  }

  /// Something the user should know of the node's layer: what can't be trained, and why.
  void Note(std::string text);

 private:
  NetworkLowering& network_;
  const ForeignNode& node_;
  std::string stem_;
};

}  // namespace espalier
