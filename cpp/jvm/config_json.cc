// SPDX-License-Identifier: Apache-2.0
#include "jvm/config_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "core/text.h"
#include "files/graph_json.h"
#include "files/json_writer.h"
#include "files/strict_json.h"

namespace espalier::jvm {
namespace {

std::vector<LayerPattern> ReadPatterns(JsonFields& fields, const char* key) {
  std::vector<LayerPattern> patterns;
  if (const auto array = fields.Optional(key)) {
    for (const JsonReader& item : array->Items()) {
      JsonFields entry(item);
      LayerPattern pattern;
      pattern.pattern = entry.Required("pattern").Text();
      entry.Read("through", pattern.through);
      entry.Finish();
      patterns.push_back(pattern);
    }
  }
  return patterns;
}

std::vector<TransferSpec::Frozen> ReadFrozen(JsonFields& fields) {
  std::vector<TransferSpec::Frozen> frozen;
  if (const auto array = fields.Optional("freeze")) {
    for (const JsonReader& item : array->Items()) {
      JsonFields fields_of_entry(item);
      TransferSpec::Frozen entry;
      entry.pattern = fields_of_entry.Required("pattern").Text();
      fields_of_entry.Read("through", entry.through);
      fields_of_entry.Read("adapt_statistics", entry.adapt_statistics);
      fields_of_entry.Finish();
      frozen.push_back(std::move(entry));
    }
  }
  return frozen;
}

std::vector<TransferSpec::Rate> ReadRates(JsonFields& fields) {
  std::vector<TransferSpec::Rate> rates;
  if (const auto array = fields.Optional("learning_rates")) {
    for (const JsonReader& item : array->Items()) {
      JsonFields entry(item);
      std::string pattern = entry.Required("pattern").Text();
      const double scale = entry.Required("scale").Number();
      entry.Finish();
      rates.push_back({std::move(pattern), scale});
    }
  }
  return rates;
}

std::vector<TransferSpec::InputShape> ReadInputShapes(JsonFields& fields) {
  std::vector<TransferSpec::InputShape> inputs;
  if (const auto array = fields.Optional("input_shapes")) {
    for (const JsonReader& item : array->Items()) {
      JsonFields entry(item);
      std::string name = entry.Required("name").Text();
      const Shape shape(entry.Required("shape").Integers());
      entry.Finish();
      inputs.push_back({.name = std::move(name), .shape = shape});
    }
  }
  return inputs;
}

// A number out of an int's range becomes one that no count can be, for the core to refuse.
void ReadCount(JsonFields& fields, const char* key, int& count) {
  std::int64_t value = count;
  fields.Read(key, value);
  count = static_cast<int>(std::clamp<std::int64_t>(value, -1, std::numeric_limits<int>::max()));
}

Precision ReadPrecision(std::string_view name) {
  if (name == "fp32") {
    return Precision::kFp32;
  }
  if (name == "bf16_weights") {
    return Precision::kBf16Weights;
  }
  if (name == "int8") {
    return Precision::kInt8;
  }
  Fail(ErrorCode::kInvalidArgument,
       "precision: expected \"fp32\", \"bf16_weights\" or \"int8\", got \"", name, "\"");
}

// One of the kinds of a variant, by its name.
template <typename... Kinds>
std::variant<Kinds...> ReadKind(JsonFields& fields, const std::variant<Kinds...>& usual) {
  const JsonReader kind = fields.Required("kind");
  std::variant<Kinds...> result = usual;
  bool is_known = false;
  const auto read = [&](auto of_kind) {
    if (is_known || kind.Text() != of_kind.kKind) return;
    of_kind.ForSettings([&](const char* name, auto& setting) { fields.Read(name, setting); });
    result = of_kind;
    is_known = true;
  };
  (read(Kinds{}), ...);
  if (!is_known) kind.Refuse("one of " + Join(std::array{Kinds::kKind...}, ", "));
  return result;
}

OptimizerConfig ReadOptimizer(const JsonReader& object) {
  JsonFields fields(object);
  const OptimizerConfig optimizer = ReadKind(fields, OptimizerConfig{});
  fields.Finish();
  return optimizer;
}

BalanceConfig ReadBalance(const JsonReader& object) {
  JsonFields fields(object);
  const BalanceConfig balance = ReadKind(fields, BalanceConfig{});
  fields.Finish();
  return balance;
}

ScheduleKind ReadScheduleKind(const JsonReader& kind) {
  const std::string& name = kind.Text();
  if (name == "constant") return ScheduleKind::kConstant;
  if (name == "step") return ScheduleKind::kStep;
  if (name == "exponential") return ScheduleKind::kExponential;
  if (name == "cosine") return ScheduleKind::kCosine;
  if (name == "one_cycle") return ScheduleKind::kOneCycle;
  kind.Refuse("one of constant, step, exponential, cosine, one_cycle");
}

Schedule ReadSchedule(const JsonReader& object) {
  JsonFields fields(object);
  Schedule schedule;
  schedule.kind = ReadScheduleKind(fields.Required("kind"));
  fields.Read("total_steps", schedule.total_steps);
  fields.Read("step_size", schedule.step_size);
  fields.Read("decay", schedule.decay);
  fields.Read("final_factor", schedule.final_factor);
  fields.Read("initial_factor", schedule.initial_factor);
  fields.Read("peak_fraction", schedule.peak_fraction);
  fields.Read("warmup_steps", schedule.warmup_steps);
  fields.Finish();
  return schedule;
}

std::optional<double> ReadLimit(JsonFields& fields, const char* key) {
  const auto limit = fields.Optional(key);
  return limit && !limit->IsNull() ? std::optional(limit->Number()) : std::nullopt;
}

const char* FateName(LayerDescription::Fate fate) {
  switch (fate) {
    case LayerDescription::Fate::kKept:
      return "kept";
    case LayerDescription::Fate::kNew:
      return "new";
    case LayerDescription::Fate::kDropped:
      return "dropped";
  }
  return "";
}

}  // namespace

TransferSpec TransferSpecFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "transfer");
  JsonFields fields(JsonReader(value, "transfer"));
  TransferSpec spec;
  fields.Read("drop_heads", spec.drop_heads);
  fields.Read("drop_from", spec.drop_from);
  spec.input_shapes = ReadInputShapes(fields);
  spec.freeze = ReadFrozen(fields);
  spec.unfreeze = ReadPatterns(fields, "unfreeze");
  spec.learning_rates = ReadRates(fields);
  if (const auto heads = fields.Optional("heads")) {
    spec.heads = ReadHeads(*heads);
  }
  fields.Finish();
  return spec;
}

