// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "core/checked.h"
#include "core/memory.h"
#include "core/text.h"
#include "espalier/evaluation.h"
#include "espalier/export.h"
#include "espalier/metrics.h"
#include "espalier/model_file.h"
#include "espalier/weights.h"
#include "files/graph_json.h"
#include "jvm/bridge.h"
#include "jvm/config_json.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"
#include "jvm/weights_json.h"

namespace espalier::jvm {
namespace {

std::int64_t AdoptNetwork(Network network) {
  return Adopt(std::make_unique<Network>(std::move(network)));
}

std::vector<LayerPattern> Patterns(const char* json, bool through) {
  std::vector<LayerPattern> patterns;
  for (std::string& name : NamesFromJson("patterns", Text("patterns", json))) {
    patterns.push_back({std::move(name), through});
  }
  return patterns;
}

std::int64_t ParameterSize(const Network& network, std::string_view path) {
  for (const ParameterDescription& parameter : network.Parameters()) {
    if (parameter.path == path) {
      return parameter.shape.element_count();
    }
  }
  // Throws, and says which names are near.
  return static_cast<std::int64_t>(network.ReadParameter(path).size());
}

void ReadParameter(const Network& network, std::string_view path, std::span<float> values) {
  const std::vector<float> parameter = network.ReadParameter(path);
  if (parameter.size() != values.size()) {
    Fail(ErrorCode::kShapeMismatch, "parameter '", path, "': expected room for ", parameter.size(),
         " values, got ", values.size());
  }
  std::copy(parameter.begin(), parameter.end(), values.begin());
}

void WriteTaskLosses(const Network& network, std::int64_t examples, std::int64_t logits,
                     const std::int64_t* targets, const std::int64_t* masks, double* results) {
  const HeadTable heads(network);
  std::vector<TaskTargets> all_targets(heads.count());
  const auto values =
      Borrow<const float>("logits", logits, CheckedMultiply(examples, heads.total_width()));
  heads.ReadTargets(examples, targets, masks, all_targets);
  const auto result = Borrow("results", results, static_cast<std::int64_t>(1 + 2 * heads.count()));
  std::size_t next = 1;
  result[0] = 0.0;
  for (const TaskLoss& loss : TaskLosses(network, examples, values, all_targets)) {
    result[0] += loss.loss;
    result[next++] = loss.loss;
    result[next++] = static_cast<double>(loss.labelled);
  }
}

TaskKind KindOf(std::string_view kind) {
  if (kind == "labels") return TaskKind::kLabels;
  if (kind == "classes") return TaskKind::kClasses;
  if (kind == "values") return TaskKind::kValues;
  Fail(ErrorCode::kInvalidArgument, "kind: expected one of labels, classes, values, got '", kind,
       "'");
}

// Columns [0, width) of rows that lie `stride` apart, without gaps.
AlignedArray<float> Columns(std::int64_t outputs, std::int64_t examples, std::int64_t stride,
                            std::int64_t width) {
  if (examples < 0 || width < 1 || stride < width) {
    Fail(ErrorCode::kInvalidArgument, "metrics: expected at least 0 examples of ", width,
         " columns at least, got ", examples, " of ", stride);
  }
  const std::int64_t size = examples == 0 ? 0 : CheckedMultiply(examples, stride) - stride + width;
  const auto rows = Borrow<const float>("outputs", outputs, size);
  AlignedArray<float> columns(CheckedMultiply(examples, width));
  for (std::int64_t i = 0; i < examples; ++i) {
    std::copy_n(rows.data() + i * stride, width, columns.data() + i * width);
  }
  return columns;
}

TaskMetrics Metrics(const TaskSpec& task, bool are_logits, std::int64_t examples,
                    std::int64_t stride, std::int64_t outputs, std::int64_t targets) {
  const auto width = static_cast<std::int64_t>(task.labels.size());
  const AlignedArray<float> columns = Columns(outputs, examples, stride, width);
  TaskTargets known;
  if (task.kind == TaskKind::kClasses) {
    known.classes = Borrow<const std::int32_t>("targets", targets, examples);
  } else {
    known.values = Borrow<const float>("targets", targets, CheckedMultiply(examples, width));
  }
  return are_logits ? MetricsOfLogits(task, columns.span(), known)
                    : MetricsOfProbabilities(task, columns.span(), known);
}

}  // namespace

std::int64_t networkBuild(const char* spec_json, std::int64_t seed) {
  return Guard([&] {
    return AdoptNetwork(Network::Build(NetworkSpecFromJson(Text("spec", spec_json)),
                                       static_cast<std::uint64_t>(seed)));
  });
}

std::string networkSpec(std::int64_t network) {
  return Guard([&] { return NetworkSpecToJson(Entered<Network>(network)->Spec()); });
}

std::string networkDescribe(std::int64_t network) {
  return Guard([&] { return LayersToJson(Entered<Network>(network)->Describe()); });
}

std::string networkParameters(std::int64_t network) {
  return Guard([&] { return ParametersToJson(Entered<Network>(network)->Parameters()); });
}

std::int64_t networkParameterSize(std::int64_t network, const char* path) {
  return Guard([&] { return ParameterSize(*Entered<Network>(network), Text("path", path)); });
}

void networkReadParameter(std::int64_t network, const char* path, float* values,
                          std::int64_t size) {
  Guard([&] {
    ReadParameter(*Entered<Network>(network), Text("path", path), Borrow("values", values, size));
  });
}

void networkWriteParameter(std::int64_t network, const char* path, const float* values,
                           std::int64_t size) {
  Guard([&] {
    Entered<Network>(network)->WriteParameter(Text("path", path), Borrow("values", values, size));
  });
}

void networkFreeze(std::int64_t network, const char* patterns_json, bool through,
                   bool adapt_statistics) {
  Guard([&] {
    Entered<Network>(network)->Freeze(Patterns(patterns_json, through), adapt_statistics);
  });
}

void networkUnfreeze(std::int64_t network, const char* patterns_json, bool through) {
  Guard([&] { Entered<Network>(network)->Unfreeze(Patterns(patterns_json, through)); });
}

void networkSetLearningRateScale(std::int64_t network, const char* pattern, double scale) {
  Guard([&] {
    Entered<Network>(network)->SetLearningRateScale(std::string(Text("pattern", pattern)), scale);
  });
}

void networkSetThresholds(std::int64_t network, const char* head, const double* thresholds,
                          std::int64_t count) {
  Guard([&] {
    Entered<Network>(network)->SetThresholds(Text("head", head),
                                             Borrow("thresholds", thresholds, count));
  });
}

void networkSetAllThresholds(std::int64_t network, const double* columns, std::int64_t count) {
  Guard([&] { Entered<Network>(network)->SetThresholds(Borrow("columns", columns, count)); });
}

void networkScaleLogits(std::int64_t network, const double* scales, const double* biases,
                        std::int64_t count) {
  Guard([&] {
    Entered<Network>(network)->ScaleLogits(Borrow("scales", scales, count),
                                           Borrow("biases", biases, count));
  });
}

void networkSetMetadata(std::int64_t network, const char* key, const char* value) {
  Guard([&] {
    Entered<Network>(network)->SetMetadata(std::string(Text("key", key)),
                                           std::string(Text("value", value)));
  });
}

void networkRemoveMetadata(std::int64_t network, const char* key) {
  Guard([&] { Entered<Network>(network)->RemoveMetadata(std::string(Text("key", key))); });
}

std::int64_t networkClone(std::int64_t network) {
  return Guard([&] { return AdoptNetwork(Entered<Network>(network)->Clone()); });
}

std::int64_t networkTransfer(std::int64_t network, const char* transfer_json, std::int64_t seed) {
  return Guard([&] {
    return AdoptNetwork(Entered<Network>(network)->Transfer(
        TransferSpecFromJson(Text("transfer", transfer_json)), static_cast<std::uint64_t>(seed)));
  });
}

std::string networkExplainTransfer(std::int64_t network, const char* transfer_json) {
  return Guard([&] {
    return LayersToJson(Entered<Network>(network)->ExplainTransfer(
        TransferSpecFromJson(Text("transfer", transfer_json))));
  });
}

void networkSave(std::int64_t network, const char* path, bool int8_weights) {
  Guard([&] {
    SaveNetwork(*Entered<Network>(network), std::string(Text("path", path)),
                {.int8_weights = int8_weights});
  });
}

void networkExportOnnx(std::int64_t network, const char* path, const char* options_json) {
  Guard([&] {
    ExportOnnx(*Entered<Network>(network), std::string(Text("path", path)),
               OnnxExportOptionsFromJson(Text("options", options_json)));
  });
}

std::string networkLoadWeights(std::int64_t network, const char* path, const char* map_json) {
  return Guard([&] {
    return ToJsonText(LoadWeights(*Entered<Network>(network), std::string(Text("path", path)),
                                  WeightMapFromJson(Text("map", map_json))));
  });
}

void networkExportSafetensors(std::int64_t network, const char* path, const char* map_json) {
  Guard([&] {
    ExportSafetensors(*Entered<Network>(network), std::string(Text("path", path)),
                      WeightMapFromJson(Text("map", map_json)));
  });
}

std::int64_t networkLoad(const char* path, const char* limits_json) {
  return Guard([&] {
    return AdoptNetwork(LoadNetwork(std::string(Text("path", path)),
                                    NetworkLimitsFromJson(Text("limits", limits_json))));
  });
}

std::int64_t modelReaderCreate(const char* limits_json) {
  return Guard([&] {
    return Adopt(std::make_unique<ModelReader>(
        LoadOptions{.network_limits = NetworkLimitsFromJson(Text("limits", limits_json))}));
  });
}

void modelReaderWrite(std::int64_t reader, const std::int8_t* bytes, std::int64_t count) {
  Guard([&] { Entered<ModelReader>(reader)->Write(std::as_bytes(Borrow("bytes", bytes, count))); });
}

std::int64_t modelReaderFinish(std::int64_t reader) {
  return Guard([&] { return AdoptNetwork(Entered<ModelReader>(reader)->Finish()); });
}

std::int64_t modelWriterCreate(std::int64_t network, bool int8_weights) {
  return Guard([&] {
    return Adopt(std::make_unique<ModelWriter>(*Entered<Network>(network),
                                               SaveOptions{.int8_weights = int8_weights}));
  });
}

std::int64_t modelWriterRead(std::int64_t writer, std::int8_t* bytes, std::int64_t count) {
  return Guard([&] {
    return static_cast<std::int64_t>(
        Entered<ModelWriter>(writer)->Read(std::as_writable_bytes(Borrow("bytes", bytes, count))));
  });
}

void taskLosses(std::int64_t network, std::int64_t examples, std::int64_t logits,
                const std::int64_t* targets, const std::int64_t* masks, double* results) {
  Guard([&] {
    WriteTaskLosses(*Entered<Network>(network), examples, logits, targets, masks, results);
  });
}

double ownTaskLoss(std::int64_t network, const char* head, std::int64_t examples,
                   std::int64_t labelled, double sum) {
  return Guard([&] {
    return OwnTaskLoss(*Entered<Network>(network), Text("head", head), examples, labelled, sum);
  });
}

std::string taskMetrics(const char* kind, const char* labels_json, const double* thresholds,
                        std::int64_t threshold_count, bool are_logits, std::int64_t examples,
                        std::int64_t stride, std::int64_t outputs, std::int64_t targets) {
  return Guard([&] {
    const auto given = Borrow("thresholds", thresholds, threshold_count);
    const TaskSpec task{.kind = KindOf(Text("kind", kind)),
                        .labels = NamesFromJson("labels", Text("labels", labels_json)),
                        .thresholds = {given.begin(), given.end()}};
    return MetricsToJson(Metrics(task, are_logits, examples, stride, outputs, targets));
  });
}

}  // namespace espalier::jvm
