// SPDX-License-Identifier: Apache-2.0

// What exporters write behind a convolution that is linear in each channel: a bias added by an Add,
// and factors by a Mul that belong to the weights. Batch norms are no such thing: they train.

#include <algorithm>
#include <vector>

#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

bool IsConvolution(const ForeignNode& node) { return node.Is("Conv") || node.Is("ConvTranspose"); }

// Channels that a convolution makes.
std::int64_t ChannelsOf(const ForeignNode& node, const ForeignTensor& weight) {
  return node.Is("Conv") ? weight.dimensions()[0]
                         : weight.dimensions()[1] * node.Integer("group", 1);
}

// A constant as a number for each channel of a value of `rank` dimensions; empty if it is not that.
std::vector<float> ByChannel(const ForeignTensor& constant, std::int64_t channels, int rank) {
  if (constant.rank() > rank) return {};
  if (constant.element_count() == 1) {
    return std::vector<float>(static_cast<std::size_t>(channels), constant.FloatAt(0));
  }
  const int axis = constant.rank() - rank + 1;
  if (axis < 0 || constant.element_count() != channels ||
      constant.dimensions()[static_cast<std::size_t>(axis)] != channels) {
    return {};
  }
  return constant.Floats();
}

// The weights times a factor for each channel they make.
ForeignTensor Scaled(const ForeignNode& node, const ForeignTensor& weight,
                     const std::vector<float>& factors) {
  std::vector<float> values = weight.Floats();
  const auto& dimensions = weight.dimensions();
  std::int64_t window = 1;
  for (std::size_t i = 2; i < dimensions.size(); ++i) window *= dimensions[i];
  const bool is_transposed = node.Is("ConvTranspose");
  const std::int64_t rows_of_group = is_transposed ? dimensions[0] / node.Integer("group", 1) : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t column = static_cast<std::int64_t>(i) / window;  // of [rows, columns]
    const std::int64_t row = column / dimensions[1];
    const std::int64_t channel =
        is_transposed ? row / rows_of_group * dimensions[1] + column % dimensions[1] : row;
    values[i] *= factors[static_cast<std::size_t>(channel)];
  }
  return ForeignTensor::OfFloats(dimensions, std::move(values));
}

class ConvolutionFuser {
 public:
  ConvolutionFuser(ForeignGraph& graph, ImportReport& report) : graph_(graph), report_(report) {}

  // The node behind what was joined.
  ForeignGraph::Node Join(ForeignGraph::Node node) {
    const ForeignTensor* const weight = graph_.Constant(node->Input(1));
    const std::string output = node->outputs[0];
    const int rank = RankOf(graph_, output);
    if (weight == nullptr || weight->rank() != rank || rank < 3 || !graph_.HasOneUse(output)) {
      return node;
    }
    const std::int64_t groups = node->Integer("group", 1);
    if (groups < 1 || weight->element_count() == 0 || weight->dimensions()[0] % groups != 0) {
      return node;
    }
    const ForeignGraph::Node reader = graph_.Consumers(output)[0];
    if (reader->inputs.size() != 2 || !HaveSameDimensions(graph_, output, reader->outputs[0])) {
      return node;
    }
    const std::string& name = reader->Input(reader->Input(0) == output ? 1 : 0);
    const ForeignTensor* const constant = graph_.Constant(name);
    if (constant == nullptr) return node;
    const std::vector<float> values = ByChannel(*constant, ChannelsOf(*node, *weight), rank);
    if (values.empty()) return node;
    ForeignNode joined = *node;
    if (joined.inputs.size() < 3) joined.inputs.resize(3);
    if (reader->Is("Add")) {
      if (!AddBias(joined, name, values)) return node;
    } else if (reader->Is("Mul")) {
      if (!Scale(joined, *weight, values)) return node;
    } else {
      return node;
    }
    Pattern pattern(graph_);
    pattern.Take(node);
    const auto place = Fuse(graph_, report_, pattern, reader, std::move(joined));
    graph_.Remove(node);
    return place;
  }

 private:
  bool AddBias(ForeignNode& joined, const std::string& name, std::vector<float> values) {
    const auto channels = static_cast<std::int64_t>(values.size());
    std::string base = name;
    if (joined.HasInput(2)) {
      const ForeignTensor* const bias = graph_.Constant(joined.Input(2));
      if (bias == nullptr || bias->element_count() != channels) return false;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] += bias->FloatAt(static_cast<std::int64_t>(i));
      }
      base = joined.Input(2);
    }
    joined.inputs[2] = graph_.NewName(base);
    graph_.AddConstant(joined.inputs[2], ForeignTensor::OfFloats({channels}, std::move(values)));
    return true;
  }

  bool Scale(ForeignNode& joined, const ForeignTensor& weight, const std::vector<float>& factors) {
    if (joined.HasInput(2)) {
      const ForeignTensor* const bias = graph_.Constant(joined.Input(2));
      if (bias == nullptr || bias->element_count() != static_cast<std::int64_t>(factors.size())) {
        return false;
      }
      std::vector<float> values = bias->Floats();
      for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
      const auto channels = static_cast<std::int64_t>(values.size());
      const std::string base = joined.Input(2);
      joined.inputs[2] = graph_.NewName(base);
      graph_.AddConstant(joined.inputs[2], ForeignTensor::OfFloats({channels}, std::move(values)));
    }
    ForeignTensor scaled = Scaled(joined, weight, factors);
    const std::string base = joined.Input(1);
    joined.inputs[1] = graph_.NewName(base);
    graph_.AddConstant(joined.inputs[1], std::move(scaled));
    return true;
  }

  ForeignGraph& graph_;
  ImportReport& report_;
};

}  // namespace

void FuseConvolution(ForeignGraph& graph, ImportReport& report) {
  ConvolutionFuser fuser(graph, report);
  std::vector<ForeignGraph::Node> convolutions;
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (IsConvolution(*node)) convolutions.push_back(node);
  }
  for (ForeignGraph::Node node : convolutions) {
    for (auto joined = fuser.Join(node); joined != node; joined = fuser.Join(node)) node = joined;
  }
}

}  // namespace espalier
