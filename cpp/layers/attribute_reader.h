// SPDX-License-Identifier: Apache-2.0
#pragma once

// Strict reading of a layer's attributes: every error names kind and attribute, and says
// what was expected and what was got.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/spec.h"

namespace espalier {

// Bounds of hyper-parameters. They keep every size that is computed from them far from
// overflow, and hostile files from asking for absurd work.
inline constexpr std::int64_t kMaxUnits = std::int64_t{1} << 20;
inline constexpr std::int64_t kMaxWindow = 1024;
inline constexpr std::int64_t kMaxPad = 4096;

/// Reads attributes one by one; an attribute that was never asked for is unknown. All
/// throw Error: INVALID_ARGUMENT.
class AttributeReader {
 public:
  /// Both are borrowed for the reader's life.
  AttributeReader(std::string_view kind, const Attributes& attributes)
      : kind_(kind), attributes_(attributes) {}

  /// A whole number in [low, high]; required where there is no default.
  std::int64_t Whole(const char* name, std::int64_t low, std::int64_t high,
                     std::optional<std::int64_t> default_value = std::nullopt);

  /// A real or whole number in [low, high].
  double Real(const char* name, double low, double high, double default_value);

  bool Flag(const char* name, bool default_value);
  std::string Text(const char* name, std::string_view default_value);

  /// [h, w], from one whole number for both or a list of two.
  std::array<std::int64_t, 2> Pair(
      const char* name, std::int64_t low, std::int64_t high,
      std::optional<std::array<std::int64_t, 2>> default_value = std::nullopt);

  /// From one whole number or a list of at most `most`, each in [low, high]; required where there
  /// is no default.
  std::vector<std::int64_t> List(
      const char* name, std::int64_t low, std::int64_t high, std::size_t most = Shape::kMaxRank,
      std::optional<std::vector<std::int64_t>> default_value = std::nullopt);

  /// The value as it is, or null. For attributes of several forms.
  const AttributeValue* Find(const char* name);

  /// Throws if there is an attribute that nobody asked for, listing those that exist.
  void Finish() const;

  /// "conv2d padding: expected <expected>, got <value>".
  [[noreturn]] void FailAt(const char* name, std::string_view expected,
                           const AttributeValue& value) const;

 private:
  [[noreturn]] void FailMissing(const char* name) const;

  std::string_view kind_;
  const Attributes& attributes_;
  std::vector<std::string> known_;
};

/// "3", "true", "\"same\"", "[3, 3]".
std::string ToString(const AttributeValue& value);

}  // namespace espalier
