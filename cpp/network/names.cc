// SPDX-License-Identifier: Apache-2.0
#include "network/names.h"

#include <algorithm>

#include "core/text.h"
#include "espalier/spec.h"

namespace espalier {
namespace {

constexpr std::size_t kLongestName = 128;

bool IsNameCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

}  // namespace

std::string HeadPrefix(std::string_view head) { return Concat("heads.", head, "."); }

void CheckName(const char* what, std::string_view name) {
  if (name.empty() || name.size() > kLongestName) {
    Fail(ErrorCode::kInvalidArgument, what, " name: expected 1 to ", kLongestName,
         " characters, got ", name.size());
  }
  if (!std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    Fail(ErrorCode::kInvalidArgument, what,
         " name: expected letters, digits, '_', '.' and '-' only, got '", name, "'");
  }
  if (name == kInputName && what != std::string_view("input")) {
    Fail(ErrorCode::kInvalidArgument, what, " name: '", kInputName,
         "' stands for the network's input; expected another name");
  }
}

bool MatchesGlob(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen …
  std::size_t resume = 0;                     // … and where in `name` what follows it is tried
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

std::string NameCounter::Next(const std::string& kind, std::string_view prefix,
                              const std::unordered_set<std::string>& taken) {
  int& count = counts_[kind];
  std::string name;
  do {
    name = Concat(prefix, kind, ++count);
  } while (taken.contains(name));
  return name;
}

}  // namespace espalier
