// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network_state.h"

namespace espalier {

/// Logits to probabilities, heads side by side in rows of the total width: sigmoid for
/// labels, softmax for classes, values as they are. A row's bits depend on the row alone.
class Probabilities {
 public:
  /// `behind`: floats of a row behind those of the heads, which stay as they are.
  explicit Probabilities(std::span<const GraphHead> heads, std::int64_t behind = 0);

  /// rows: [batch, width()], in place.
  void Apply(std::int64_t batch, float* rows) const;

  /// True if logits are the answers.
  bool IsIdentity() const { return segments_.empty(); }

  std::int64_t width() const { return width_; }

 private:
  struct Segment {
    TaskKind kind;
    std::int64_t offset;
    std::int64_t width;
  };
  std::vector<Segment> segments_;  // neighbouring labels heads are one
  std::int64_t width_ = 0;
};

}  // namespace espalier
