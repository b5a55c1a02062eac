// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Reads a TensorFlow Lite model (schema version 3) into operators of ONNX. Images, which lie
/// [batch, height, width, channels] there, lie channels first from the inputs on, and are turned
/// where an operator has another meaning then. Quantized models become float ones: weights by their
/// scales, results as they are before they are rounded. `owner` keeps the bytes, which lie at an
/// address that 16 divides; null: what is kept is copied. Throws Error: MODEL_FILE. What no
/// operator stands for stays a node of domain "tflite", which lowering refuses. Source:
/// tensorflow/lite/schema/schema.fbs.
ForeignGraph ReadTflite(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                        const ImportOptions& options);

/// True if the bytes begin as such a model does.
bool SeemsTflite(std::span<const std::byte> bytes);

}  // namespace espalier
