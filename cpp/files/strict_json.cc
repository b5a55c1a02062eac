// SPDX-License-Identifier: Apache-2.0
#include "files/strict_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxQuoted = 120;  // of a user's text in a message

std::string Shortened(std::string text) {
  if (text.size() <= kMaxQuoted) {
    return text;
  }
  std::size_t end = kMaxQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;  // not within a character
  }
  return text.substr(0, end) + "…";
}

// Builds values from the parser's events. Errors are kept, as the parser calls from within.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  const std::string& error() const { return error_; }
  JsonValue& result() { return root_; }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override {
    // The parser calls this for texts that begin with a minus.
    return value == 0 ? Stop("expected an integer without a sign, got -0") : Add(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) {
      return Stop(Concat("expected an integer of at most 2^63 - 1, got ", value));
    }
    return Add(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) {
      return Stop(Concat("expected an integer of 64 bits, got ", Shortened(text)));
    }
    return Add(value);
  }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Stop("expected text, got binary data"); }

  bool start_object(std::size_t) override { return Open(JsonValue::Object{}); }
  bool start_array(std::size_t) override { return Open(JsonValue::Array{}); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool end_object() override {
    auto& members = std::get<JsonValue::Object>(open_.back()->content);
    open_.pop_back();
    return CheckUnique(members);
  }
  bool key(string_t& key) override {
    std::get<JsonValue::Object>(open_.back()->content).push_back({std::move(key), {}});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at …: syntax error while …"
    std::string text = error.what();
    const std::size_t bracket = text.find("] ");
    text = bracket == std::string::npos ? text : text.substr(bracket + 2);
    return Stop(Concat("not JSON, near byte ", position, ": ", Shortened(text)));
  }

 private:
  bool Stop(std::string error) {
    error_ = std::move(error);
    return false;
  }

  JsonValue* Place(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (auto* array = std::get_if<JsonValue::Array>(&open_.back()->content)) {
      array->push_back(std::move(value));
      return &array->back();
    }
    auto& members = std::get<JsonValue::Object>(open_.back()->content);
    members.back().value = std::move(value);
    return &members.back().value;
  }

  template <typename Content>
  bool Add(Content content) {
    if (++values_ > limits_.values) {
      return Stop(Concat("expected at most ", limits_.values, " values, got more"));
    }
    Place(JsonValue{std::move(content)});
    return true;
  }

  template <typename Content>
  bool Open(Content content) {
    if (++values_ > limits_.values) {
      return Stop(Concat("expected at most ", limits_.values, " values, got more"));
    }
    if (static_cast<int>(open_.size()) == limits_.depth) {
      return Stop(Concat("expected at most ", limits_.depth, " levels, got more"));
    }
    open_.push_back(Place(JsonValue{std::move(content)}));
    return true;
  }

  bool CheckUnique(const JsonValue::Object& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const JsonMember& member : members) {
      keys.push_back(member.key);
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    return twice == keys.end() ||
           Stop(Concat("expected each key once, got '", Shortened(std::string(*twice)), "' twice"));
  }

  JsonLimits limits_;
  JsonValue root_;
  // Open arrays and objects. A parent does not grow while a child of it is open, so these
  // pointers hold.
  std::vector<JsonValue*> open_;
  std::size_t values_ = 0;
  std::string error_;
};

constexpr const char* kContentNames[] = {"null",     "true or false", "an integer", "a real number",
                                         "a string", "an array",      "an object"};

}  // namespace

JsonValue ParseStrictJson(std::string_view text, std::string_view what, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected at most ", limits.bytes,
         " bytes of JSON, got ", text.size());
  }
  // The parser would skip a byte order mark and white space.
  if (text.empty() || (text.front() != '{' && text.front() != '[')) {
    Fail(ErrorCode::kInvalidArgument, what,
         ": expected JSON that begins with an object or an array");
  }
  // The parser would take it for the end, and whatever follows for nothing.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    Fail(ErrorCode::kInvalidArgument, what, ": not JSON, near byte ", nul, ": a NUL");
  }
  Builder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    Fail(ErrorCode::kInvalidArgument, what, ": ", builder.error());
  }
  return std::move(builder.result());
}

bool JsonReader::Bool() const {
  const bool* value = std::get_if<bool>(&value_->content);
  if (value == nullptr) {
    Refuse("true or false");
  }
  return *value;
}

