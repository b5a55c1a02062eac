// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of layers and heads: which are legal, and which are given where none is.

#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

namespace espalier {

/// Full names of a head's layers begin with this: "heads.<head>.".
std::string HeadPrefix(std::string_view head);

/// The name of a head's output layer, after its prefix.
inline constexpr const char* kHeadOutputName = "dense";

/// [A-Za-z0-9_.-]+, at most 128 characters, and, but for inputs, not "input". Throws Error:
/// INVALID_ARGUMENT; `what` is "layer", "head" or "input".
void CheckName(const char* what, std::string_view name);

/// True if '*' (any run of characters) and '?' (any one) in `pattern` make it `name`.
bool MatchesGlob(std::string_view pattern, std::string_view name);

/// Numbers unnamed layers by kind: "dense1", "dense2", "relu1" …
class NameCounter {
 public:
  /// The next name of this kind that `taken` does not have.
  std::string Next(const std::string& kind, std::string_view prefix,
                   const std::unordered_set<std::string>& taken);

 private:
  std::map<std::string, int> counts_;
};

}  // namespace espalier
