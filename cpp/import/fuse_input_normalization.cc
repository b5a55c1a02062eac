// SPDX-License-Identifier: Apache-2.0

// What exporters write where a model normalizes what it reads: sums, differences, products and
// quotients of an input and constants, one for all or one a channel. As parameters they would
// train; as the network's own normalization of that input they are what they were meant to be.

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// A constant as a number for each of a value's channels, or one for all; empty if it is neither.
std::vector<float> ByChannel(const ForeignTensor& constant, std::int64_t channels, int rank) {
  if (constant.rank() > rank) return {};
  if (constant.element_count() == 1) return {constant.FloatAt(0)};
  const int axis = constant.rank() - rank + 1;
  if (axis < 0 || constant.element_count() != channels ||
      constant.dimensions()[static_cast<std::size_t>(axis)] != channels) {
    return {};
  }
  return constant.Floats();
}

// factor · x + shift, the same for all channels until a constant tells them apart: a file may speak
// of more channels than there is memory for.
class Affine {
 public:
  // Applies a node of two inputs, of which `values` are the second; false if it is none of these.
  bool Apply(const std::string& kind, const std::vector<float>& values) {
    if (values.size() > factors_.size()) {
      factors_.resize(values.size(), factors_[0]);
      shifts_.resize(values.size(), shifts_[0]);
    }
    for (std::size_t c = 0; c < factors_.size(); ++c) {
      const auto value = static_cast<double>(values[values.size() == 1 ? 0 : c]);
      if (kind == "Add") {
        shifts_[c] += value;
      } else if (kind == "Sub") {
        shifts_[c] -= value;
      } else if (kind == "Mul") {
        factors_[c] *= value;
        shifts_[c] *= value;
      } else if (kind == "Div") {
        factors_[c] /= value;
        shifts_[c] /= value;
      } else {
        return false;
      }
    }
    return true;
  }

  // Nothing if no mean and standard deviation that a network may have say the same.
  std::optional<Normalization> AsNormalization() const {
    Normalization result;
    for (std::size_t c = 0; c < factors_.size(); ++c) {
      const double mean = -shifts_[c] / factors_[c];
      const double std = 1.0 / factors_[c];
      const auto scale = static_cast<float>(factors_[c]);
      if (!(scale > 0.0f) || !std::isfinite(scale) || !std::isfinite(std) ||
          !std::isfinite(static_cast<float>(mean))) {
        return std::nullopt;
      }
      result.mean.push_back(mean + 0.0);  // no -0
      result.std.push_back(std);
    }
    for (std::vector<double>* entries : {&result.mean, &result.std}) {
      if (std::ranges::adjacent_find(*entries, std::not_equal_to<>()) == entries->end()) {
        entries->resize(1);
      }
    }
    return result;
  }

 private:
  std::vector<double> factors_ = {1.0};
  std::vector<double> shifts_ = {0.0};
};

// The number of channels of floats with the batch before them; 0 of anything else.
std::int64_t ChannelsOf(const ForeignValue& value) {
  if (!IsFloatType(value.type) || !value.dimensions || value.dimensions->size() < 2) return 0;
  const ForeignDimensions& dimensions = *value.dimensions;
  const bool has_batch = dimensions[0].is_batch() && dimensions[0].size == 1;
  return has_batch && dimensions[1].is_fixed() ? dimensions[1].size : 0;
}

void FuseInput(ForeignGraph& graph, ImportReport& report, const std::string& input) {
  const std::int64_t channels = ChannelsOf(graph.Value(input));
  if (channels == 0) return;
  Affine affine;
  std::vector<ForeignGraph::Node> nodes;
  std::string last = input;
  while (graph.HasOneUse(last)) {
    const ForeignGraph::Node node = graph.Consumers(last)[0];
    if (node->inputs.size() != 2 || !HaveSameDimensions(graph, last, node->outputs[0])) break;
    const bool is_second = node->Input(1) == last;
    if (is_second && !node->Is("Add") && !node->Is("Mul")) break;
    const ForeignTensor* const constant = graph.Constant(node->Input(is_second ? 0 : 1));
    if (constant == nullptr || !node->domain.empty()) break;
    const std::vector<float> values =
        ByChannel(*constant, channels, RankOf(graph, node->outputs[0]));
    if (values.empty() || !affine.Apply(node->kind, values)) break;
    nodes.push_back(node);
    last = node->outputs[0];
  }
  std::optional<Normalization> normalization = affine.AsNormalization();
  if (nodes.empty() || !normalization) return;
  report.fused.push_back({"Normalization", last, static_cast<std::int64_t>(nodes.size())});
  graph.normalizations[input] = *std::move(normalization);
  graph.ReplaceValue(last, input);
}

}  // namespace

void FuseInputNormalization(ForeignGraph& graph, ImportReport& report) {
  const std::vector<std::string> inputs = graph.inputs();
  for (const std::string& input : inputs) FuseInput(graph, report, input);
}

}  // namespace espalier