TrainerConfig TrainerConfigFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "trainer");
  JsonFields fields(JsonReader(value, "trainer"));
  TrainerConfig config;
  if (const auto optimizer = fields.Optional("optimizer")) {
    config.optimizer = ReadOptimizer(*optimizer);
  }
  if (const auto schedule = fields.Optional("schedule")) {
    config.schedule = ReadSchedule(*schedule);
  }
  fields.Read("max_batch_size", config.max_batch_size);
  if (const auto seed = fields.Optional("seed")) {
    config.seed = static_cast<std::uint64_t>(seed->Integer());
  }
  config.clip_value = ReadLimit(fields, "clip_value");
  config.clip_norm = ReadLimit(fields, "clip_norm");
  fields.Read("decay_biases_and_norms", config.decay_biases_and_norms);
  fields.Read("layer_decay", config.layer_decay);
  fields.Read("start_decay", config.start_decay);
  config.average_decay = ReadLimit(fields, "average_decay");
  if (const auto balance = fields.Optional("balance")) {
    config.balance = ReadBalance(*balance);
  }
  ReadCount(fields, "threads", config.threads);
  fields.Read("data_parallel", config.data_parallel);
  fields.Read("feature_folder", config.feature_folder);
  std::vector<std::string> own_losses;
  fields.Read("own_losses", own_losses);
  for (std::string& head : own_losses) config.losses.emplace(std::move(head), nullptr);
  fields.Finish();
  return config;
}

NetworkLimits NetworkLimitsFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "limits");
  return NetworkLimitsFrom(JsonReader(value, "limits"));
}

NetworkLimits NetworkLimitsFrom(const JsonReader& object) {
  JsonFields fields(object);
  NetworkLimits limits;
  fields.Read("multiply_adds", limits.multiply_adds);
  fields.Read("native_bytes", limits.native_bytes);
  fields.Read("layers", limits.layers);
  fields.Finish();
  return limits;
}

