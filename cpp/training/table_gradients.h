// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients of tables (Layer::HasTableGradient), of which a step reaches a few rows. Only those are
// looked at and updated, so that a step's time follows the ids of its batch, not the table's size.
// A row is a unit of its own: one whose gradient is zero keeps its values, moments and step count.
//
// Of a table of words most rows are never named, so gradients and state lie closely packed: a
// step's gradients in the order of its rows, and state in the order in which rows were first
// reached. Where they lay as the rows do, each would take a page of memory and more.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "network/lengths.h"

namespace espalier {

/// What a step reaches of a table.
struct TableIds {
  const float* values = nullptr;  // [batch, per_example], int32 in the place of floats
  std::int64_t per_example = 0;
  Length length;
};

/// A table's gradient as the backward pass leaves it, in the rows that ids name alone.
struct TableRows {
  int parameter = 0;  // in ParameterUpdates
  std::int64_t rows = 0;
  std::int64_t width = 0;
  TableIds ids;                      // others than rows are passed over
  const float* gradients = nullptr;  // [MostRows, width]
};

class TableGradients {
 public:
  /// Rows that gradients of a table take. `takes_all_rows`: BeginOfAllRows will be called; then
  /// they lie as the table's.
  static std::int64_t MostRows(std::int64_t rows, std::int64_t most_ids, bool takes_all_rows) {
    return takes_all_rows ? rows : std::min(rows, most_ids);
  }

  void Add(const TableRows& table, std::int64_t max_batch, bool takes_all_rows);

  /// Before the backward passes of a step: finds the rows that its ids name, and says where their
  /// gradients go.
  void FindRows(std::int64_t batch, const BatchLengths* lengths);

  /// After them: finds the rows whose gradients are not zero. Returns the sum of their squares,
  /// which is not finite exactly if one of them is not.
  double Begin();

  /// As Begin, of gradients that are written in all rows, whatever ids there are.
  double BeginOfAllRows();

  /// The same sum for gradients within [-limit, limit], all finite.
  double ClampedSumOfSquares(float limit) const;

  /// Rows that are updated in one go: neighbours, their gradients and states too, with one count of
  /// updates.
  struct Run {
    std::int32_t first = 0;
    std::int32_t rows = 1;
    std::int64_t step = 0;
  };

  struct Table {
    TableRows rows;
    std::vector<std::int32_t> reached;  // rows of the step, in order; room for all it could be
    std::vector<std::int64_t> steps;    // by row: updates so far
    /// The most that `reached` may have.
    std::int64_t most_reached = 0;
    /// By row: where its gradient is, of one that the step names; rows of `rows.gradients`.
    std::vector<std::int32_t> gradient_rows;
    /// By row: where its state is, in rows; -1: it was never reached, and has none.
    std::vector<std::int32_t> places;
    std::int32_t placed = 0;   // places taken, the first ones
    bool is_by_row = false;    // they are those of the rows
    bool keeps_order = false;  // of gradients, which lie as the table's rows

    const float* Gradient(std::int32_t row) const {
      return rows.gradients + gradient_rows[static_cast<std::size_t>(row)] * rows.width;
    }
    /// Where a row's state is, from now on if it had none.
    std::int32_t TakePlace(std::int32_t row);
    /// The longest run that begins with reached[begin]; counts its update.
    Run CountRun(std::size_t begin);
    /// Takes over counts of updates and places, of state that is copied.
    void ContinueFrom(const Table& earlier);
    /// A tensor of state as it would lie in the order of rows.
    std::vector<float> ByRow(const float* state) const;
    /// Moves state to the places of its rows, where it stays. Throws OUT_OF_MEMORY, with nothing
    /// changed.
    void PlaceByRow(std::span<float* const> state);
  };
  /// The table of that parameter, or null.
  Table* Find(int parameter);
  const Table* Find(int parameter) const;

  std::span<Table> tables() { return tables_; }
  std::span<const Table> tables() const { return tables_; }

 private:
  static void DropZeros(Table& table, double& sum);

  std::vector<Table> tables_;
};

}  // namespace espalier
