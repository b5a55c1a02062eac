// SPDX-License-Identifier: Apache-2.0
#include "layers/attribute_reader.h"

#include <algorithm>

#include "core/near_names.h"
#include "core/text.h"

namespace espalier {

std::int64_t AttributeReader::Whole(const char* name, std::int64_t low, std::int64_t high,
                                    std::optional<std::int64_t> default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) {
    if (!default_value) FailMissing(name);
    return *default_value;
  }
  const std::int64_t* number = std::get_if<std::int64_t>(value);
  if (number == nullptr || *number < low || *number > high) {
    FailAt(name, Concat("a whole number from ", low, " to ", high), *value);
  }
  return *number;
}

double AttributeReader::Real(const char* name, double low, double high, double default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return default_value;
  double number = low - 1.0;
  if (const double* real = std::get_if<double>(value)) {
    number = *real;
  } else if (const std::int64_t* whole = std::get_if<std::int64_t>(value)) {
    number = static_cast<double>(*whole);
  }
  if (!(number >= low && number <= high)) {  // catches NaN
    FailAt(name, Concat("a number from ", low, " to ", high), *value);
  }
  return number;
}

bool AttributeReader::Flag(const char* name, bool default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return default_value;
  const bool* flag = std::get_if<bool>(value);
  if (flag == nullptr) FailAt(name, "true or false", *value);
  return *flag;
}

std::string AttributeReader::Text(const char* name, std::string_view default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return std::string(default_value);
  const std::string* text = std::get_if<std::string>(value);
  if (text == nullptr) FailAt(name, "a text", *value);
  return *text;
}

std::array<std::int64_t, 2> AttributeReader::Pair(
    const char* name, std::int64_t low, std::int64_t high,
    std::optional<std::array<std::int64_t, 2>> default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) {
    if (!default_value) FailMissing(name);
    return *default_value;
  }
  std::array<std::int64_t, 2> pair = {low - 1, low - 1};
  if (const std::int64_t* number = std::get_if<std::int64_t>(value)) {
    pair = {*number, *number};
  } else if (const auto* list = std::get_if<std::vector<std::int64_t>>(value);
             list != nullptr && list->size() == 2) {
    pair = {(*list)[0], (*list)[1]};
  }
  for (const std::int64_t number : pair) {
    if (number < low || number > high) {
      FailAt(name, Concat("a whole number or [h, w], from ", low, " to ", high), *value);
    }
  }
  return pair;
}

std::vector<std::int64_t> AttributeReader::List(
    const char* name, std::int64_t low, std::int64_t high, std::size_t most,
    std::optional<std::vector<std::int64_t>> default_value) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) {
    if (!default_value) FailMissing(name);
    return *default_value;
  }
  const auto fail = [&] {
    FailAt(name, Concat("a list of at most ", most, " whole numbers from ", low, " to ", high),
           *value);
  };
  std::vector<std::int64_t> list;
  if (const std::int64_t* number = std::get_if<std::int64_t>(value)) {
    list.push_back(*number);
  } else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(value)) {
    list = *numbers;
  } else {
    fail();
  }
  if (list.size() > most) fail();
  for (const std::int64_t number : list) {
    if (number < low || number > high) fail();
  }
  return list;
}

const AttributeValue* AttributeReader::Find(const char* name) {
  known_.emplace_back(name);
  const auto found = attributes_.find(name);
  return found == attributes_.end() ? nullptr : &found->second;
}

void AttributeReader::Finish() const {
  for (const auto& [name, value] : attributes_) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    if (known_.empty()) {
      Fail(ErrorCode::kInvalidArgument, kind_, ": expected no attributes, got '", name, "'");
    }
    Fail(ErrorCode::kInvalidArgument, kind_, ": unknown attribute '", name, "', known are ",
         Join(known_, ", "), DidYouMean(name, known_));
  }
}

void AttributeReader::FailAt(const char* name, std::string_view expected,
                             const AttributeValue& value) const {
  Fail(ErrorCode::kInvalidArgument, kind_, " ", name, ": expected ", expected, ", got ",
       ToString(value));
}

void AttributeReader::FailMissing(const char* name) const {
  Fail(ErrorCode::kInvalidArgument, kind_, ": attribute '", name, "' is missing");
}

std::string ToString(const AttributeValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const std::int64_t* whole = std::get_if<std::int64_t>(&value)) return Concat(*whole);
  if (const double* real = std::get_if<double>(&value)) return Concat(*real);
  if (const std::string* text = std::get_if<std::string>(&value)) return Concat("\"", *text, "\"");
  return Concat("[", Join(std::get<std::vector<std::int64_t>>(value), ", "), "]");
}

}  // namespace espalier
