// SPDX-License-Identifier: Apache-2.0
#include "core/near_names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/text.h"

namespace espalier {
namespace {

// Names are at most a few hundred characters; anything longer is no typing error.
constexpr std::size_t kLongestName = 512;
constexpr std::size_t kSuggestions = 3;
constexpr std::size_t kListed = 8;

std::string WithoutWildcards(std::string_view pattern) {
  std::string letters;
  for (const char c : pattern) {
    if (c != '*' && c != '?') {
      letters.push_back(c);
    }
  }
  return letters;
}

}  // namespace

std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t shorter = std::min(a.size(), b.size());
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer - shorter > limit) {
    return limit + 1;
  }
  // Distances of prefixes: of a[0, i - 2), a[0, i - 1) and a[0, i) to each of b's.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({substituted, row[j - 1] + 1, above[j] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return std::min(row[b.size()], limit + 1);
}

std::string DidYouMean(std::string_view unknown, std::span<const std::string> known) {
  const std::string typed = WithoutWildcards(unknown);
  if (typed.empty() || typed.size() > kLongestName) {
    return "";
  }
  const std::size_t limit = std::max<std::size_t>(1, typed.size() / 3);
  std::vector<std::pair<std::size_t, std::size_t>> near;  // distance, place in `known`
  for (std::size_t i = 0; i < known.size(); ++i) {
    std::size_t distance = EditDistance(typed, known[i], limit);
    if (distance > limit && typed.size() >= 3 && known[i].find(typed) != std::string::npos) {
      distance = limit;
    }
    if (distance <= limit) {
      near.emplace_back(distance, i);
    }
  }
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), kSuggestions));
  std::string text;
  for (std::size_t i = 0; i < near.size(); ++i) {
    const char* before = i == 0 ? "; did you mean '" : i + 1 == near.size() ? " or '" : ", '";
    text += Concat(before, known[near[i].second], "'");
  }
  return text.empty() ? text : text + "?";
}

std::string NamesInstead(std::string_view unknown, std::span<const std::string> known) {
  const std::string near = DidYouMean(unknown, known);
  if (!near.empty()) {
    return near;
  }
  if (known.empty()) {
    return "; there is none";
  }
  const std::size_t listed = known.size() <= kListed ? known.size() : kListed - 1;
  std::string text = known.size() == 1 ? "; there is " : "; there are ";
  for (std::size_t i = 0; i < listed; ++i) {
    const char* before = i == 0 ? "'" : i + 1 == known.size() ? " and '" : ", '";
    text += Concat(before, known[i], "'");
  }
  return listed < known.size() ? Concat(text, " and ", known.size() - listed, " more") : text;
}

}  // namespace espalier
