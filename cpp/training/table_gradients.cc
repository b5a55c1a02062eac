// SPDX-License-Identifier: Apache-2.0
#include "training/table_gradients.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/checked.h"
#include "kernels/reductions/reduction.h"

namespace espalier {

void TableGradients::Add(const TableRows& rows, std::int64_t max_batch, bool takes_all_rows) {
  Table table;
  table.rows = rows;
  const std::int64_t ids = CheckedMultiply(max_batch, rows.ids.per_example);
  table.most_reached = takes_all_rows ? rows.rows : std::min(ids, rows.rows);
  table.reached.reserve(static_cast<std::size_t>(std::max(ids, table.most_reached)));
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
    ListNamed(table.rows, batch, lengths, table.reached);
    DropZeros(table, sum);
  }
  return sum;
}

double TableGradients::BeginOfAllRows() {
  double sum = 0.0;
  for (Table& table : tables_) {
    table.reached.resize(static_cast<std::size_t>(table.rows.rows));
    std::iota(table.reached.begin(), table.reached.end(), 0);
    DropZeros(table, sum);
  }
  return sum;
}

// Leaves the rows whose gradients are not zero; adds their squares to the sum.
void TableGradients::DropZeros(Table& table, double& sum) {
  const TableRows& rows = table.rows;
  // In double no square of a float is lost, so that 0 means that all are.
  std::erase_if(table.reached, [&](std::int32_t row) {
    const double squares = SumOfSquares(rows.gradients + row * rows.width, rows.width);
    sum += squares;
    return squares == 0.0;
  });
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
