// SPDX-License-Identifier: Apache-2.0
#include "network/graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.h"
#include "network/layouts.h"
#include "network/lengths.h"
#include "network/metadata.h"
#include "network/names.h"
#include "network/parameter_layout.h"
#include "network/spec_expansion.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxArrayElements = INT32_MAX;

void CheckNormalizationEntries(const char* name, const std::vector<double>& values,
                               std::int64_t channels) {
  if (values.size() != 1 && static_cast<std::int64_t>(values.size()) != channels) {
    Fail(ErrorCode::kShapeMismatch, "normalize: expected ", name, " with 1 entry or ", channels,
         ", one a channel, got ", values.size());
  }
}

void CheckNormalization(const Normalization& normalization, const Shape& input) {
  CheckNormalizationEntries("mean", normalization.mean, input[0]);
  CheckNormalizationEntries("std", normalization.std, input[0]);
  for (const double mean : normalization.mean) {
    if (!std::isfinite(static_cast<float>(mean))) {
      Fail(ErrorCode::kInvalidArgument, "normalize: expected finite means, got ", mean);
    }
  }
  for (const double std : normalization.std) {
    const float scale = static_cast<float>(1.0 / std);
    if (!(std > 0.0) || !std::isfinite(std) || !std::isfinite(scale) || scale == 0.0f) {
      Fail(ErrorCode::kInvalidArgument,
           "normalize: expected standard deviations above 0 and finite, got ", std);
    }
  }
}

// An example, a layer's output and a parameter each fit one array of any language's.
void CheckFitsAnArray(std::string_view what, const Shape& shape) {
  if (shape.element_count() > kMaxArrayElements) {
    Fail(ErrorCode::kShapeMismatch, what, ": expected a shape of at most ", kMaxArrayElements,
         " elements, got ", shape.ToString());
  }
}

void AddInput(const InputSpec& spec, NetworkState& network) {
  try {
    if (spec.normalization) {
      if (spec.type != ElementType::kFloat32) {
        Fail(ErrorCode::kInvalidArgument, "normalize: expected an input of float32, got int32");
      }
      CheckNormalization(*spec.normalization, spec.shape);
    }
    CheckFitsAnArray("input", spec.shape);
  } catch (const Error& error) {
    if (spec.name == kInputName) throw;
    Fail(error.code(), "input '", spec.name, "': ", MessageOf(error));
  }
  network.inputs.push_back({.name = spec.name, .normalization = spec.normalization});
  network.values.push_back({.shape = spec.shape, .type = spec.type});
}

bool IsConstant(const GraphLayer& layer, const NetworkState& network) {
  return std::all_of(layer.inputs.begin(), layer.inputs.end(), [&](int input) {
    const int maker = network.value(input).layer;
    return maker != kNoLayer && network.layers[static_cast<std::size_t>(maker)].is_constant;
  });
}

void CheckInputTypes(const GraphLayer& layer, const NetworkState& network) {
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const ElementType expected = layer.layer->InputType(i);
    const ElementType got = network.value(layer.inputs[i]).type;
    if (got != expected) {
      Fail(ErrorCode::kShapeMismatch, "input ", i + 1, ": expected values of ",
           ElementTypeName(expected), ", got '", network.value_name(layer.inputs[i]), "' of ",
           ElementTypeName(got));
    }
  }
}

void AddLayer(const ExpandedLayer& expanded, NetworkState& network) {
  const LayerSpec& spec = expanded.spec;
  GraphLayer layer;
  layer.name = spec.name;
  layer.inputs = expanded.inputs;
  layer.output = static_cast<int>(network.values.size());
  layer.head = expanded.head;
  layer.is_constant = IsConstant(layer, network);
  layer.frozen = spec.frozen;
  layer.adapt_statistics = spec.adapt_statistics;
  layer.learning_rate_scale = spec.learning_rate_scale;
  for (const int input : expanded.inputs) {
    layer.input_shapes.push_back(network.value(input).shape);
  }
  try {
    layer.layer = MakeLayer(spec.kind, spec.attributes);
    layer.output_shape = layer.layer->OutputShape(layer.input_shapes);
    CheckInputTypes(layer, network);
  } catch (const Error& error) {
    Fail(error.code(), "layer '", spec.name, "' (", spec.kind, "): ", MessageOf(error));
  }
  CheckFitsAnArray(Concat("layer '", spec.name, "' (", spec.kind, ")"), layer.output_shape);
  if (spec.adapt_statistics && !IsBatchNorm(layer)) {
    Fail(ErrorCode::kInvalidArgument, "layer '", spec.name, "' (", spec.kind,
         "): adapt_statistics: expected a batch_norm");
  }
  CheckLearningRateScale(spec.name, spec.learning_rate_scale);
  network.values.push_back({.shape = layer.output_shape,
                            .type = layer.layer->OutputType(),
                            .layer = static_cast<int>(network.layers.size())});
  network.layers.push_back(std::move(layer));
}

