// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients of tables (Layer::HasTableGradient), of which a step reaches a few rows. Only those are
// looked at and updated, so that a step's time follows the ids of its batch, not the table's size.
// A row is a unit of its own: one whose gradient is zero keeps its values, moments and step count.

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
  const float* gradients = nullptr;  // [rows, width]
};

class TableGradients {
 public:
  /// `takes_all_rows`: BeginOfAllRows will be called.
  void Add(const TableRows& table, std::int64_t max_batch, bool takes_all_rows);

  /// The rows of a table that its ids name, in order.
  static void ListNamed(const TableRows& rows, std::int64_t batch, const BatchLengths* lengths,
                        std::vector<std::int32_t>& named);

  /// Begins a step: finds the rows whose gradients are not zero. Returns the sum of their squares,
  /// which is not finite exactly if one of them is not.
  double Begin(std::int64_t batch, const BatchLengths* lengths);

  /// As Begin, of gradients that are written in all rows, whatever ids there are.
  double BeginOfAllRows();

  /// The same sum for gradients within [-limit, limit], all finite.
  double ClampedSumOfSquares(float limit) const;

  struct Table {
    TableRows rows;
    std::vector<std::int32_t> reached;  // rows of the step, in order; room for all it could be
    std::vector<std::int64_t> steps;    // by row: updates so far
    /// The most that `reached` may have.
    std::int64_t most_reached = 0;
  };
  std::span<Table> tables() { return tables_; }
  std::span<const Table> tables() const { return tables_; }

 private:
  static void DropZeros(Table& table, double& sum);

  std::vector<Table> tables_;
};

}  // namespace espalier
