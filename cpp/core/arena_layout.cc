// SPDX-License-Identifier: Apache-2.0
#include "core/arena_layout.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <utility>

#include "core/checked.h"
#include "core/memory.h"

namespace espalier {
namespace {

constexpr std::int64_t kAlignmentFloats =
    static_cast<std::int64_t>(kAlignmentBytes / sizeof(float));

// Comparing each buffer with each takes 20 ms for so many. No published network has a plan of more.
constexpr std::size_t kMostCompared = 4096;

std::int64_t RoundUp(std::int64_t floats) {
  return CheckedAdd(floats, kAlignmentFloats - 1) / kAlignmentFloats * kAlignmentFloats;
}

// Largest buffer first, each at the lowest place that is free for its whole life.
ArenaLayout LayOutLargestFirst(const std::vector<BufferRequest>& requests) {
  struct Placed {
    int first, last;
    std::int64_t begin, end;
  };
  ArenaLayout layout;
  layout.offsets.assign(requests.size(), 0);
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return requests[a].floats > requests[b].floats;
  });
  std::vector<Placed> placed;  // by where they begin
  placed.reserve(requests.size());
  for (const std::size_t index : order) {
    const BufferRequest& request = requests[index];
    const std::int64_t floats = RoundUp(request.floats);
    std::int64_t offset = 0;
    for (const Placed& other : placed) {
      if (other.first > request.last || request.first > other.last) continue;
      if (other.begin - offset >= floats) break;
      offset = std::max(offset, other.end);
    }
    const std::int64_t end = CheckedAdd(offset, floats);
    layout.offsets[index] = offset;
    layout.floats = std::max(layout.floats, end);
    const auto after =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [](std::int64_t begin, const Placed& p) { return begin < p.begin; });
    placed.insert(after, {request.first, request.last, offset, end});
  }
  return layout;
}

// Free parts of an arena.
class FreeParts {
 public:
  // The smallest part that is large enough, the lowest of these; else the arena grows.
  std::int64_t Take(std::int64_t floats) {
    const auto fitting = by_size_.lower_bound({floats, 0});
    if (fitting != by_size_.end()) {
      const auto [size, begin] = *fitting;
      Remove(begin, size);
      if (size > floats) Add(begin + floats, size - floats);
      return begin;
    }
    std::int64_t begin = end_;
    if (!by_begin_.empty()) {
      const auto [last, size] = *by_begin_.rbegin();
      if (last + size == end_) {
        begin = last;
        Remove(last, size);
      }
    }
    end_ = CheckedAdd(begin, floats);
    return begin;
  }

  void GiveBack(std::int64_t begin, std::int64_t floats) {
    const auto next = by_begin_.lower_bound(begin);
    if (next != by_begin_.end() && next->first == begin + floats) {
      floats += next->second;
      Remove(begin + floats - next->second, next->second);
    }
    const auto after = by_begin_.lower_bound(begin);
    if (after != by_begin_.begin()) {
      const auto [before, size] = *std::prev(after);
      if (before + size == begin) {
        Remove(before, size);
        begin = before;
        floats += size;
      }
    }
    Add(begin, floats);
  }

  std::int64_t end() const { return end_; }

 private:
  void Add(std::int64_t begin, std::int64_t size) {
    by_begin_.emplace(begin, size);
    by_size_.emplace(size, begin);
  }
  void Remove(std::int64_t begin, std::int64_t size) {
    by_begin_.erase(begin);
    by_size_.erase({size, begin});
  }

  std::map<std::int64_t, std::int64_t> by_begin_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_size_;
  std::int64_t end_ = 0;
};

// In the order of time, as an allocator would: in n·log(n).
ArenaLayout LayOutFirstFirst(const std::vector<BufferRequest>& requests) {
  using Life = std::pair<int, std::size_t>;  // its last moment, its request
  ArenaLayout layout;
  layout.offsets.assign(requests.size(), 0);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].floats > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return requests[a].first < requests[b].first;
  });
  FreeParts parts;
  std::priority_queue<Life, std::vector<Life>, std::greater<Life>> live;
  for (const std::size_t index : order) {
    while (!live.empty() && live.top().first < requests[index].first) {
      const std::size_t over = live.top().second;
      live.pop();
      parts.GiveBack(layout.offsets[over], RoundUp(requests[over].floats));
    }
    layout.offsets[index] = parts.Take(RoundUp(requests[index].floats));
    live.emplace(requests[index].last, index);
  }
  layout.floats = parts.end();
  return layout;
}

}  // namespace

ArenaLayout LayOutArena(const std::vector<BufferRequest>& requests) {
  return requests.size() <= kMostCompared ? LayOutLargestFirst(requests)
                                          : LayOutFirstFirst(requests);
}

}  // namespace espalier
