// SPDX-License-Identifier: Apache-2.0
#pragma once

// Features of the examples of one data set, computed once: in memory or in nameless files.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/memory.h"
#include "core/reserved_file.h"

namespace espalier {

/// A row of floats for each example, empty at first and without room. For one thread at a time,
/// but for Gather of filled rows, which others may do meanwhile.
class FeatureRows {
 public:
  /// Rows that memory has no room for go to files in `folder`; empty: nowhere. Throws Error:
  /// INVALID_ARGUMENT for a negative number, or more floats than memory can count; OUT_OF_MEMORY.
  FeatureRows(std::int64_t examples, std::int64_t feature_floats, std::string folder);

  /// Room for those of `examples` that have none, all of it in memory or all in one file. Throws
  /// Error: INVALID_ARGUMENT for an example that there is not; OUT_OF_MEMORY, and nothing changes.
  void MakeRoom(std::span<const std::int64_t> examples);
  /// The same for all examples.
  void MakeRoomForAll();

  std::int64_t examples() const { return rows_.size(); }
  std::int64_t feature_floats() const { return feature_floats_; }
  bool IsInFile() const { return file_bytes_ > 0; }  ///< any of them

  /// Throws INVALID_ARGUMENT unless there are examples [first, first + count), with room.
  void CheckRange(std::int64_t first, std::int64_t count) const;
  /// Throws INVALID_ARGUMENT unless there are such examples, with room.
  void CheckRoom(std::span<const std::int64_t> examples) const;
  /// Throws INVALID_ARGUMENT unless all of `examples` have been marked.
  void CheckFilled(std::span<const std::int64_t> examples) const;

  /// Index in `examples` of the first whose input was not finite, or -1.
  std::int64_t FirstNonFinite(std::span<const std::int64_t> examples) const;

  float* Row(std::int64_t example) { return rows_[example]; }
  void MarkFilled(std::int64_t example, bool has_finite_input) {
    states_[example] = has_finite_input ? State::kFilled : State::kFilledFromNonFinite;
  }

  /// Makes row `to[i]` the one that `other` has for `from[i]`, in the same memory, which lives as
  /// long as either. Throws Error: SHAPE_MISMATCH for rows of another width; INVALID_ARGUMENT
  /// unless there are as many of both, all of `from` marked; then nothing changes.
  void ShareRows(const FeatureRows& other, std::span<const std::int64_t> from,
                 std::span<const std::int64_t> to);

  /// Copies floats [first, first + count) of each example's features to rows of `to`.
  void Gather(std::span<const std::int64_t> examples, std::int64_t first, std::int64_t count,
              float* to) const;

  std::int64_t NativeBytes() const;  ///< of its own rows, files aside

 private:
  enum class State : std::uint8_t { kEmpty, kFilled, kFilledFromNonFinite };
  struct Room {
    AlignedArray<float> memory;  // or:
    ReservedFile file;
  };

  Room RoomFor(std::int64_t rows, float*& features) const;
  void CheckExample(std::int64_t example) const;

  std::int64_t feature_floats_;
  std::string folder_;
  AlignedArray<float*> rows_;   // by example; null: no room
  AlignedArray<State> states_;  // by example
  std::vector<std::shared_ptr<Room>> rooms_;
  std::vector<std::shared_ptr<Room>> others_;  // that rows here lie in
  std::int64_t file_bytes_ = 0;
};

}  // namespace espalier
