// SPDX-License-Identifier: Apache-2.0
#pragma once

// Operators that compute, on what is known: real numbers as ONNX does, rounded to float32 after
// each operator; integers exactly, and with the number of examples as a symbol.

#include <optional>
#include <vector>

#include "import/folded_array.h"
#include "import/foreign_graph.h"

namespace espalier {

/// True if the node's operator is one of these; its inputs are then worth reading.
bool IsFoldable(const ForeignNode& node);

/// The node's result; none if there is none, such as for types that do not fit. `inputs` are its
/// own, none where one is absent. Throws Error: MODEL_FILE if shapes do not fit, or the result has
/// more than `most_elements`.
std::optional<FoldedArray> FoldArithmetic(const ForeignNode& node,
                                          const std::vector<std::optional<FoldedArray>>& inputs,
                                          std::int64_t most_elements);

}  // namespace espalier
