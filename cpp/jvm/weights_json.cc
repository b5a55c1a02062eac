// SPDX-License-Identifier: Apache-2.0
#include "jvm/weights_json.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/text.h"
#include "files/json_writer.h"
#include "files/strict_json.h"

namespace espalier::jvm {
namespace {

struct KnownMap {
  std::string_view name;
  WeightMap (*make)();
};

constexpr std::array kKnownMaps = {
    KnownMap{"learned", LearnedWeights},
    KnownMap{"torchvision_resnet", TorchvisionResNetWeights},
    KnownMap{"torchvision_mobilenet_v2", TorchvisionMobileNetV2Weights},
    KnownMap{"torchvision_mobilenet_v3_small", TorchvisionMobileNetV3SmallWeights},
    KnownMap{"torchvision_mobilenet_v3_large", TorchvisionMobileNetV3LargeWeights},
    KnownMap{"torchvision_efficientnet", TorchvisionEfficientNetWeights},
    KnownMap{"timm_mobilenet", TimmMobileNetWeights},
    KnownMap{"timm_vision_transformer", TimmVisionTransformerWeights},
};

WeightMap Known(std::string_view name, const std::string& prefix) {
  if (name.empty()) return {};
  if (name == "bert") return BertWeights(prefix);
  const auto* known = std::ranges::find(kKnownMaps, name, &KnownMap::name);
  if (known == kKnownMaps.end()) {
    Fail(ErrorCode::kInvalidArgument, "known: expected the name of a map, got '", name, "'");
  }
  return known->make();
}

WeightRule::Values ValuesOf(std::string_view name) {
  if (name == "same") return WeightRule::Values::kSame;
  if (name == "transposed") return WeightRule::Values::kTransposed;
  if (name == "reshaped") return WeightRule::Values::kReshaped;
  Fail(ErrorCode::kInvalidArgument, "values: expected same, transposed or reshaped, got '", name,
       "'");
}

JsonText MatchesToJson(const std::vector<WeightReport::Match>& matches) {
  return ObjectsToJson(matches, [](JsonObject& object, const WeightReport::Match& match) {
    object.Add("parameter", match.parameter);
    object.Add("tensor", match.tensor);
    object.Add("evidence", WeightEvidenceName(match.evidence));
  });
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
      entry.Read("joined", rule.joined);
      entry.Finish();
      map.rules.push_back(std::move(rule));
    }
  }
  fields.Read("may_stay", map.may_stay);
  fields.Read("may_be_unused", map.may_be_unused);
  std::string known;
  fields.Read("known", known);
  std::string prefix;
  fields.Read("prefix", prefix);
  fields.Finish();
  const WeightMap behind = Known(known, prefix);
  map.learned = behind.learned;
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
