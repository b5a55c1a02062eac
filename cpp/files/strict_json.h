// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON from files and from Java, read without mercy: no duplicate keys, no unknown keys, no
// integers in disguise (1.0, 1e3, -0), bounded depth. Errors are INVALID_ARGUMENT and name
// the place: "layers[3].attributes.kernel: expected an integer, got a string".

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace espalier {

struct JsonLimits {
  std::size_t bytes = std::size_t{16} << 20;
  std::size_t values = std::size_t{4} << 20;  ///< scalars, arrays and objects together
  int depth = 32;
};

struct JsonMember;

/// One value of parsed text. Members of objects keep their order; keys are unique.
struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;

  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> content;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

/// Parses one value: UTF-8 without a byte order mark, nothing before it, nothing but white
/// space after it. `what` names the text in errors.
JsonValue ParseStrictJson(std::string_view text, std::string_view what,
                          const JsonLimits& limits = {});

/// A value and the path to it, borrowed from parsed text.
class JsonReader {
 public:
  JsonReader(const JsonValue& value, std::string path) : value_(&value), path_(std::move(path)) {}

  bool IsNull() const { return std::holds_alternative<std::nullptr_t>(value_->content); }
  bool IsArray() const { return std::holds_alternative<JsonValue::Array>(value_->content); }
  const JsonValue& value() const { return *value_; }
  const std::string& path() const { return path_; }

  bool Bool() const;
  std::int64_t Integer() const;
  double Number() const;  ///< whole or real; always finite
  const std::string& Text() const;
  std::vector<JsonReader> Items() const;
  std::vector<std::int64_t> Integers() const;
  std::vector<double> Numbers() const;
  std::vector<std::string> Texts() const;

  /// Throws INVALID_ARGUMENT: "<path>: expected <expected>, got <what it is>".
  [[noreturn]] void Refuse(std::string_view expected) const;

 private:
  const JsonValue* value_;
  std::string path_;
};

/// The fields of an object. Whoever has asked for all that it knows calls Finish, which
/// refuses the others.
class JsonFields {
 public:
  explicit JsonFields(const JsonReader& object);

  JsonReader Required(std::string_view key);
  std::optional<JsonReader> Optional(std::string_view key);

  /// Optional fields with a default: `target` stays as it is where the field is absent.
  void Read(std::string_view key, bool& target);
  void Read(std::string_view key, std::int64_t& target);
  void Read(std::string_view key, double& target);
  void Read(std::string_view key, std::string& target);
  void Read(std::string_view key, std::vector<std::string>& target);
  void Read(std::string_view key, std::vector<double>& target);

  void Finish() const;

 private:
  const JsonValue::Object* members_;
  std::string path_;
  std::vector<std::string_view> known_;
};

/// The path of a field or an item below `path`.
std::string JsonFieldPath(std::string_view path, std::string_view key);
std::string JsonItemPath(std::string_view path, std::size_t index);

}  // namespace espalier
