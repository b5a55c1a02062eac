// SPDX-License-Identifier: Apache-2.0
#include "espalier/export.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <protozero/pbf_writer.hpp>

#include "core/near_names.h"
#include "core/text.h"
#include "export/layer_export.h"
#include "export/onnx_graph.h"
#include "files/file_io.h"
#include "files/json_writer.h"
#include "import/onnx_schema.h"
#include "network/network_state.h"
#include "network/task_check.h"

namespace espalier {
namespace {

constexpr const char* kBatch = "batch";

// The format's version that came with an operator set, which readers of it know.
std::int64_t IrVersionOf(int operator_set) {
  if (operator_set >= 21) return 10;
  return operator_set >= 19 ? 9 : 8;
}

using Writer = void (*)(LayerExport&);

Writer WriterOf(std::string_view kind) {
  for (const auto& kinds : {AttentionKinds(), ElementKinds(), ImageKinds(), NormKinds(),
                            ProductKinds(), SequenceKinds(), ShapeKinds()}) {
    for (const KindExport& row : kinds) {
      if (row.kind == kind) return row.write;
    }
  }
  return nullptr;
}

// What the graph answers: a head's logits or probabilities, or what a layer makes.
struct Answer {
  std::string name;
  int value = 0;
  std::optional<TaskKind> probabilities;  // of that kind of task; none: as it is
};

class Exporter {
 public:
  Exporter(const NetworkState& network, const OnnxExportOptions& options)
      : network_(network),
        options_(options),
        graph_(options.operator_set),
        values_(network, graph_) {}

  void Run() {
    CheckOperatorSet();
    ChooseAnswers();
    FindNeeded();
    RefuseUnknownKinds();
    graph_.Reserve(ParameterBytes());
    NameValues();
    AddInputs();
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (is_needed_[Index(network_.layers[i].output)] == 0) continue;
      LayerExport layer(network_, network_.layers[i], values_, graph_, options_.int8_weights);
      WriterOf(network_.layers[i].layer->kind())(layer);
    }
    AddAnswers();
  }

  const std::string& graph() const { return graph_.bytes(); }
  const std::vector<Answer>& answers() const { return answers_; }

 private:
  static std::size_t Index(int i) { return static_cast<std::size_t>(i); }

  void CheckOperatorSet() const {
    if (options_.operator_set >= kLeastOnnxOperatorSet &&
        options_.operator_set <= kMostOnnxOperatorSet) {
      return;
    }
    Fail(ErrorCode::kInvalidArgument, "export: expected an operator set from ",
         kLeastOnnxOperatorSet, " to ", kMostOnnxOperatorSet, ", got ", options_.operator_set);
  }

  void ChooseAnswers() {
    std::vector<std::string> heads, layers;
    for (const GraphHead& head : network_.heads) heads.push_back(head.name);
    for (const GraphLayer& layer : network_.layers) layers.push_back(layer.name);
    CheckKnown("head", options_.heads, heads);
    CheckKnown("layer", options_.layers, layers);
    const bool has_all_heads = options_.heads.empty() && options_.layers.empty();
    for (const GraphHead& head : network_.heads) {
      if (!has_all_heads && !Contains(options_.heads, head.name)) continue;
      Answer answer{.name = head.name, .value = network_.logits(head), .probabilities = {}};
      if (!options_.logits && head.task.kind != TaskKind::kValues) {
        answer.probabilities = head.task.kind;
      }
      answers_.push_back(std::move(answer));
    }
    for (const std::string& name : options_.layers) {
      const auto at = std::find(layers.begin(), layers.end(), name) - layers.begin();
      const int value = network_.layers[static_cast<std::size_t>(at)].output;
      if (network_.value(value).type != ElementType::kFloat32) {
        Fail(ErrorCode::kInvalidArgument, "export: expected layers of floats, got '", name,
             "', which makes integers");
      }
      answers_.push_back({.name = name, .value = value, .probabilities = {}});
    }
    if (answers_.empty()) {
      Fail(ErrorCode::kInvalidState, "export: expected a network with a head, got one without; ",
           "name layers whose values are wanted");
    }
  }

  // Of what a layer makes: it has a batch of 1.
  bool IsConstant(int value) const {
    return network_.layers[Index(network_.value(value).layer)].is_constant;
  }

  static bool Contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  static void CheckKnown(const char* what, const std::vector<std::string>& names,
                         const std::vector<std::string>& known) {
    for (const std::string& name : names) {
      if (Contains(known, name)) continue;
      Fail(ErrorCode::kInvalidArgument, "export: expected a ", what, "'s name, got '", name,
           "', which no ", what, " has", NamesInstead(name, known));
    }
  }

