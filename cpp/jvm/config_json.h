// SPDX-License-Identifier: Apache-2.0
#pragma once

// What crosses the bridge as JSON text, apart from NetworkSpec (files/graph_json.h). Reading
// is strict: unknown or repeated keys and wrong types are INVALID_ARGUMENT naming the place.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/export.h"
#include "espalier/limits.h"
#include "espalier/metrics.h"
#include "espalier/network.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "files/strict_json.h"

namespace espalier::jvm {

/// {"drop_heads": [], "drop_from": [], "freeze": [{"pattern": "conv*", "through": false,
/// "adapt_statistics": false}], "unfreeze": [{"pattern": "conv2", "through": false}],
/// "learning_rates": [{"pattern": "conv*", "scale": 0.1}], "heads": [as in a NetworkSpec]}; all
/// optional but patterns and scales.
TransferSpec TransferSpecFromJson(std::string_view json);

/// {"multiply_adds": 1000, "native_bytes", "layers"}; all optional.
NetworkLimits NetworkLimitsFromJson(std::string_view json);
NetworkLimits NetworkLimitsFrom(const JsonReader& object);

/// {"optimizer": {"kind": "adamw|adam|sgd|rmsprop", its fields in optimizer.h}, "schedule":
/// {"kind": "constant|step|exponential|cosine|one_cycle", fields of Schedule},
/// "max_batch_size", "seed", "clip_value", "clip_norm" (null: none),
/// "decay_biases_and_norms", "layer_decay", "start_decay", "average_decay" (null: no average),
/// "feature_folder", "own_losses": [names of heads whose losses Java computes]}; all but kinds
/// optional.
TrainerConfig TrainerConfigFromJson(std::string_view json);

/// {"logits": false, "heads": [], "layers": [], "operator_set": 17, "int8_weights": false}; all
/// optional.
OnnxExportOptions OnnxExportOptionsFromJson(std::string_view json);

/// {"max_batch_size": 256, "logits": false, "precision": "fp32|bf16_weights|int8", …: the fields of
/// PredictorConfig}; all optional.
PredictorConfig PredictorConfigFromJson(std::string_view json);

/// An array of strings.
std::vector<std::string> NamesFromJson(std::string_view what, std::string_view json);

/// [3, 40, 64]
Shape ShapeFromJson(std::string_view what, std::string_view json);

/// [[3, 40, 64], …]
std::string ShapesToJson(std::span<const Shape> shapes);

/// [{"name", "kind", "output": […], "padding", "parameters": n, "frozen", "adapts_statistics",
/// "learning_rate_scale", "head", "int8_keeps_float": "few", "fate": "kept|new|dropped"}]
std::string LayersToJson(std::span<const LayerDescription> layers);

/// [{"path", "shape": […], "buffer"}]
std::string ParametersToJson(std::span<const ParameterDescription> parameters);

/// {"metrics": [{"name", "label", "value" (null: undefined), "support"}], "counts": [[TP, FP, FN,
/// TN, blanks] a label or class], "confusion": [[examples by predicted class] by true class]}
std::string MetricsToJson(const TaskMetrics& metrics);

}  // namespace espalier::jvm
