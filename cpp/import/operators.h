// SPDX-License-Identifier: Apache-2.0
#pragma once

// The operators that can be imported: a row each with what it makes of its inputs' dimensions, and
// the layers that compute it. One file of rows a family.

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace espalier {

class NodeFacts;
class NodeLowering;

inline constexpr std::int64_t kNewestVersion = std::numeric_limits<std::int64_t>::max();

struct ForeignOperator {
  std::string_view kind;
  std::string_view domain = "";
  std::int64_t first_version = 1;  ///< of the operator sets in which it has this meaning
  std::int64_t last_version = kNewestVersion;
  /// Says type and dimensions of each output (import/node_facts.h); where it throws an Error they
  /// stay unknown.
  void (*infer)(NodeFacts& facts) = nullptr;
  /// Adds layers (import/node_lowering.h). Throws Error with the reason why there are none. Null:
  /// folding has to have done away with it.
  void (*lower)(NodeLowering& node) = nullptr;
};

/// The row of an operator, or null.
const ForeignOperator* FindOperator(std::string_view domain, std::string_view kind,
                                    std::int64_t version);

/// All rows, ordered by kind.
std::span<const ForeignOperator> ForeignOperators();

// The families; each in its own file.
std::span<const ForeignOperator> ActivationOperators();
std::span<const ForeignOperator> AttentionOperators();
std::span<const ForeignOperator> ConvolutionOperators();
std::span<const ForeignOperator> EinsumOperators();
std::span<const ForeignOperator> ElementwiseOperators();
std::span<const ForeignOperator> MatmulOperators();
std::span<const ForeignOperator> NormOperators();
std::span<const ForeignOperator> PoolingOperators();
std::span<const ForeignOperator> QuantizedOperators();
std::span<const ForeignOperator> RecurrentOperators();
std::span<const ForeignOperator> ReductionOperators();
std::span<const ForeignOperator> ResizeOperators();
std::span<const ForeignOperator> SelectionOperators();
std::span<const ForeignOperator> ShapeOperators();

}  // namespace espalier
