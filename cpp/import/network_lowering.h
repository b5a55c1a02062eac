// SPDX-License-Identifier: Apache-2.0
#pragma once

// A folded graph becomes a network: each node what its operator's row makes of it.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "espalier/import.h"
#include "import/folding.h"
#include "import/foreign_graph.h"
#include "import/node_lowering.h"
#include "network/network_state.h"

namespace espalier {

/// What a value of these dimensions is in a network (import/node_lowering.h). Refuses dimensions
/// that no network has.
Shape LoweredShape(const ForeignDimensions& dimensions);

/// The place of the batch among them; -1 if they do not have it.
int BatchAxis(const ForeignDimensions& dimensions);

class NetworkLowering {
 public:
  NetworkLowering(const ForeignGraph& graph, const UnknownReasons& reasons, ImportReport& report)
      : graph_(graph), reasons_(reasons), report_(report) {}

  /// The network with the graph's parameters. Throws Error: MODEL_FILE with all nodes that no layer
  /// computes, for a network past the limits, and for parameters that are not finite.
  std::shared_ptr<NetworkState> Lower(const NetworkLimits& limits);

 private:
  friend class NodeLowering;

  struct ParameterValue {
    std::string layer;
    std::string parameter;
    std::function<void(std::span<float>)> fill;
  };
  struct Failure {
    const ForeignNode* node;
    std::string reason;
  };

  void AddInputs();
  void AddNode(const ForeignNode& node);
  void AddOutputs();
  /// Leaves out layers that no output needs.
  void RemoveDead();
  std::string ReasonAgainst(const ForeignNode& node);
  [[noreturn]] void FailWithAll() const;
  /// Says what of the network can't be trained as the model could.
  void NoteTraining(const NetworkState& network);
  void NoteSharedParameters();
  void CheckParameterCount(const NetworkState& network) const;
  std::shared_ptr<NetworkState> BuildNetwork(const NetworkLimits& limits);

  /// Of `wanted`, a name that no layer or input has.
  std::string UniqueName(const std::string& wanted);
  LoweredValue AddLayer(LayerSpec layer, std::span<const LoweredValue> inputs);
  /// A constant of the graph as a layer, one for all that read it in that shape.
  LoweredValue AddConstant(const std::string& value, const Shape& shape, ElementType type);

  const ForeignGraph& graph_;
  const UnknownReasons& reasons_;
  ImportReport& report_;
  NetworkSpec spec_;
  std::unordered_map<std::string, LoweredValue> values_;
  std::unordered_set<std::string> failed_values_;
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int> name_counts_;
  std::unordered_map<std::string, LoweredValue> constants_;
  std::unordered_set<std::string> shared_constants_;  // that are layers, one for all readers
  std::vector<ParameterValue> parameter_values_;
  std::vector<Failure> failures_;
};

}  // namespace espalier
