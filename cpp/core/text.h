// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages for people: concatenation and lists.

#include <sstream>
#include <string>

#include "espalier/error.h"

namespace espalier {

/// Concatenates anything that streams.
template <typename... Parts>
std::string Concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws Error(code) with the parts concatenated as its message. Never inlined, and the parts by
/// value, so that a check costs its caller no more than the comparison: nothing needs an address.
template <typename... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void Fail(ErrorCode code, Parts... parts) {
  throw Error(code, Concat(parts...));
}

/// What an error says after its code.
inline std::string MessageOf(const Error& error) {
  const std::string text = error.what();
  const std::string prefix = Concat(ErrorCodeName(error.code()), ": ");
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// Joins strings with a separator.
template <typename Range>
std::string Join(const Range& items, const char* separator) {
  std::ostringstream out;
  const char* between = "";
  for (const auto& item : items) {
    out << between << item;
    between = separator;
  }
  return out.str();
}

}  // namespace espalier
