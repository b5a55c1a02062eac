// SPDX-License-Identifier: Apache-2.0
#include "files/weight_names.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/near_names.h"
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
  const std::string wildcards = WildcardsOf(rule.parameter);
  const auto check = [&](const std::string& tensor) {
    if (rule.parameter.empty() || tensor.empty() || wildcards != WildcardsOf(tensor)) {
      Fail(ErrorCode::kInvalidArgument,
           "weight rule: expected two names with the same wildcards in the same order, got '",
           rule.parameter, "' and '", tensor, "'");
    }
  };
  check(rule.tensor);
  std::ranges::for_each(rule.joined, check);
  if (rule.leading_ones < 0 || rule.leading_ones > Shape::kMaxRank) {
    Fail(ErrorCode::kInvalidArgument, "weight rule '", rule.parameter, "' to '", rule.tensor,
         "': expected leading_ones from 0 to ", Shape::kMaxRank, ", got ", rule.leading_ones);
  }
  if (rule.values != WeightRule::Values::kSame && (!rule.joined.empty() || rule.leading_ones > 0)) {
    Fail(ErrorCode::kInvalidArgument, "weight rule '", rule.parameter, "' to '", rule.tensor,
         "': expected values that are the same if tensors are joined or have leading ones, got "
         "others");
  }
}

void CheckRulesMatch(const NetworkState& network, const WeightMap& map) {
  std::vector<std::string> paths;
  for (const GraphParameter& parameter : network.parameters) paths.push_back(parameter.path);
  for (const WeightRule& rule : map.rules) {
    const auto matches = [&](const std::string& path) { return MatchesGlob(rule.parameter, path); };
    if (!rule.may_match_none && std::ranges::none_of(paths, matches)) {
      Fail(ErrorCode::kInvalidArgument, "weight rule '", rule.parameter, "' to '", rule.tensor,
           "': expected one that matches a parameter, got none that does",
           NamesInstead(rule.parameter, paths));
    }
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

ParameterTensors NamedTensors(const std::string& path, const WeightMap& map) {
  for (const WeightRule& rule : map.rules) {
    const auto runs = WildcardRuns(rule.parameter, path);
    if (!runs) continue;
    ParameterTensors tensors{
        .rule = &rule, .values = rule.values, .evidence = WeightEvidence::kRule};
    tensors.names.push_back(WithRuns(rule.tensor, *runs));
    for (const std::string& name : rule.joined) tensors.names.push_back(WithRuns(name, *runs));
    return tensors;
  }
  if (map.learned && !MatchesAny(map.may_stay, path)) return {};
  return {.names = {path}};
}

}  // namespace

std::vector<ParameterTensors> TensorsOf(const NetworkState& network, const WeightMap& map) {
  std::ranges::for_each(map.rules, CheckRule);
  CheckRulesMatch(network, map);
  std::vector<ParameterTensors> all;
  std::map<std::string, const std::string*> owners;
  for (const GraphParameter& parameter : network.parameters) {
    all.push_back(NamedTensors(parameter.path, map));
    for (const std::string& name : all.back().names) {
      const auto [owner, is_new] = owners.emplace(name, &parameter.path);
      if (!is_new) {
        Fail(ErrorCode::kInvalidArgument, "weight map: expected a tensor for each parameter, got '",
             owner->first, "' for '", *owner->second, "' and '", parameter.path, "'");
      }
    }
  }
  return all;
}

std::vector<std::int64_t> TensorShape(const GraphParameter& parameter,
                                      const ParameterTensors& tensors) {
  const auto fail = [&](const auto&... expected) {
    Fail(ErrorCode::kInvalidArgument, "weight rule '", tensors.rule->parameter, "' to '",
         tensors.rule->tensor, "': expected a parameter ", expected..., ", got '", parameter.path,
         "' of ", parameter.shape.ToString());
  };
  const auto dimensions = parameter.shape.dimensions();
  std::vector<std::int64_t> shape(dimensions.begin(), dimensions.end());
  if (tensors.values == WeightRule::Values::kTransposed) {
    if (shape.size() != 2) fail("of 2 dimensions to be transposed");
    std::ranges::reverse(shape);
  }
  const auto count = static_cast<std::int64_t>(tensors.names.size());
  if (count > 1) {
    if (shape.front() % count != 0) fail("whose rows are those of ", count, " tensors");
    shape.front() /= count;
  }
  shape.insert(shape.begin(), static_cast<std::size_t>(tensors.leading_ones()), 1);
  return shape;
}

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

}  // namespace espalier
