// SPDX-License-Identifier: Apache-2.0
#pragma once

// Masks that tell the valid positions of texts are ones, then zeros. Networks here are told how
// many ones there are instead.

#include <map>
#include <string>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Adds the input that says how many elements of the input `mask`, [batch, length], are 1. Its
/// name.
std::string AddLengths(ForeignGraph& graph, const std::string& mask);

/// What still reads `mask` reads what follows from `lengths` from now on; the input `mask` is no
/// more, and the report says so.
void ReplaceMask(ForeignGraph& graph, ImportReport& report, const std::string& mask,
                 const std::string& lengths);

/// Lengths in the place of masks, of all who ask for them.
class MaskLengths {
 public:
  MaskLengths(ForeignGraph& graph, ImportReport& report) : graph_(graph), report_(report) {}

  /// The input that says how many elements of the input `mask` are 1; from AddLengths at first.
  const std::string& Of(const std::string& mask) {
    std::string& length = lengths_[mask];
    if (length.empty()) length = AddLengths(graph_, mask);
    return length;
  }

  /// Last, once.
  void ReplaceMasks() {
    for (const auto& [mask, length] : lengths_) ReplaceMask(graph_, report_, mask, length);
  }

 private:
  ForeignGraph& graph_;
  ImportReport& report_;
  std::map<std::string, std::string> lengths_;  // by mask
};

/// The mean of the vectors that a mask has ones for: "TokenPool" (import/composites.h).
void FuseTokenPools(ForeignGraph& graph, ImportReport& report, MaskLengths& lengths);

}  // namespace espalier
