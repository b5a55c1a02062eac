// SPDX-License-Identifier: Apache-2.0
#include "files/graph_json.h"

#include <array>
#include <map>
#include <string>
#include <utility>

#include "core/text.h"
#include "files/json_writer.h"
#include "network/task_check.h"

namespace espalier {
namespace {

constexpr std::array kTaskKinds = {TaskKind::kLabels, TaskKind::kClasses, TaskKind::kValues};
constexpr std::array kLossKinds = {LossKind::kLogistic, LossKind::kFocal, LossKind::kSoftmax,
                                   LossKind::kSquared, LossKind::kHuber};
constexpr std::array kNormalizations = {LossNormalization::kExamples,
                                        LossNormalization::kLabelledEntries,
                                        LossNormalization::kPerLabel};

const char* NormalizationName(LossNormalization normalization) {
  switch (normalization) {
    case LossNormalization::kExamples:
      return "examples";
    case LossNormalization::kLabelledEntries:
      return "labelled_entries";
    case LossNormalization::kPerLabel:
      return "per_label";
  }
  return "";
}

LossKind UsualLoss(TaskKind kind) {
  switch (kind) {
    case TaskKind::kLabels:
      return LossKind::kLogistic;
    case TaskKind::kClasses:
      return LossKind::kSoftmax;
    case TaskKind::kValues:
      return LossKind::kSquared;
  }
  return LossKind::kLogistic;
}

// Writing.

JsonText RealsToJson(std::string_view what, const std::vector<double>& values) {
  JsonArray array;
  for (const double value : values) {
    array.Add(RealToJson(what, value));
  }
  return array.Finish();
}

JsonText AttributesToJson(const std::string& layer, const Attributes& attributes) {
  JsonObject object;
  for (const auto& [name, value] : attributes) {
    if (const double* real = std::get_if<double>(&value)) {
      object.Add(name, RealToJson(Concat("layer '", layer, "' ", name), *real));
    } else {
      std::visit([&, &key = name](const auto& content) { object.Add(key, content); }, value);
    }
  }
  return object.Finish();
}

JsonText LayerToJson(const LayerSpec& layer) {
  JsonObject object;
  object.Add("name", layer.name);
  object.Add("kind", layer.kind);
  object.Add("inputs", layer.inputs);
  object.Add("attributes", AttributesToJson(layer.name, layer.attributes));
  object.Add("frozen", layer.frozen);
  object.Add("adapt_statistics", layer.adapt_statistics);
  object.Add("learning_rate_scale", RealToJson("learning_rate_scale", layer.learning_rate_scale));
  return object.Finish();
}

JsonText LayersToJson(const std::vector<LayerSpec>& layers) {
  JsonArray array;
  for (const LayerSpec& layer : layers) {
    array.Add(LayerToJson(layer));
  }
  return array.Finish();
}

JsonText TaskToJson(const TaskSpec& task) {
  JsonObject object;
  object.Add("kind", TaskKindName(task.kind));
  object.Add("labels", task.labels);
  object.Add("loss", LossKindName(task.loss));
  object.Add("weight", RealToJson("weight", task.weight));
  object.Add("normalization", NormalizationName(task.normalization));
  object.Add("positive_weights", RealsToJson("positive_weights", task.positive_weights));
  object.Add("class_weights", RealsToJson("class_weights", task.class_weights));
  object.Add("label_smoothing", RealToJson("label_smoothing", task.label_smoothing));
  object.Add("focal_gamma", RealToJson("focal_gamma", task.focal_gamma));
  object.Add("focal_alpha", RealToJson("focal_alpha", task.focal_alpha));
  object.Add("huber_delta", RealToJson("huber_delta", task.huber_delta));
  if (!task.thresholds.empty()) {
    object.Add("thresholds", RealsToJson("thresholds", task.thresholds));
  }
  return object.Finish();
}

JsonText HeadToJson(const HeadSpec& head) {
  JsonObject object;
  object.Add("name", head.name);
  object.Add("from", head.from);
  object.Add("layers", LayersToJson(head.layers));
  object.Add("task", TaskToJson(head.task));
  if (!head.initializer.empty()) object.Add("initializer", head.initializer);
  object.Add("frozen", head.frozen);
  object.Add("learning_rate_scale", RealToJson("learning_rate_scale", head.learning_rate_scale));
  return object.Finish();
}

JsonText MetadataToJson(const std::map<std::string, std::string>& metadata) {
  JsonObject object;
  for (const auto& [key, value] : metadata) {
    object.Add(key, value);
  }
  return object.Finish();
}

// Reading.

template <typename Kinds, typename NameOf>
auto ReadName(const JsonReader& field, const Kinds& kinds, NameOf name_of) {
  const std::string& name = field.Text();
  std::vector<std::string> names;
  for (const auto kind : kinds) {
    if (name == name_of(kind)) {
      return kind;
    }
    names.emplace_back(name_of(kind));
  }
  field.Refuse(Concat("one of ", Join(names, ", ")));
}

AttributeValue ReadAttribute(const JsonReader& attribute) {
  const auto& content = attribute.value().content;
  if (const bool* flag = std::get_if<bool>(&content)) {
    return *flag;
  }
  if (const auto* whole = std::get_if<std::int64_t>(&content)) {
    return *whole;
  }
  if (const double* real = std::get_if<double>(&content)) {
    return *real;
  }
  if (const auto* text = std::get_if<std::string>(&content)) {
    return *text;
  }
  if (!attribute.IsArray()) {
    attribute.Refuse("true or false, a number, a string or an array of integers");
  }
  return attribute.Integers();
}

Attributes ReadAttributes(const JsonReader& attributes) {
  const auto* members = std::get_if<JsonValue::Object>(&attributes.value().content);
  if (members == nullptr) {
    attributes.Refuse("an object");
  }
  Attributes result;
  for (const JsonMember& member : *members) {
    const JsonReader attribute(member.value, JsonFieldPath(attributes.path(), member.key));
    result.emplace(member.key, ReadAttribute(attribute));
  }
  return result;
}

std::map<std::string, std::string> ReadMetadata(const JsonReader& metadata) {
  const auto* members = std::get_if<JsonValue::Object>(&metadata.value().content);
  if (members == nullptr) {
    metadata.Refuse("an object");
  }
  std::map<std::string, std::string> result;
  for (const JsonMember& member : *members) {
    const JsonReader value(member.value, JsonFieldPath(metadata.path(), member.key.substr(0, 40)));
    result.emplace(member.key, value.Text());
  }
  return result;
}

LayerSpec ReadLayer(const JsonReader& object) {
  JsonFields fields(object);
  LayerSpec layer;
  fields.Read("name", layer.name);
  layer.kind = fields.Required("kind").Text();
  fields.Read("inputs", layer.inputs);
  if (const auto attributes = fields.Optional("attributes")) {
    layer.attributes = ReadAttributes(*attributes);
  }
  fields.Read("frozen", layer.frozen);
  fields.Read("adapt_statistics", layer.adapt_statistics);
  fields.Read("learning_rate_scale", layer.learning_rate_scale);
  fields.Finish();
  return layer;
}

std::vector<LayerSpec> ReadLayers(JsonFields& fields) {
  std::vector<LayerSpec> layers;
  if (const auto array = fields.Optional("layers")) {
    for (const JsonReader& layer : array->Items()) {
      layers.push_back(ReadLayer(layer));
    }
  }
  return layers;
}

TaskSpec ReadTask(const JsonReader& object) {
  JsonFields fields(object);
  TaskSpec task;
  task.kind = ReadName(fields.Required("kind"), kTaskKinds, TaskKindName);
  task.labels = fields.Required("labels").Texts();
  const auto loss = fields.Optional("loss");
  task.loss = loss ? ReadName(*loss, kLossKinds, LossKindName) : UsualLoss(task.kind);
  fields.Read("weight", task.weight);
  if (const auto normalization = fields.Optional("normalization")) {
    task.normalization = ReadName(*normalization, kNormalizations, NormalizationName);
  }
  fields.Read("positive_weights", task.positive_weights);
  fields.Read("class_weights", task.class_weights);
  fields.Read("label_smoothing", task.label_smoothing);
  fields.Read("focal_gamma", task.focal_gamma);
  fields.Read("focal_alpha", task.focal_alpha);
  fields.Read("huber_delta", task.huber_delta);
  fields.Read("thresholds", task.thresholds);
  fields.Finish();
  return task;
}

HeadSpec ReadHead(const JsonReader& object) {
  JsonFields fields(object);
  HeadSpec head;
  head.name = fields.Required("name").Text();
  fields.Read("from", head.from);
  head.layers = ReadLayers(fields);
  head.task = ReadTask(fields.Required("task"));
  fields.Read("initializer", head.initializer);
  fields.Read("frozen", head.frozen);
  fields.Read("learning_rate_scale", head.learning_rate_scale);
  fields.Finish();
  return head;
}

Normalization ReadNormalization(const JsonReader& object) {
  JsonFields fields(object);
  Normalization normalization;
  normalization.mean = fields.Required("mean").Numbers();
  normalization.std = fields.Required("std").Numbers();
  fields.Finish();
  return normalization;
}

void AddNormalization(const InputSpec& input, JsonObject& object) {
  if (!input.normalization) return;
  JsonObject normalize;
  normalize.Add("mean", RealsToJson("mean", input.normalization->mean));
  normalize.Add("std", RealsToJson("std", input.normalization->std));
  object.Add("normalize", normalize.Finish());
}

JsonText InputToJson(const InputSpec& input) {
  JsonObject object;
  object.Add("name", input.name);
  object.Add("shape", input.shape.dimensions());
  object.Add("type", ElementTypeName(input.type));
  AddNormalization(input, object);
  return object.Finish();
}

InputSpec ReadInput(const JsonReader& object) {
  JsonFields fields(object);
  InputSpec input;
  input.name = fields.Required("name").Text();
  input.shape = Shape(fields.Required("shape").Integers());
  if (const auto type = fields.Optional("type")) {
    input.type =
        ReadName(*type, std::array{ElementType::kFloat32, ElementType::kInt32}, ElementTypeName);
  }
  if (const auto normalize = fields.Optional("normalize")) {
    input.normalization = ReadNormalization(*normalize);
  }
  fields.Finish();
  return input;
}

}  // namespace

std::string NetworkSpecToJson(const NetworkSpec& spec) {
  JsonObject object;
  object.Add("format", kGraphFormat);
  // As earlier versions have it, where they can.
  if (const InputSpec& first = spec.inputs[0];
      spec.inputs.size() == 1 && first.name == kInputName && first.type == ElementType::kFloat32) {
    object.Add("input", first.shape.dimensions());
    AddNormalization(first, object);
  } else {
    JsonArray inputs;
    for (const InputSpec& input : spec.inputs) inputs.Add(InputToJson(input));
    object.Add("inputs", inputs.Finish());
  }
  object.Add("layers", LayersToJson(spec.layers));
  JsonArray heads;
  for (const HeadSpec& head : spec.heads) {
    heads.Add(HeadToJson(head));
  }
  object.Add("heads", heads.Finish());
  if (!spec.metadata.empty()) object.Add("metadata", MetadataToJson(spec.metadata));
  return object.Finish().text;
}

NetworkSpec NetworkSpecFromJson(std::string_view json, const JsonLimits& limits) {
  const JsonValue value = ParseStrictJson(json, "network", limits);
  JsonFields fields(JsonReader(value, "network"));
  std::int64_t format = kGraphFormat;
  fields.Read("format", format);
  if (format != kGraphFormat) {
    Fail(ErrorCode::kInvalidArgument, "network.format: expected ", kGraphFormat, ", got ", format,
         format > kGraphFormat ? ", which a later version of the library has written" : "");
  }
  NetworkSpec spec;
  if (const auto inputs = fields.Optional("inputs")) {
    spec.inputs.clear();
    for (const JsonReader& input : inputs->Items()) spec.inputs.push_back(ReadInput(input));
  } else {
    spec.inputs[0].shape = Shape(fields.Required("input").Integers());
    if (const auto normalize = fields.Optional("normalize")) {
      spec.inputs[0].normalization = ReadNormalization(*normalize);
    }
  }
  if (const auto metadata = fields.Optional("metadata")) {
    spec.metadata = ReadMetadata(*metadata);
  }
  spec.layers = ReadLayers(fields);
  if (const auto heads = fields.Optional("heads")) {
    spec.heads = ReadHeads(*heads);
  }
  fields.Finish();
  return spec;
}

std::vector<HeadSpec> ReadHeads(const JsonReader& heads) {
  std::vector<HeadSpec> result;
  for (const JsonReader& head : heads.Items()) {
    result.push_back(ReadHead(head));
  }
  return result;
}

}  // namespace espalier