std::int64_t JsonReader::Integer() const {
  const auto* value = std::get_if<std::int64_t>(&value_->content);
  if (value == nullptr) {
    Refuse("an integer");
  }
  return *value;
}

double JsonReader::Number() const {
  if (const auto* whole = std::get_if<std::int64_t>(&value_->content)) {
    return static_cast<double>(*whole);
  }
  const double* value = std::get_if<double>(&value_->content);
  if (value == nullptr) {
    Refuse("a number");
  }
  return *value;
}

const std::string& JsonReader::Text() const {
  const auto* value = std::get_if<std::string>(&value_->content);
  if (value == nullptr) {
    Refuse("a string");
  }
  return *value;
}

std::vector<JsonReader> JsonReader::Items() const {
  const auto* array = std::get_if<JsonValue::Array>(&value_->content);
  if (array == nullptr) {
    Refuse("an array");
  }
  std::vector<JsonReader> items;
  items.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    items.emplace_back((*array)[i], JsonItemPath(path_, i));
  }
  return items;
}

std::vector<std::int64_t> JsonReader::Integers() const {
  std::vector<std::int64_t> values;
  for (const JsonReader& item : Items()) {
    values.push_back(item.Integer());
  }
  return values;
}

std::vector<double> JsonReader::Numbers() const {
  std::vector<double> values;
  for (const JsonReader& item : Items()) {
    values.push_back(item.Number());
  }
  return values;
}

std::vector<std::string> JsonReader::Texts() const {
  std::vector<std::string> values;
  for (const JsonReader& item : Items()) {
    values.push_back(item.Text());
  }
  return values;
}

void JsonReader::Refuse(std::string_view expected) const {
  std::string got = kContentNames[value_->content.index()];
  if (const auto* text = std::get_if<std::string>(&value_->content)) {
    got = Concat("\"", Shortened(*text), "\"");
  } else if (const auto* whole = std::get_if<std::int64_t>(&value_->content)) {
    got = Concat(*whole);
  } else if (const auto* real = std::get_if<double>(&value_->content)) {
    got = Concat("the real number ", *real);
  }
  Fail(ErrorCode::kInvalidArgument, path_, ": expected ", expected, ", got ", got);
}

JsonFields::JsonFields(const JsonReader& object) : path_(object.path()) {
  members_ = std::get_if<JsonValue::Object>(&object.value().content);
  if (members_ == nullptr) {
    object.Refuse("an object");
  }
}

JsonReader JsonFields::Required(std::string_view key) {
  auto field = Optional(key);
  if (!field) {
    Fail(ErrorCode::kInvalidArgument, path_, ": expected the field '", key, "', got none");
  }
  return *field;
}

std::optional<JsonReader> JsonFields::Optional(std::string_view key) {
  known_.push_back(key);
  for (const JsonMember& member : *members_) {
    if (member.key == key) {
      return JsonReader(member.value, JsonFieldPath(path_, key));
    }
  }
  return std::nullopt;
}

void JsonFields::Read(std::string_view key, bool& target) {
  if (const auto field = Optional(key)) {
    target = field->Bool();
  }
}

void JsonFields::Read(std::string_view key, std::int64_t& target) {
  if (const auto field = Optional(key)) {
    target = field->Integer();
  }
}

void JsonFields::Read(std::string_view key, double& target) {
  if (const auto field = Optional(key)) {
    target = field->Number();
  }
}

void JsonFields::Read(std::string_view key, std::string& target) {
  if (const auto field = Optional(key)) {
    target = field->Text();
  }
}

void JsonFields::Read(std::string_view key, std::vector<std::string>& target) {
  if (const auto field = Optional(key)) {
    target = field->Texts();
  }
}

void JsonFields::Read(std::string_view key, std::vector<double>& target) {
  if (const auto field = Optional(key)) {
    target = field->Numbers();
  }
}

void JsonFields::Finish() const {
  for (const JsonMember& member : *members_) {
    if (std::find(known_.begin(), known_.end(), member.key) == known_.end()) {
      Fail(ErrorCode::kInvalidArgument, path_, ": unknown field '", Shortened(member.key),
           "'; known are ", Join(known_, ", "));
    }
  }
}

std::string JsonFieldPath(std::string_view path, std::string_view key) {
  std::string result(path);
  if (!result.empty()) {
    result += '.';
  }
  return result += key;
}

std::string JsonItemPath(std::string_view path, std::size_t index) {
  return Concat(path, "[", index, "]");
}

}  // namespace espalier