  void FindNeeded() {
    is_needed_.assign(network_.values.size(), 0);
    for (const Answer& answer : answers_) {
      is_needed_[Index(answer.value)] = 1;
      values_.is_output[Index(answer.value)] = 1;
    }
    for (int i = static_cast<int>(network_.layers.size()); i-- > 0;) {
      const GraphLayer& layer = network_.layers[Index(i)];
      if (is_needed_[Index(layer.output)] == 0) continue;
      for (const int input : layer.inputs) {
        is_needed_[Index(input)] = 1;
        values_.readers[Index(input)].push_back(i);
      }
    }
    // A graph without inputs could not tell the batch.
    const auto inputs = is_needed_.begin() + static_cast<std::ptrdiff_t>(network_.inputs.size());
    if (std::count(is_needed_.begin(), inputs, 1) == 0) is_needed_[0] = 1;
  }

  void RefuseUnknownKinds() const {
    std::vector<std::string> unknown;
    for (const GraphLayer& layer : network_.layers) {
      const std::string_view kind = layer.layer->kind();
      if (is_needed_[Index(layer.output)] != 0 && WriterOf(kind) == nullptr) {
        unknown.push_back(Concat("'", layer.name, "' (", kind, ")"));
      }
    }
    if (unknown.empty()) return;
    Fail(ErrorCode::kInvalidArgument, "export: expected layers that ONNX can express, got ",
         Join(unknown, ", "));
  }

  std::int64_t ParameterBytes() const {
    constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < network_.parameters.size(); ++i) {
      const GraphParameter& parameter = network_.parameters[i];
      const GraphLayer& layer = network_.layers[Index(parameter.layer)];
      if (is_needed_[Index(layer.output)] == 0) continue;
      const std::int64_t count = parameter.shape.element_count();
      const bool is_int8 = options_.int8_weights && static_cast<int>(i) == layer.parameters[0] &&
                           HasInt8Weights(network_, parameter.layer);
      bytes += is_int8 ? count + parameter.shape[0] * kFloat : count * kFloat;
    }
    return bytes;
  }

  // Inputs and answers have their own names, whatever layers are called.
  void NameValues() {
    std::vector<std::string> taken;
    const auto take = [&](const std::string& name) {
      if (Contains(taken, name)) {
        Fail(ErrorCode::kInvalidArgument,
             "export: expected inputs, heads and layers of different names, got '", name,
             "' twice");
      }
      taken.push_back(name);
      graph_.NewName(name);
    };
    for (std::size_t i = 0; i < network_.inputs.size(); ++i) {
      if (is_needed_[i] == 0) continue;
      take(network_.inputs[i].name);
      values_.names[i] = network_.inputs[i].name;
    }
    for (const Answer& answer : answers_) take(answer.name);
    for (const Answer& answer : answers_) {
      std::string& name = values_.names[Index(answer.value)];
      const bool is_as_it_is = !answer.probabilities && !IsConstant(answer.value);
      if (is_as_it_is && name.empty()) name = answer.name;
    }
    for (const GraphLayer& layer : network_.layers) {
      std::string& name = values_.names[Index(layer.output)];
      if (is_needed_[Index(layer.output)] != 0 && name.empty()) name = graph_.NewName(layer.name);
    }
  }

  void AddInputs() {
    for (std::size_t i = 0; i < network_.inputs.size(); ++i) {
      if (is_needed_[i] == 0) continue;
      const GraphInput& input = network_.inputs[i];
      const bool is_float = network_.values[i].type == ElementType::kFloat32;
      graph_.AddInput(input.name, is_float ? onnx::ElementType::kFloat : onnx::ElementType::kInt64,
                      DimensionsOf(static_cast<int>(i)));
      if (input.normalization) Normalize(static_cast<int>(i), *input.normalization);
    }
  }

  void Normalize(int index, const Normalization& normalization) {
    std::string& value = values_.names[Index(index)];
    const auto apply = [&](const char* operation, const char* part,
                           const std::vector<double>& numbers) {
      std::vector<float> floats(numbers.begin(), numbers.end());
      std::vector<std::int64_t> shape;
      if (floats.size() > 1) {
        shape.assign(Index(network_.value(index).shape.rank()), 1);
        shape[0] = static_cast<std::int64_t>(floats.size());
      }
      const std::string& input = network_.inputs[Index(index)].name;
      const std::string name = graph_.NewName(Concat(input, "/", part));
      graph_.AddFloats(name, shape, floats);
      const std::string result = graph_.NewName(Concat(input, "/", operation));
      graph_.AddNode(operation, std::vector{value, name}, {&result, 1}, {});
      value = result;
    };
    apply("Sub", "mean", normalization.mean);
    apply("Div", "std", normalization.std);
  }

  std::vector<OnnxDimension> DimensionsOf(int value) const {
    const GraphValue& graph_value = network_.value(value);
    std::vector<OnnxDimension> dimensions = {std::string(kBatch)};
    for (const std::int64_t size : graph_value.shape.dimensions()) dimensions.emplace_back(size);
    if (const int input = values_.InputOfLength(graph_value.length); input >= 0) {
      dimensions[1] = LengthName(input);
    }
    return dimensions;
  }

