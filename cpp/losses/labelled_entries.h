// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which entries of a group of heads are labelled in a step, listed by row and by column, so
// that a wide head computes those alone.
//
// Entry e is one of the list in the order of rows, within a row of columns. A labelled row
// of a classes head has all of the head's columns in the list.

#include <cstdint>
#include <span>
#include <vector>

#include "core/memory.h"
#include "espalier/task_targets.h"

namespace espalier {

/// A head's place in its group.
struct HeadColumns {
  std::int64_t first = 0;
  std::int64_t width = 0;
  bool is_classes = false;
};

/// Entries [begin, end), or places of the lists by column.
struct EntryRange {
  std::int32_t begin = 0;
  std::int32_t end = 0;
  std::int64_t size() const { return end - begin; }
};

class LabelledEntries {
 public:
  /// Memory for lists of up to max_batch rows and `most` entries.
  LabelledEntries(std::vector<HeadColumns> heads, std::int64_t max_batch, std::int64_t most);

  /// Lists a step's entries; `targets`, one a head of the group, have been checked. False if
  /// there are more than `limit` (at most the constructor's): no list then.
  bool List(std::int64_t batch, std::span<const TaskTargets* const> targets, std::int64_t limit);

  std::int64_t count() const { return count_; }

  EntryRange Row(std::int64_t row) const {
    return {row_begins_[row * row_stride()], row_begins_[(row + 1) * row_stride()]};
  }
  EntryRange RowOfHead(std::int64_t row, std::int64_t head) const {
    const std::int64_t i = row * row_stride() + head;
    return {row_begins_[i], row_begins_[i + 1]};
  }
  /// Where the rows from `row` on begin, row_stride() apart.
  const std::int32_t* RowBegins(std::int64_t row) const {
    return row_begins_.data() + row * row_stride();
  }
  std::int64_t row_stride() const { return static_cast<std::int64_t>(heads_.size()); }
  const std::int32_t* columns() const { return columns_.data(); }  ///< by entry, in the group

  /// The lists by column: rows() and entries() hold its row and entry at each place.
  EntryRange Column(std::int64_t column) const {
    return {column_begins_[column], column_begins_[column + 1]};
  }
  const std::int32_t* rows() const { return rows_.data(); }
  const std::int32_t* entries() const { return entries_.data(); }

  std::span<const HeadColumns> heads() const { return heads_; }
  std::int64_t NativeBytes() const;

 private:
  bool ListRows(std::int64_t batch, std::span<const TaskTargets* const> targets,
                std::int64_t limit);
  void ListColumns(std::int64_t batch);

  std::vector<HeadColumns> heads_;
  std::int64_t width_ = 0;  // of the group
  std::int64_t count_ = 0;
  AlignedArray<std::int32_t> row_begins_;  // by row and head, and the end
  AlignedArray<std::int32_t> columns_;
  AlignedArray<std::int32_t> column_begins_;
  AlignedArray<std::int32_t> rows_;
  AlignedArray<std::int32_t> entries_;
};

}  // namespace espalier
