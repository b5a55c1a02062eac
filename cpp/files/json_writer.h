// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON text from values, on one line. Real numbers have the fewest digits that read back to the
// same bits. There is no tree of values in between: that of nlohmann::json needs memory to be
// destroyed, and ends the process where there is none.

#include <concepts>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>

namespace espalier {

/// A value that is JSON text already.
struct JsonText {
  std::string text;
};

/// Strings throw Error: INVALID_ARGUMENT if they are not UTF-8.
JsonText ToJson(std::string_view value);
JsonText ToJson(std::int64_t value);
inline JsonText ToJson(JsonText value) { return value; }
inline JsonText ToJson(const std::string& value) { return ToJson(std::string_view(value)); }
inline JsonText ToJson(const char* value) { return ToJson(std::string_view(value)); }
JsonText ToJson(std::same_as<bool> auto value) { return {value ? "true" : "false"}; }

/// Throws Error: INVALID_ARGUMENT if `value` is not finite, for which JSON has no number.
JsonText RealToJson(std::string_view what, double value);

class JsonArray {
 public:
  template <typename Value>
  void Add(const Value& value) {
    if (!text_.empty()) text_ += ',';
    text_ += ToJson(value).text;
  }
  JsonText Finish() const { return {"[" + text_ + "]"}; }

 private:
  std::string text_;
};

template <std::ranges::range Values>
  requires(!std::convertible_to<Values, std::string_view>)
JsonText ToJson(const Values& values) {
  JsonArray array;
  for (const auto& value : values) array.Add(value);
  return array.Finish();
}

/// Members stand in the order in which they are added; keys must differ.
class JsonObject {
 public:
  template <typename Value>
  void Add(std::string_view key, const Value& value) {
    if (!text_.empty()) text_ += ',';
    text_ += ToJson(key).text;
    text_ += ':';
    text_ += ToJson(value).text;
  }
  JsonText Finish() const { return {"{" + text_ + "}"}; }

 private:
  std::string text_;
};

/// An object for each item; `add_members(object, item)` says what is in it.
template <std::ranges::range Items, typename AddMembers>
JsonText ObjectsToJson(const Items& items, const AddMembers& add_members) {
  JsonArray array;
  for (const auto& item : items) {
    JsonObject object;
    add_members(object, item);
    array.Add(object.Finish());
  }
  return array.Finish();
}

}  // namespace espalier