  // "length", or where there are several, by the first input that has it.
  std::string LengthName(int input) const {
    for (int i = 0; i < static_cast<int>(network_.inputs.size()); ++i) {
      const int other = values_.InputOfLength(network_.value(i).length);
      if (other >= 0 && other != input) return "length_of_" + network_.inputs[Index(input)].name;
    }
    return "length";
  }

  void AddAnswers() {
    for (const Answer& answer : answers_) {
      const std::string value = IsConstant(answer.value) ? values_.OfWholeBatch(answer.value)
                                                         : values_.names[Index(answer.value)];
      if (answer.probabilities == TaskKind::kLabels) {
        graph_.AddNode("Sigmoid", {&value, 1}, {&answer.name, 1}, {});
      } else if (answer.probabilities == TaskKind::kClasses) {
        graph_.AddNode("Softmax", {&value, 1}, {&answer.name, 1}, {{"axis", std::int64_t{-1}}});
      } else if (value != answer.name) {
        graph_.AddNode("Identity", {&value, 1}, {&answer.name, 1}, {});
      }
      graph_.AddOutput(answer.name, DimensionsOf(answer.value));
    }
  }

  const NetworkState& network_;
  const OnnxExportOptions& options_;
  OnnxGraph graph_;
  OnnxValues values_;
  std::vector<Answer> answers_;
  std::vector<char> is_needed_;  // by value
};

JsonText TaskToJson(const GraphHead& head, bool is_logits) {
  JsonObject object;
  object.Add("name", head.name);
  object.Add("kind", TaskKindName(head.task.kind));
  object.Add("labels", head.task.labels);
  if (head.task.kind == TaskKind::kLabels) {
    JsonArray thresholds;
    for (std::size_t i = 0; i < head.task.labels.size(); ++i) {
      thresholds.Add(
          RealToJson("threshold", head.task.thresholds.empty() ? 0.5 : head.task.thresholds[i]));
    }
    object.Add("thresholds", thresholds.Finish());
  }
  if (head.task.kind != TaskKind::kValues) {
    object.Add("output", is_logits ? "logits" : "probabilities");
  }
  return object.Finish();
}

std::string TasksToJson(const NetworkState& network, const Exporter& exporter) {
  JsonArray tasks;
  for (const GraphHead& head : network.heads) {
    for (const Answer& answer : exporter.answers()) {
      if (answer.name != head.name || answer.value != network.logits(head)) continue;
      tasks.Add(TaskToJson(head, !answer.probabilities));
    }
  }
  return tasks.Finish().text;
}

void AddMetadata(const std::string& key, const std::string& value, protozero::pbf_writer& model) {
  protozero::pbf_writer entry(model, onnx::Model::kMetadata);
  entry.add_string(onnx::Entry::kKey, key);
  entry.add_string(onnx::Entry::kValue, value);
}

// The fields of a ModelProto behind its graph.
std::string FieldsBehindGraph(int operator_set, const std::string& tasks,
                              const std::map<std::string, std::string>& metadata) {
  std::string bytes;
  protozero::pbf_writer model(bytes);
  {
    protozero::pbf_writer operators(model, onnx::Model::kOperatorSets);
    operators.add_string(onnx::OperatorSet::kDomain, "");
    operators.add_int64(onnx::OperatorSet::kVersion, operator_set);
  }
  AddMetadata("espalier.tasks", tasks, model);
  for (const auto& [key, value] : metadata) AddMetadata(key, value, model);
  return bytes;
}

// The fields of a ModelProto before its graph, and how the graph begins.
std::string FieldsBeforeGraph(int operator_set, std::size_t graph_bytes) {
  std::string bytes;
  protozero::pbf_writer model(bytes);
  model.add_int64(onnx::Model::kIrVersion, IrVersionOf(operator_set));
  model.add_string(onnx::Model::kProducerName, "espalier");
  constexpr std::uint32_t kLengthDelimited = 2;
  protozero::add_varint_to_buffer(&bytes, onnx::Model::kGraph << 3U | kLengthDelimited);
  protozero::add_varint_to_buffer(&bytes, graph_bytes);
  return bytes;
}

}  // namespace

void ExportOnnx(const Network& network, const std::string& path, const OnnxExportOptions& options) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  const NetworkState& state = *network.state();
  const ReadScope scope(network.state()->access, "export");
  Exporter exporter(state, options);
  exporter.Run();
  try {
    FileReplacement file(path);
    const std::string before = FieldsBeforeGraph(options.operator_set, exporter.graph().size());
    const std::string behind =
        FieldsBehindGraph(options.operator_set, TasksToJson(state, exporter), state.metadata);
    for (const std::string* part : {&before, &exporter.graph(), &behind}) {
      file.Write(std::as_bytes(std::span(*part)));
    }
    file.Commit();
  } catch (const Error& error) {
    Fail(error.code(), path, ": ", MessageOf(error));
  }
}

}  // namespace espalier