// The spec of a layer, its name without the head's prefix.
LayerSpec LayerSpecOf(const NetworkState& network, const GraphLayer& layer, std::size_t prefix) {
  LayerSpec spec;
  spec.name = layer.name.substr(prefix);
  spec.kind = std::string(layer.layer->kind());
  for (const int input : layer.inputs) {
    const std::string& name = network.value_name(input);
    const int from = network.value(input).layer;
    const bool is_same_head = layer.head >= 0 && from != kNoLayer &&
                              network.layers[static_cast<std::size_t>(from)].head == layer.head;
    spec.inputs.push_back(is_same_head ? name.substr(prefix) : name);
  }
  spec.attributes = layer.layer->attributes();
  spec.frozen = layer.frozen;
  spec.adapt_statistics = layer.adapt_statistics;
  spec.learning_rate_scale = layer.learning_rate_scale;
  return spec;
}

}  // namespace

void CheckLearningRateScale(const std::string& layer, double scale) {
  if (!std::isfinite(scale) || scale < 0.0) {
    Fail(ErrorCode::kInvalidArgument, "layer '", layer,
         "': expected a learning rate scale of at least 0 and finite, got ", scale);
  }
}

std::shared_ptr<NetworkState> BuildGraph(const NetworkSpec& spec) {
  CheckMetadata(spec.metadata);
  auto network = std::make_shared<NetworkState>();
  network->metadata = spec.metadata;
  for (const InputSpec& input : spec.inputs) AddInput(input, *network);
  ExpandedSpec expanded = ExpandSpec(spec);
  network->heads = std::move(expanded.heads);
  network->layers.reserve(expanded.layers.size());
  for (const ExpandedLayer& layer : expanded.layers) AddLayer(layer, *network);
  ChooseLayouts(*network);
  FindLengths(*network);
  LayOutParameters(*network);
  for (const GraphParameter& parameter : network->parameters) {
    CheckFitsAnArray(Concat("parameter '", parameter.path, "'"), parameter.shape);
  }
  return network;
}

void AllocateValues(NetworkState& network) {
  network.parameter_floats = AlignedArray<float>(ParameterFloats(network));
}

NetworkSpec SpecOf(const NetworkState& network) {
  NetworkSpec spec;
  spec.metadata = network.metadata;
  spec.inputs.clear();
  for (std::size_t i = 0; i < network.inputs.size(); ++i) {
    spec.inputs.push_back({.name = network.inputs[i].name,
                           .shape = network.values[i].shape,
                           .type = network.values[i].type,
                           .normalization = network.inputs[i].normalization});
  }
  for (const GraphHead& head : network.heads) {
    HeadSpec head_spec;
    head_spec.name = head.name;
    head_spec.from = network.value_name(head.from);
    head_spec.task = head.task;
    head_spec.initializer = head.initializer;
    spec.heads.push_back(std::move(head_spec));
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const GraphLayer& layer = network.layers[i];
    if (layer.head < 0) {
      spec.layers.push_back(LayerSpecOf(network, layer, 0));
      continue;
    }
    HeadSpec& head = spec.heads[static_cast<std::size_t>(layer.head)];
    if (static_cast<int>(i) == network.heads[static_cast<std::size_t>(layer.head)].output) {
      head.frozen = layer.frozen;
      head.learning_rate_scale = layer.learning_rate_scale;
    } else {
      head.layers.push_back(LayerSpecOf(network, layer, HeadPrefix(head.name).size()));
    }
  }
  return spec;
}

std::shared_ptr<NetworkState> CopyState(const NetworkState& network) {
  auto copy = std::make_shared<NetworkState>();
  copy->inputs = network.inputs;
  copy->values = network.values;
  copy->layers = network.layers;
  copy->heads = network.heads;
  copy->metadata = network.metadata;
  copy->limits = network.limits;
  copy->parameters = network.parameters;
  copy->parameter_floats = AlignedArray<float>(network.parameter_floats.size());
  std::copy_n(network.parameter_floats.data(), network.parameter_floats.size(),
              copy->parameter_floats.data());
  return copy;
}

std::vector<std::string> LayerNames(const NetworkState& network) {
  std::vector<std::string> names;
  names.reserve(network.layers.size());
  for (const GraphLayer& layer : network.layers) {
    names.push_back(layer.name);
  }
  return names;
}

std::vector<char> Descendants(const NetworkState& network, std::span<const int> layers) {
  std::vector<char> marked(network.layers.size(), 0);
  for (const int layer : layers) {
    marked[static_cast<std::size_t>(layer)] = 1;
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    for (const int input : network.layers[i].inputs) {
      const int maker = network.value(input).layer;
      if (maker != kNoLayer && marked[static_cast<std::size_t>(maker)] != 0) marked[i] = 1;
    }
  }
  return marked;
}

const std::string& NetworkState::value_name(int index) const {
  return is_input(index) ? inputs[static_cast<std::size_t>(index)].name
                         : layers[static_cast<std::size_t>(value(index).layer)].name;
}

std::int64_t NetworkState::total_width() const {
  std::int64_t width = 0;
  for (const GraphHead& head : heads) {
    width += head.width();
  }
  return width;
}

std::vector<char> FrozenPrefix(const NetworkState& network) {
  std::vector<char> prefix(network.layers.size(), 0);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const GraphLayer& layer = network.layers[i];
    const bool is_fixed = layer.frozen ? !layer.adapt_statistics
                                       : layer.parameters.empty() && !layer.layer->IsRandom();
    prefix[i] = static_cast<char>(
        is_fixed && std::all_of(layer.inputs.begin(), layer.inputs.end(), [&](int input) {
          const int maker = network.value(input).layer;
          return maker == kNoLayer || prefix[static_cast<std::size_t>(maker)] != 0;
        }));
  }
  return prefix;
}

}  // namespace espalier
