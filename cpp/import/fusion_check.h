// SPDX-License-Identifier: Apache-2.0
#pragma once

// Graphs for tests of passes, written node by node, and what they compute with and without a pass.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "espalier/predictor.h"
#include "import/folding.h"
#include "import/foreign_graph.h"
#include "import/network_lowering.h"
#include "import/passes.h"

namespace espalier::testing {

class GraphWriter {
 public:
  using Sizes = std::vector<std::int64_t>;

  /// Of a batch of `sizes`.
  std::string Input(const std::string& name, const Sizes& sizes,
                    ForeignType type = ForeignType::kFloat32) {
    ForeignDimensions dimensions = {{.kind = ForeignDimension::Kind::kNamed, .name = "batch"}};
    for (const std::int64_t size : sizes) dimensions.push_back(ForeignDimension::Fixed(size));
    graph_.AddInput(name, {.type = type, .dimensions = std::move(dimensions)});
    return name;
  }

  std::string Number(float value) { return Constant({}, {value}); }

  std::string Constant(const Sizes& sizes, std::vector<float> values) {
    return Constant(ForeignTensor::OfFloats(sizes, std::move(values)));
  }
  std::string Constant(ForeignTensor tensor) {
    const std::string name = graph_.NewName("constant");
    graph_.AddConstant(name, std::move(tensor));
    return name;
  }

  std::string Integers(std::vector<std::int64_t> values) {
    const std::string name = graph_.NewName("integers");
    const auto count = static_cast<std::int64_t>(values.size());
    graph_.AddConstant(name, ForeignTensor::OfIntegers({count}, std::move(values)));
    return name;
  }

  std::string Integer(std::int64_t value) {
    const std::string name = graph_.NewName("integer");
    graph_.AddConstant(name, ForeignTensor::OfIntegers({}, {value}));
    return name;
  }

  /// A node of several outputs.
  std::vector<std::string> Nodes(const std::string& kind, std::vector<std::string> inputs,
                                 std::size_t count) {
    ForeignNode node = {.kind = kind, .version = 13, .inputs = std::move(inputs)};
    for (std::size_t i = 0; i < count; ++i) node.outputs.push_back(graph_.NewName(kind));
    const std::vector<std::string> outputs = node.outputs;
    graph_.Append(std::move(node));
    return outputs;
  }

  /// Numbers between -1 and 1, the same in each run.
  std::string Random(const Sizes& sizes) {
    std::vector<float> values(static_cast<std::size_t>(ForeignElementCount(sizes)));
    std::uniform_real_distribution<float> between(-1.0f, 1.0f);
    for (float& value : values) value = between(random_);
    return Constant(sizes, std::move(values));
  }

  std::string Node(const std::string& kind, std::vector<std::string> inputs,
                   std::map<std::string, ForeignAttribute> attributes = {},
                   std::int64_t version = 13) {
    const std::string output = graph_.NewName(kind);
    graph_.Append({.name = output,
                   .kind = kind,
                   .version = version,
                   .inputs = std::move(inputs),
                   .outputs = {output},
                   .attributes = std::move(attributes)});
    return output;
  }

  void Output(const std::string& value) { graph_.AddOutput(value, value); }

  ForeignGraph Take() { return std::move(graph_); }

 private:
  ForeignGraph graph_;
  std::mt19937 random_{7};
};

/// After folding and the pass, each operator of ONNX and of ours, sorted.
inline std::vector<std::string> KindsAfter(ForeignPass pass, ForeignGraph graph) {
  ImportReport report;
  BindInputs(graph, {});
  Fold(graph, report);
  graph.RemoveDead();
  pass(graph, report);
  graph.RemoveDead();
  std::vector<std::string> kinds;
  for (const ForeignNode& node : graph.nodes()) kinds.push_back(node.kind);
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

inline bool Fuses(ForeignPass pass, ForeignGraph graph, const std::string& kind) {
  const auto kinds = KindsAfter(pass, std::move(graph));
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// Values of inputs of integers, by name.
using IntegerInputs = std::map<std::string, std::vector<std::int32_t>>;

/// What the first output of a graph is for `batch` examples of random inputs; the pass may be null.
inline std::vector<float> ResultsAfter(ForeignPass pass, ForeignGraph graph, std::int64_t batch,
                                       const IntegerInputs& integers = {}) {
  ImportReport report;
  BindInputs(graph, {});
  const UnknownReasons reasons = Fold(graph, report);
  graph.RemoveDead();
  if (pass != nullptr) pass(graph, report);
  graph.RemoveDead();
  const Network network(NetworkLowering(graph, reasons, report).Lower({}));
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.0f, 2.0f);
  std::list<std::vector<float>> floats;
  std::vector<InputData> given;
  for (const InputSpec& input : network.Spec().inputs) {
    if (input.type == ElementType::kInt32) {
      given.emplace_back(std::span<const std::int32_t>(integers.at(input.name)));
      continue;
    }
    floats.emplace_back(static_cast<std::size_t>(batch * input.shape.element_count()));
    for (float& value : floats.back()) value = normal(random);
    given.emplace_back(std::span<const float>(floats.back()));
  }
  const Predictor predictor(network,
                            {.max_batch_size = batch, .layers = {report.outputs[0].layer}});
  std::vector<float> results(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, Inputs(given), results);
  return results;
}

/// The largest difference by the largest value.
inline double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size() || a.empty()) return 1e30;
  double difference = 0.0;
  double most = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference =
        std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    most = std::max(most, std::abs(static_cast<double>(b[i])));
  }
  return difference / std::max(most, 1e-30);
}

}  // namespace espalier::testing
