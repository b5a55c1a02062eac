// SPDX-License-Identifier: Apache-2.0
#include "jvm/weights_json.h"

#include <utility>
#include <vector>

#include "core/text.h"
#include "files/json_writer.h"
#include "files/strict_json.h"

namespace espalier::jvm {
namespace {

WeightMap KnownMap(std::string_view name) {
  if (name.empty()) return {};
  if (name == "torchvision_resnet") return TorchvisionResNetWeights();
  if (name == "torchvision_mobilenet_v2") return TorchvisionMobileNetV2Weights();
  Fail(ErrorCode::kInvalidArgument,
       "known: expected torchvision_resnet or torchvision_mobilenet_v2, got '", name, "'");
}

WeightRule::Values ValuesOf(std::string_view name) {
  if (name == "same") return WeightRule::Values::kSame;
  if (name == "transposed") return WeightRule::Values::kTransposed;
  if (name == "reshaped") return WeightRule::Values::kReshaped;
  Fail(ErrorCode::kInvalidArgument, "values: expected same, transposed or reshaped, got '", name,
       "'");
}

JsonText MatchesToJson(const std::vector<WeightReport::Match>& matches) {
  JsonArray array;
  for (const WeightReport::Match& match : matches) {
    JsonObject object;
    object.Add("parameter", match.parameter);
    object.Add("tensor", match.tensor);
    array.Add(object.Finish());
  }
  return array.Finish();
}

template <typename Item>
void Append(std::vector<Item>& items, const std::vector<Item>& more) {
  items.insert(items.end(), more.begin(), more.end());
}

}  // namespace

WeightMap WeightMapFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "weight map");
  JsonFields fields(JsonReader(value, "weight map"));
  WeightMap map;
  if (const auto rules = fields.Optional("rules")) {
    for (const JsonReader& item : rules->Items()) {
      JsonFields entry(item);
      WeightRule rule;
      rule.parameter = entry.Required("parameter").Text();
      rule.tensor = entry.Required("tensor").Text();
      rule.values = ValuesOf(entry.Required("values").Text());
      entry.Finish();
      map.rules.push_back(std::move(rule));
    }
  }
  fields.Read("may_stay", map.may_stay);
  fields.Read("may_be_unused", map.may_be_unused);
  std::string known;
  fields.Read("known", known);
  fields.Finish();
  const WeightMap behind = KnownMap(known);
  Append(map.rules, behind.rules);
  Append(map.may_stay, behind.may_stay);
  Append(map.may_be_unused, behind.may_be_unused);
  return map;
}

std::string ToJsonText(const WeightReport& report) {
  JsonObject object;
  object.Add("matched", MatchesToJson(report.matched));
  object.Add("reshaped", MatchesToJson(report.reshaped));
  object.Add("kept", report.kept);
  object.Add("unused", report.unused);
  object.Add("summary", report.ToString());
  return object.Finish().text;
}

}  // namespace espalier::jvm
