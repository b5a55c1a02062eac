// SPDX-License-Identifier: Apache-2.0
#include "jvm/import_json.h"

#include <utility>
#include <vector>

#include "espalier/element_type.h"
#include "files/json_writer.h"
#include "files/strict_json.h"
#include "jvm/config_json.h"

namespace espalier::jvm {
namespace {

JsonText ValuesToJson(const std::vector<ImportReport::Value>& values) {
  return ObjectsToJson(values, [](JsonObject& object, const ImportReport::Value& value) {
    object.Add("name", value.name);
    object.Add("layer", value.layer);
    object.Add("shape", value.shape.dimensions());
    object.Add("type", ElementTypeName(value.type));
  });
}

}  // namespace

ImportOptions ImportOptionsFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "options");
  JsonFields fields(JsonReader(value, "options"));
  ImportOptions options;
  if (const auto dimensions = fields.Optional("dimensions")) {
    for (const JsonReader& item : dimensions->Items()) {
      JsonFields entry(item);
      std::string name = entry.Required("name").Text();
      options.dimensions[std::move(name)] = entry.Required("size").Integer();
      entry.Finish();
    }
  }
  if (const auto shapes = fields.Optional("input_shapes")) {
    for (const JsonReader& item : shapes->Items()) {
      JsonFields entry(item);
      std::string name = entry.Required("name").Text();
      options.input_shapes.insert_or_assign(std::move(name),
                                            Shape(entry.Required("shape").Integers()));
      entry.Finish();
    }
  }
  fields.Read("has_batch", options.has_batch);
  if (const auto axes = fields.Optional("batch_axes")) {
    for (const JsonReader& item : axes->Items()) {
      JsonFields entry(item);
      std::string name = entry.Required("name").Text();
      options.batch_axes[std::move(name)] = entry.Required("axis").Integer();
      entry.Finish();
    }
  }
  fields.Read("outputs", options.outputs);
  fields.Read("external_data", options.external_data);
  fields.Read("file_bytes", options.file_bytes);
  fields.Read("nodes", options.nodes);
  if (const auto limits = fields.Optional("limits")) {
    options.limits = NetworkLimitsFrom(*limits);
  }
  fields.Finish();
  return options;
}

std::string ToJsonText(const ImportReport& report) {
  JsonObject object;
  object.Add("producer", report.producer);
  object.Add("nodes", report.nodes);
  object.Add("folded", report.folded);
  object.Add("inputs", ValuesToJson(report.inputs));
  object.Add("outputs", ValuesToJson(report.outputs));
  object.Add("fused", ObjectsToJson(report.fused, [](JsonObject& entry, const auto& fusion) {
               entry.Add("kind", fusion.kind);
               entry.Add("value", fusion.value);
               entry.Add("nodes", fusion.nodes);
             }));
  object.Add("renamed", ObjectsToJson(report.renamed, [](JsonObject& entry, const auto& renaming) {
               entry.Add("from", renaming.from);
               entry.Add("to", renaming.to);
             }));
  object.Add("notes", ObjectsToJson(report.notes, [](JsonObject& entry, const auto& note) {
               entry.Add("layer", note.layer);
               entry.Add("text", note.text);
             }));
  object.Add("summary", report.ToString());
  return object.Finish().text;
}

}  // namespace espalier::jvm
