// SPDX-License-Identifier: Apache-2.0
#include "training/table_gradients.h"

#include <algorithm>
#include <bit>

#include "core/checked.h"
#include "kernels/reductions/reduction.h"

namespace espalier {

void TableGradients::Add(const TableRows& rows, std::int64_t max_batch) {
  Table table;
  table.rows = rows;
  const std::int64_t ids = CheckedMultiply(max_batch, rows.ids.per_example);
  table.most_reached = std::min(ids, rows.rows);
  table.reached.reserve(static_cast<std::size_t>(ids));
  table.steps.assign(static_cast<std::size_t>(rows.rows), 0);
  tables_.push_back(std::move(table));
}

void TableGradients::ListNamed(const TableRows& rows, std::int64_t batch,
                               const BatchLengths* lengths, std::vector<std::int32_t>& named) {
  named.clear();
  const std::int64_t ids = batch * rows.ids.length.Cut(rows.ids.per_example, lengths);
  for (std::int64_t i = 0; i < ids; ++i) {
    const auto id = std::bit_cast<std::int32_t>(rows.ids.values[i]);
    if (id >= 0 && id < rows.rows) named.push_back(id);
  }
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
}

double TableGradients::Begin(std::int64_t batch, const BatchLengths* lengths) {
  double sum = 0.0;
  for (Table& table : tables_) {
    const TableRows& rows = table.rows;
    std::vector<std::int32_t>& reached = table.reached;
    ListNamed(rows, batch, lengths, reached);
    // In double no square of a float is lost, so that 0 means that all are.
    const auto is_zero = [&](std::int32_t row) {
      const double squares = SumOfSquares(rows.gradients + row * rows.width, rows.width);
      sum += squares;
      return squares == 0.0;
    };
    reached.erase(std::remove_if(reached.begin(), reached.end(), is_zero), reached.end());
  }
  return sum;
}

double TableGradients::ClampedSumOfSquares(float limit) const {
  double sum = 0.0;
  for (const Table& table : tables_) {
    const TableRows& rows = table.rows;
    for (const std::int32_t row : table.reached) {
      sum += espalier::ClampedSumOfSquares(rows.gradients + row * rows.width, rows.width, limit);
    }
  }
  return sum;
}

}  // namespace espalier
