// SPDX-License-Identifier: Apache-2.0
#include "core/arena_layout.h"

#include <algorithm>
#include <numeric>

#include "core/checked.h"
#include "core/memory.h"

namespace espalier {
namespace {

constexpr std::int64_t kAlignmentFloats =
    static_cast<std::int64_t>(kAlignmentBytes / sizeof(float));

std::int64_t RoundUp(std::int64_t floats) {
  return CheckedAdd(floats, kAlignmentFloats - 1) / kAlignmentFloats * kAlignmentFloats;
}

}  // namespace

ArenaLayout LayOutArena(const std::vector<BufferRequest>& requests) {
  ArenaLayout layout;
  layout.offsets.assign(requests.size(), 0);
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return requests[a].floats > requests[b].floats;
  });

  std::vector<std::size_t> placed;
  std::vector<std::size_t> rivals;  // placed buffers that live at the same time, by offset
  for (const std::size_t index : order) {
    const BufferRequest& request = requests[index];
    rivals.clear();
    for (const std::size_t other : placed) {
      if (requests[other].first <= request.last && request.first <= requests[other].last) {
        rivals.push_back(other);
      }
    }
    std::sort(rivals.begin(), rivals.end(),
              [&](std::size_t a, std::size_t b) { return layout.offsets[a] < layout.offsets[b]; });
    const std::int64_t floats = RoundUp(request.floats);
    std::int64_t offset = 0;
    for (const std::size_t other : rivals) {
      if (layout.offsets[other] - offset >= floats) break;
      offset = std::max(offset, layout.offsets[other] + RoundUp(requests[other].floats));
    }
    layout.offsets[index] = offset;
    layout.floats = std::max(layout.floats, CheckedAdd(offset, floats));
    placed.push_back(index);
  }
  return layout;
}

}  // namespace espalier
