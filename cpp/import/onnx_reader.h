// SPDX-License-Identifier: Apache-2.0
#pragma once

// ONNX models as foreign graphs: https://github.com/onnx/onnx/blob/main/docs/IR.md. The parts of
// the format that are read are declared by their field numbers, in onnx_reader.cc and
// onnx_tensor.cc.

#include <cstddef>
#include <memory>
#include <span>

#include "espalier/import.h"
#include "import/external_data.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Operator sets of ONNX that are read.
inline constexpr std::int64_t kLeastOnnxVersion = 7;
inline constexpr std::int64_t kGreatestOnnxVersion = 22;

/// Reads a model whose bytes `owner` keeps; large constants stay there, or come from `external`.
/// Nodes with graphs in them (If, Loop, Scan) are read as nodes, their graphs are not. Throws
/// Error: MODEL_FILE.
ForeignGraph ReadOnnx(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                      const ImportOptions& options, ExternalData* external = nullptr);

}  // namespace espalier
