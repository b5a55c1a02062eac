// SPDX-License-Identifier: Apache-2.0
#include "files/weight_names.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/text.h"
#include "network/names.h"

namespace espalier {
namespace {

constexpr std::string_view kWildcards = "*?";

bool IsWildcard(char c) { return kWildcards.find(c) != std::string_view::npos; }

std::string WildcardsOf(std::string_view pattern) {
  std::string wildcards;
  std::ranges::copy_if(pattern, std::back_inserter(wildcards), IsWildcard);
  return wildcards;
}

void CheckRule(const WeightRule& rule) {
  if (rule.parameter.empty() || rule.tensor.empty() ||
      WildcardsOf(rule.parameter) != WildcardsOf(rule.tensor)) {
    Fail(ErrorCode::kInvalidArgument,
         "weight rule: expected two names with the same wildcards in the same order, got '",
         rule.parameter, "' and '", rule.tensor, "'");
  }
}

// What each wildcard of a pattern stands for in a name, as MatchesGlob matches: a '*' for as little
// as will do. None if it does not match. Takes the product of their lengths at most.
std::optional<std::vector<std::string_view>> WildcardRuns(std::string_view pattern,
                                                          std::string_view name) {
  std::vector<std::string_view> runs;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen …
  std::size_t star_run = 0;                   // … its place in `runs` …
  std::size_t begin = 0;                      // … where in `name` its run begins …
  std::size_t resume = 0;                     // … and where what follows it is tried
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_run = runs.size();
      begin = resume = n;
      runs.push_back(name.substr(n, 0));
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      if (pattern[p] == '?') runs.push_back(name.substr(n, 1));
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
      runs.resize(star_run + 1);
      runs.back() = name.substr(begin, resume - begin);
    } else {
      return std::nullopt;
    }
  }
  for (; p < pattern.size() && pattern[p] == '*'; ++p) runs.push_back(name.substr(n, 0));
  if (p != pattern.size()) return std::nullopt;
  return runs;
}

std::string WithRuns(std::string_view pattern, const std::vector<std::string_view>& runs) {
  std::string name;
  std::size_t next = 0;
  for (const char c : pattern) {
    if (IsWildcard(c)) {
      name += runs[next++];
    } else {
      name += c;
    }
  }
  return name;
}

ParameterTensor TensorOf(const std::string& path, const WeightMap& map) {
  for (const WeightRule& rule : map.rules) {
    if (const auto runs = WildcardRuns(rule.parameter, path)) {
      return {.name = WithRuns(rule.tensor, *runs), .rule = &rule};
    }
  }
  return {.name = path};
}

}  // namespace

std::vector<ParameterTensor> TensorsOf(const NetworkState& network, const WeightMap& map) {
  for (const WeightRule& rule : map.rules) CheckRule(rule);
  std::vector<ParameterTensor> tensors;
  std::map<std::string, const std::string*> owners;
  for (const GraphParameter& parameter : network.parameters) {
    tensors.push_back(TensorOf(parameter.path, map));
    const auto [owner, is_new] = owners.emplace(tensors.back().name, &parameter.path);
    if (!is_new) {
      Fail(ErrorCode::kInvalidArgument, "weight map: expected a tensor for each parameter, got '",
           owner->first, "' for '", *owner->second, "' and '", parameter.path, "'");
    }
  }
  return tensors;
}

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

}  // namespace espalier
