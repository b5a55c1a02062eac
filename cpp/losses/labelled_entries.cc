// SPDX-License-Identifier: Apache-2.0
#include "losses/labelled_entries.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "kernels/training/entry_loss.h"
#include "losses/labelled.h"

namespace espalier {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Writes the group's columns that are labelled in a row of a head, and returns how many.
std::int64_t ListRow(const HeadColumns& head, const TaskTargets& targets, std::int64_t row,
                     std::int32_t* columns) {
  const auto first = static_cast<std::int32_t>(head.first);
  if (head.is_classes) {
    if (targets.classes.empty() || !IsLabelledClass(targets, Index(row))) return 0;
    for (std::int64_t j = 0; j < head.width; ++j) {
      columns[j] = first + static_cast<std::int32_t>(j);
    }
    return head.width;
  }
  if (targets.values.empty()) return 0;
  const std::int64_t at = row * head.width;
  return ListLabelled(targets.values.data() + at,
                      targets.mask.empty() ? nullptr : targets.mask.data() + at, head.width, first,
                      columns);
}

}  // namespace

LabelledEntries::LabelledEntries(std::vector<HeadColumns> heads, std::int64_t max_batch,
                                 std::int64_t most)
    : heads_(std::move(heads)) {
  for (const HeadColumns& head : heads_) width_ += head.width;
  const std::int64_t ends =
      CheckedAdd(CheckedMultiply(max_batch, static_cast<std::int64_t>(heads_.size())), 1);
  row_begins_ = AlignedArray<std::int32_t>(ends);
  // A row is listed before it is counted.
  columns_ = AlignedArray<std::int32_t>(CheckedAdd(most, width_ + kPlacesSlack));
  column_begins_ = AlignedArray<std::int32_t>(width_ + 1);
  rows_ = AlignedArray<std::int32_t>(most);
  entries_ = AlignedArray<std::int32_t>(most);
}

bool LabelledEntries::List(std::int64_t batch, std::span<const TaskTargets* const> targets,
                           std::int64_t limit) {
  if (!ListRows(batch, targets, std::min(limit, rows_.size()))) return false;
  ListColumns(batch);
  return true;
}

bool LabelledEntries::ListRows(std::int64_t batch, std::span<const TaskTargets* const> targets,
                               std::int64_t limit) {
  count_ = 0;
  std::int64_t place = 0;
  for (std::int64_t row = 0; row < batch; ++row) {
    for (std::size_t head = 0; head < heads_.size(); ++head) {
      row_begins_[place++] = static_cast<std::int32_t>(count_);
      count_ += ListRow(heads_[head], *targets[head], row, columns_.data() + count_);
      if (count_ > limit) return false;
    }
  }
  row_begins_[place] = static_cast<std::int32_t>(count_);
  return true;
}

// Sorts by counting.
void LabelledEntries::ListColumns(std::int64_t batch) {
  const std::span<std::int32_t> begins = column_begins_.span();
  std::fill(begins.begin(), begins.end(), 0);
  for (std::int64_t e = 0; e < count_; ++e) ++begins[Index(columns_[e])];
  std::int32_t end = 0;
  for (std::int32_t& begin : begins) begin = end += begin;
  // From the end of each column down to its beginning.
  for (std::int64_t row = batch; row-- > 0;) {
    const EntryRange range = Row(row);
    for (std::int32_t e = range.end; e-- > range.begin;) {
      const std::int32_t at = --begins[Index(columns_[e])];
      rows_[at] = static_cast<std::int32_t>(row);
      entries_[at] = e;
    }
  }
}

std::int64_t LabelledEntries::NativeBytes() const {
  return row_begins_.bytes() + columns_.bytes() + column_begins_.bytes() + rows_.bytes() +
         entries_.bytes();
}

}  // namespace espalier
