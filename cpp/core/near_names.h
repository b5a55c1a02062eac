// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

/// Insertions, deletions and substitutions of a character and swaps of two neighbours that lead
/// from `a` to `b`, or `limit` + 1 if there are more than `limit`.
std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t limit);

/// The end of a message about an unknown name: "; did you mean 'conv1' or 'conv2'?" with up to
/// three of `known`, nearest first (a few typing errors away, or containing what was typed);
/// nothing if none is near.
std::string DidYouMean(std::string_view unknown, std::span<const std::string> known);

/// As DidYouMean; where nothing is near, what there is: "; there are 'a', 'b' and 3 more".
std::string NamesInstead(std::string_view unknown, std::span<const std::string> known);

}  // namespace espalier
