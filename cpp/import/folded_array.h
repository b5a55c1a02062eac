// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values that are known before anything runs: constants, and integers made of dimensions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "import/foreign_graph.h"

namespace espalier {

/// An integer: `value`, or `value` times the number of examples, or not known.
struct Symbol {
  enum class Kind : std::uint8_t { kUnknown, kFixed, kBatch };
  Kind kind = Kind::kUnknown;
  std::int64_t value = 0;

  static Symbol Fixed(std::int64_t value) { return {Kind::kFixed, value}; }
  /// `factor` times the examples; known only if `factor` is above 0.
  static Symbol Batch(std::int64_t factor);
  static Symbol Of(const ForeignDimension& dimension);
  ForeignDimension ToDimension() const;

  bool is_fixed() const { return kind == Kind::kFixed; }
  bool is_batch() const { return kind == Kind::kBatch; }
};

/// Real numbers as float32, or integers and booleans as symbols.
struct FoldedArray {
  ForeignType type = ForeignType::kUnknown;
  std::vector<std::int64_t> dimensions;
  std::variant<std::vector<float>, std::vector<Symbol>> elements;

  std::size_t size() const;
  bool holds_floats() const { return elements.index() == 0; }
  std::span<const float> floats() const { return std::get<0>(elements); }
  std::span<const Symbol> symbols() const { return std::get<1>(elements); }
};

/// Number of elements of a value that is known at all; no value if it is not.
std::optional<std::int64_t> KnownElements(const ForeignGraph& graph, const std::string& value);

/// A value whose elements are known, perhaps not each.
std::optional<FoldedArray> ReadFolded(const ForeignGraph& graph, const std::string& value);

/// Makes a value a constant, if it is one, or says what its elements are.
void WriteFolded(ForeignGraph& graph, std::string value, FoldedArray array);

}  // namespace espalier
