// SPDX-License-Identifier: Apache-2.0
#include "import/network_lowering.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "import/operators.h"
#include "layers/layer.h"
#include "network/cost.h"
#include "network/graph.h"
#include "network/names.h"

namespace espalier {
namespace {

constexpr std::size_t kMostNameCharacters = 100;  // names of layers have 128 at most
constexpr std::size_t kMostListed = 500;

// A legal name of a layer as near to a foreign one as can be; it may be empty.
std::string LegalName(std::string_view foreign) {
  std::string name;
  for (const char character : foreign) {
    const bool is_legal = std::isalnum(static_cast<unsigned char>(character)) != 0 ||
                          character == '_' || character == '-';
    if (is_legal) {
      name.push_back(character);
    } else if (!name.empty() && name.back() != '.') {
      name.push_back('.');
    }
  }
  while (name.ends_with('.')) name.pop_back();
  if (name.size() > kMostNameCharacters) name.erase(0, name.size() - kMostNameCharacters);
  while (name.starts_with('.')) name.erase(0, 1);
  if (name == kInputName || name.starts_with("heads.")) name.insert(0, "model.");
  return name;
}

}  // namespace

int BatchAxis(const ForeignDimensions& dimensions) {
  const auto found = std::ranges::find_if(dimensions, &ForeignDimension::is_batch);
  return found == dimensions.end() ? -1 : static_cast<int>(found - dimensions.begin());
}

Shape LoweredShape(const ForeignDimensions& dimensions) {
  std::vector<std::int64_t> sizes;
  bool has_batch = false;
  for (const ForeignDimension& dimension : dimensions) {
    if (dimension.is_batch()) {
      if (has_batch) Refuse("expected the batch once among ", ToString(dimensions));
      has_batch = true;
      if (dimension.size == 1) continue;
    } else if (!dimension.is_fixed() || dimension.size < 1) {
      Refuse("expected dimensions of at least 1, got ", ToString(dimensions));
    }
    sizes.push_back(dimension.size);
  }
  if (sizes.empty()) sizes.push_back(1);
  return Shape(sizes);
}

std::shared_ptr<NetworkState> NetworkLowering::Lower(const NetworkLimits& limits) {
  AddInputs();
  for (const ForeignNode& node : graph_.nodes()) {
    AddNode(node);
    CheckLayerCount(static_cast<std::int64_t>(spec_.layers.size()), limits);
  }
  if (!failures_.empty()) FailWithAll();
  AddOutputs();
  RemoveDead();
  return BuildNetwork(limits);
}

void NetworkLowering::AddInputs() {
  spec_.inputs.clear();
  for (const std::string& input : graph_.inputs()) {
    const ForeignValue& value = graph_.Value(input);
    InputSpec spec;
    spec.name = LegalName(input);
    if (spec.name == Concat("model.", kInputName)) spec.name = kInputName;
    spec.name = UniqueName(spec.name.empty() ? kInputName : spec.name);
    try {
      if (value.type == ForeignType::kUnknown) Refuse("expected an array of numbers");
      spec.shape = LoweredShape(value.dimensions.value_or(ForeignDimensions()));
    } catch (const Error& error) {
      Fail(ErrorCode::kModelFile, "input '", input, "': ", MessageOf(error));
    }
    spec.type = IsFloatType(value.type) ? ElementType::kFloat32 : ElementType::kInt32;
    if (const auto found = graph_.normalizations.find(input);
        found != graph_.normalizations.end()) {
      spec.normalization = found->second;
    }
    values_[input] = {.layer = spec.name, .shape = spec.shape, .type = spec.type};
    report_.inputs.push_back(
        {.name = input, .layer = spec.name, .shape = spec.shape, .type = spec.type});
    spec_.inputs.push_back(std::move(spec));
  }
}

void NetworkLowering::AddNode(const ForeignNode& node) {
  // Shapes are told to those that read them, with the batch in them or without.
  const bool is_shape = std::ranges::all_of(node.outputs, [this](const std::string& output) {
    return output.empty() || graph_.Value(output).elements.has_value();
  });
  if (is_shape) return;
  const bool follows_failure = std::ranges::any_of(node.inputs, [this](const std::string& input) {
    return !input.empty() && failed_values_.contains(input);
  });
  const std::size_t layers = spec_.layers.size();
  const std::size_t parameters = parameter_values_.size();
  const bool is_known = FindOperator(node.domain, node.kind, node.version) != nullptr;
  if (follows_failure && is_known) {
    failed_values_.insert(node.outputs.begin(), node.outputs.end());
    return;
  }
  std::string reason = ReasonAgainst(node);
  if (reason.empty()) return;
  spec_.layers.resize(layers);
  parameter_values_.resize(parameters);
  failures_.push_back({&node, std::move(reason)});
  failed_values_.insert(node.outputs.begin(), node.outputs.end());
}

// Adds the node's layers; what is in the way of it, or nothing.
std::string NetworkLowering::ReasonAgainst(const ForeignNode& node) {
  const ForeignOperator* row = FindOperator(node.domain, node.kind, node.version);
  if (row == nullptr) return "no layer here computes it";
  for (const std::string& output : node.outputs) {
    if (output.empty() || graph_.Value(output).dimensions) continue;
    const auto known = reasons_.find(&node);
    return known == reasons_.end() ? Concat("the dimensions of '", output, "' are not known")
                                   : known->second;
  }
  if (row->lower == nullptr) return "expected its result to follow from shapes and constants";
  try {
    NodeLowering lowering(*this, node);
    row->lower(lowering);
    for (const std::string& output : node.outputs) {
      const bool is_wanted = graph_.IsOutput(output) || !graph_.Consumers(output).empty();
      if (!output.empty() && is_wanted && !values_.contains(output)) {
        return Concat("no layer here computes its output '", output, "'");
      }
    }
  } catch (const Error& error) {
    return MessageOf(error);
  }
  return "";
}

void NetworkLowering::FailWithAll() const {
  std::string text =
      Concat("expected nodes that layers compute, got ", failures_.size(), " that none does:");
  for (std::size_t i = 0; i < failures_.size() && i < kMostListed; ++i) {
    const ForeignNode& node = *failures_[i].node;
    text += Concat("\n  '", node.name, "' (", node.domain, node.domain.empty() ? "" : ".",
                   node.kind, ", operator set ", node.version, "): ", failures_[i].reason);
  }
  if (failures_.size() > kMostListed) {
    text += Concat("\n  and ", failures_.size() - kMostListed, " more");
  }
  Fail(ErrorCode::kModelFile, text);
}

void NetworkLowering::AddOutputs() {
  for (const ForeignOutput& output : graph_.outputs()) {
    if (graph_.Constant(output.value) != nullptr) {
      const ForeignValue& constant = graph_.Value(output.value);
      values_[output.value] =
          AddConstant(output.value, LoweredShape(*constant.dimensions),
                      IsFloatType(constant.type) ? ElementType::kFloat32 : ElementType::kInt32);
    }
    const auto value = values_.find(output.value);
    if (value == values_.end()) {
      Fail(ErrorCode::kModelFile, "output '", output.name, "': expected a value of the network");
    }
    const bool is_input = std::ranges::any_of(
        spec_.inputs, [&](const InputSpec& input) { return input.name == value->second.layer; });
    if (is_input && value->second.type == ElementType::kFloat32) {
      // A layer, so that predictors can be asked for it.
      const auto sizes = value->second.shape.dimensions();
      value->second = AddLayer(
          {.name = output.name,
           .kind = "reshape",
           .attributes = {{"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())}}},
          std::span(&value->second, 1));
    }
    report_.outputs.push_back({.name = output.name,
                               .layer = value->second.layer,
                               .shape = value->second.shape,
                               .type = value->second.type});
  }
}

void NetworkLowering::RemoveDead() {
  std::unordered_set<std::string> needed;
  for (const ImportReport::Value& output : report_.outputs) needed.insert(output.layer);
  for (std::size_t i = spec_.layers.size(); i-- > 0;) {
    const LayerSpec& layer = spec_.layers[i];
    if (needed.contains(layer.name)) needed.insert(layer.inputs.begin(), layer.inputs.end());
  }
  std::erase_if(spec_.layers, [&](const LayerSpec& layer) { return !needed.contains(layer.name); });
  std::erase_if(parameter_values_,
                [&](const ParameterValue& value) { return !needed.contains(value.layer); });
}

// Before memory is taken for them: parameters that are far more than the file has are some that do
// not fit their layers.
void NetworkLowering::CheckParameterCount(const NetworkState& network) const {
  constexpr std::int64_t kSmall = std::int64_t{1} << 22;
  const std::int64_t most = kSmall + 4 * graph_.ConstantElements();
  std::int64_t count = 0;
  for (const GraphParameter& parameter : network.parameters) {
    count = SaturatedAdd(count, parameter.shape.element_count());
    if (count > most) {
      Fail(ErrorCode::kModelFile, "expected at most ", most, " parameters, got more with '",
           parameter.path, "' of shape ", parameter.shape.ToString());
    }
  }
}

std::shared_ptr<NetworkState> NetworkLowering::BuildNetwork(const NetworkLimits& limits) {
  std::shared_ptr<NetworkState> network = BuildGraph(spec_);
  CheckLimits(*network, limits, CostUse::kPrediction);
  network->limits = limits;
  CheckParameterCount(*network);
  AllocateValues(*network);
  std::unordered_map<std::string, int> indices;
  for (std::size_t i = 0; i < network->parameters.size(); ++i) {
    indices[network->parameters[i].path] = static_cast<int>(i);
  }
  for (const ParameterValue& value : parameter_values_) {
    const auto found = indices.find(Concat(value.layer, ".", value.parameter));
    if (found == indices.end()) {
      Fail(ErrorCode::kInternal, "layer '", value.layer, "' has no '", value.parameter, "'");
    }
    const GraphParameter& parameter = network->parameters[static_cast<std::size_t>(found->second)];
    const std::span<float> floats(network->parameter_values(found->second),
                                  static_cast<std::size_t>(parameter.shape.element_count()));
    try {
      value.fill(floats);
    } catch (const Error& error) {
      Fail(ErrorCode::kModelFile, "parameter '", parameter.path, "' of shape ",
           parameter.shape.ToString(), ": ", MessageOf(error));
    }
    if (!std::ranges::all_of(floats, [](float x) { return std::isfinite(x); })) {
      Fail(ErrorCode::kModelFile, "parameter '", parameter.path,
           "': expected finite values, got others");
    }
    indices.erase(found);
  }
  if (!indices.empty()) {
    Fail(ErrorCode::kInternal, "nothing sets parameter '", indices.begin()->first, "'");
  }
  NoteTraining(*network);
  NoteSharedParameters();
  return network;
}

void NetworkLowering::NoteTraining(const NetworkState& network) {
  std::vector<char> has_parameters(network.values.size(), 0);  // it, or what it is computed from
  for (const GraphLayer& layer : network.layers) {
    const bool is_above = std::ranges::any_of(layer.inputs, [&](int input) {
      return has_parameters[static_cast<std::size_t>(input)] != 0;
    });
    has_parameters[static_cast<std::size_t>(layer.output)] =
        static_cast<char>(is_above || !layer.parameters.empty());
    if (is_above && !layer.layer->HasBackward()) {
      report_.notes.push_back({.layer = layer.name,
                               .text = "no gradient passes through it: layers that lead to it "
                                       "alone do not train"});
    }
  }
}

// A parameter that several nodes read becomes one of each of their layers.
void NetworkLowering::NoteSharedParameters() {
  std::unordered_map<std::string, const ForeignNode*> readers;
  for (const ForeignNode& node : graph_.nodes()) {
    for (const std::string& input : node.inputs) {
      const ForeignTensor* constant = graph_.Constant(input);
      if (constant == nullptr || constant->element_count() < 2 || !graph_.IsParameter(input) ||
          !IsFloatType(constant->type()) || shared_constants_.contains(input)) {
        continue;
      }
      const auto [first, is_new] = readers.emplace(input, &node);
      const auto layer = values_.find(node.outputs.empty() ? "" : node.outputs[0]);
      if (is_new || first->second == &node || layer == values_.end()) continue;
      report_.notes.push_back({.layer = layer->second.layer,
                               .text = Concat("has its own copy of '", input,
                                              "', which the model has once: they train apart")});
    }
  }
}

std::string NetworkLowering::UniqueName(const std::string& wanted) {
  std::string name = wanted;
  while (!names_.insert(name).second) name = Concat(wanted, "_", ++name_counts_[wanted] + 1);
  return name;
}

LoweredValue NetworkLowering::AddLayer(LayerSpec layer, std::span<const LoweredValue> inputs) {
  const std::shared_ptr<const Layer> made = MakeLayer(layer.kind, layer.attributes);
  std::vector<Shape> shapes;
  for (const LoweredValue& input : inputs) {
    shapes.push_back(input.shape);
    layer.inputs.push_back(input.layer);
  }
  const Shape shape = made->OutputShape(shapes);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (made->InputType(i) != inputs[i].type) {
      Refuse(layer.kind, ": expected input ", i + 1, " of ", ElementTypeName(made->InputType(i)),
             ", got ", ElementTypeName(inputs[i].type));
    }
  }
  std::string wanted = LegalName(layer.name);
  if (wanted.empty()) wanted = layer.kind;
  layer.name = UniqueName(wanted);
  LoweredValue value{.layer = layer.name, .shape = shape, .type = made->OutputType()};
  spec_.layers.push_back(std::move(layer));
  return value;
}

LoweredValue NetworkLowering::AddConstant(const std::string& value, const Shape& shape,
                                          ElementType type) {
  const std::string key = Concat(value, " ", shape.ToString(), " ", ElementTypeName(type));
  if (const auto known = constants_.find(key); known != constants_.end()) return known->second;
  const ForeignTensor& tensor = *graph_.Constant(value);
  const auto dimensions = shape.dimensions();
  LayerSpec layer{.name = value, .kind = "constant"};
  layer.attributes["shape"] = std::vector<std::int64_t>(dimensions.begin(), dimensions.end());
  if (type == ElementType::kInt32) layer.attributes["integers"] = tensor.Integers();
  // A parameter of the model trains; a number that its formulas have does not.
  layer.frozen = !graph_.IsParameter(value) || tensor.element_count() == 1;
  const LoweredValue added = AddLayer(std::move(layer), {});
  if (type == ElementType::kFloat32) {
    parameter_values_.push_back(
        {added.layer, "value", [tensor](std::span<float> floats) { tensor.CopyFloats(floats); }});
  }
  constants_.emplace(key, added);
  shared_constants_.insert(value);
  return added;
}

}  // namespace espalier