OnnxExportOptions OnnxExportOptionsFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "export");
  JsonFields fields(JsonReader(value, "export"));
  OnnxExportOptions options;
  fields.Read("logits", options.logits);
  fields.Read("heads", options.heads);
  fields.Read("layers", options.layers);
  ReadCount(fields, "operator_set", options.operator_set);
  fields.Read("int8_weights", options.int8_weights);
  fields.Finish();
  return options;
}

PredictorConfig PredictorConfigFromJson(std::string_view json) {
  const JsonValue value = ParseStrictJson(json, "predictor");
  JsonFields fields(JsonReader(value, "predictor"));
  PredictorConfig config;
  fields.Read("max_batch_size", config.max_batch_size);
  fields.Read("logits", config.logits);
  if (const auto precision = fields.Optional("precision")) {
    config.precision = ReadPrecision(precision->Text());
  }
  fields.Read("keep_float", config.keep_float);
  fields.Read("heads", config.heads);
  fields.Read("layers", config.layers);
  ReadCount(fields, "threads", config.threads);
  ReadCount(fields, "weight_copies", config.weight_copies);
  ReadCount(fields, "other_shapes", config.other_shapes);
  double scale = config.pixel_scale;
  double offset = config.pixel_offset;
  fields.Read("pixel_scale", scale);
  fields.Read("pixel_offset", offset);
  config.pixel_scale = static_cast<float>(scale);
  config.pixel_offset = static_cast<float>(offset);
  fields.Finish();
  return config;
}

std::vector<std::string> NamesFromJson(std::string_view what, std::string_view json) {
  const JsonValue value = ParseStrictJson(json, what);
  return JsonReader(value, std::string(what)).Texts();
}

Shape ShapeFromJson(std::string_view what, std::string_view json) {
  const JsonValue value = ParseStrictJson(json, what);
  return Shape(JsonReader(value, std::string(what)).Integers());
}

std::string ShapesToJson(std::span<const Shape> shapes) {
  JsonArray array;
  for (const Shape& shape : shapes) array.Add(ToJson(shape.dimensions()));
  return array.Finish().text;
}

std::string LayersToJson(std::span<const LayerDescription> layers) {
  JsonArray array;
  for (const LayerDescription& layer : layers) {
    JsonObject object;
    object.Add("name", layer.name);
    object.Add("kind", layer.kind);
    object.Add("output", layer.output.dimensions());
    object.Add("padding", layer.padding);
    object.Add("parameters", layer.parameter_count);
    object.Add("frozen", layer.is_frozen);
    object.Add("adapts_statistics", layer.adapts_statistics);
    object.Add("learning_rate_scale", RealToJson("learning_rate_scale", layer.learning_rate_scale));
    object.Add("head", layer.head);
    object.Add("int8_keeps_float", layer.int8_keeps_float);
    object.Add("fate", FateName(layer.fate));
    array.Add(object.Finish());
  }
  return array.Finish().text;
}

std::string ParametersToJson(std::span<const ParameterDescription> parameters) {
  JsonArray array;
  for (const ParameterDescription& parameter : parameters) {
    JsonObject object;
    object.Add("path", parameter.path);
    object.Add("shape", parameter.shape.dimensions());
    object.Add("buffer", parameter.is_buffer);
    array.Add(object.Finish());
  }
  return array.Finish().text;
}

std::string MetricsToJson(const TaskMetrics& metrics) {
  JsonArray array;
  for (const Metric& metric : metrics.metrics) {
    JsonObject object;
    object.Add("name", metric.name);
    object.Add("label", metric.label);
    object.Add("value",
               std::isfinite(metric.value) ? RealToJson("value", metric.value) : JsonText{"null"});
    object.Add("support", metric.support);
    array.Add(object.Finish());
  }
  JsonArray counts;
  for (const AnswerCounts& of : metrics.counts) {
    counts.Add(ToJson(std::array{of.true_positives, of.false_positives, of.false_negatives,
                                 of.true_negatives, of.blanks}));
  }
  JsonArray confusion;
  const std::size_t width = metrics.confusion.empty() ? 0 : metrics.counts.size();
  for (std::size_t row = 0; row < width; ++row) {
    confusion.Add(ToJson(std::span(metrics.confusion).subspan(row * width, width)));
  }
  JsonObject object;
  object.Add("metrics", array.Finish());
  object.Add("counts", counts.Finish());
  object.Add("confusion", confusion.Finish());
  return object.Finish().text;
}

}  // namespace espalier::jvm
