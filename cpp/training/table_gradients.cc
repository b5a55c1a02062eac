// SPDX-License-Identifier: Apache-2.0
#include "training/table_gradients.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/checked.h"
#include "core/memory.h"
#include "kernels/reductions/reduction.h"

namespace espalier {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

template <typename Tables>
auto* FindIn(Tables& tables, int parameter) {
  const auto found = std::ranges::find_if(
      tables, [&](const auto& table) { return table.rows.parameter == parameter; });
  return found == tables.end() ? nullptr : &*found;
}

}  // namespace

std::int32_t TableGradients::Table::TakePlace(std::int32_t row) {
  std::int32_t& place = places[Index(row)];
  if (place < 0) place = placed++;
  return place;
}

// Gradients of neighbours lie one after the other, as all of them are named.
TableGradients::Run TableGradients::Table::CountRun(std::size_t begin) {
  Run run{.first = reached[begin]};
  run.step = ++steps[Index(run.first)];
  const std::int32_t place = TakePlace(run.first);
  for (std::size_t i = begin + 1; i < reached.size(); ++i, ++run.rows) {
    const std::int32_t row = reached[i];
    if (row != run.first + run.rows || steps[Index(row)] + 1 != run.step ||
        TakePlace(row) != place + run.rows) {
      break;
    }
    ++steps[Index(row)];
  }
  return run;
}

std::vector<float> TableGradients::Table::ByRow(const float* state) const {
  std::vector<float> values(Index(rows.rows * rows.width));
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const std::int32_t place = places[Index(row)];
    if (place < 0) continue;
    std::copy_n(state + place * rows.width, rows.width, values.begin() + row * rows.width);
  }
  return values;
}

void TableGradients::Table::PlaceByRow(std::span<float* const> state) {
  if (is_by_row) return;
  AlignedArray<float> packed(placed * rows.width);
  for (float* const tensor : state) {
    std::copy_n(tensor, packed.size(), packed.data());
    std::fill_n(tensor, packed.size(), 0.0f);
    for (std::int64_t row = 0; row < rows.rows; ++row) {
      const std::int32_t place = places[Index(row)];
      if (place < 0) continue;
      std::copy_n(packed.data() + place * rows.width, rows.width, tensor + row * rows.width);
    }
  }
  std::iota(places.begin(), places.end(), 0);
  placed = static_cast<std::int32_t>(rows.rows);
  is_by_row = true;
}

void TableGradients::Table::ContinueFrom(const Table& earlier) {
  steps = earlier.steps;
  places = earlier.places;
  placed = earlier.placed;
  is_by_row = earlier.is_by_row;
}

void TableGradients::Add(const TableRows& rows, std::int64_t max_batch, bool takes_all_rows) {
  Table table;
  table.rows = rows;
  const std::int64_t ids = CheckedMultiply(max_batch, rows.ids.per_example);
  table.most_reached = MostRows(rows.rows, ids, takes_all_rows);
  table.reached.reserve(Index(std::max(ids, table.most_reached)));
  table.steps.assign(Index(rows.rows), 0);
  table.gradient_rows.assign(Index(rows.rows), 0);
  table.keeps_order = takes_all_rows;
  if (takes_all_rows) std::iota(table.gradient_rows.begin(), table.gradient_rows.end(), 0);
  table.places.assign(Index(rows.rows), -1);
  tables_.push_back(std::move(table));
}

void TableGradients::FindRows(std::int64_t batch, const BatchLengths* lengths) {
  for (Table& table : tables_) {
    const TableRows& rows = table.rows;
    std::vector<std::int32_t>& named = table.reached;
    named.clear();
    const std::int64_t ids = batch * rows.ids.length.Cut(rows.ids.per_example, lengths);
    for (std::int64_t i = 0; i < ids; ++i) {
      const auto id = std::bit_cast<std::int32_t>(rows.ids.values[i]);
      if (id >= 0 && id < rows.rows) named.push_back(id);
    }
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    if (table.keeps_order) continue;
    for (std::size_t i = 0; i < named.size(); ++i) {
      table.gradient_rows[Index(named[i])] = static_cast<std::int32_t>(i);
    }
  }
}

TableGradients::Table* TableGradients::Find(int parameter) { return FindIn(tables_, parameter); }

const TableGradients::Table* TableGradients::Find(int parameter) const {
  return FindIn(tables_, parameter);
}

double TableGradients::Begin() {
  double sum = 0.0;
  for (Table& table : tables_) DropZeros(table, sum);
  return sum;
}

double TableGradients::BeginOfAllRows() {
  double sum = 0.0;
  for (Table& table : tables_) {
    table.reached.resize(Index(table.rows.rows));
    std::iota(table.reached.begin(), table.reached.end(), 0);
    DropZeros(table, sum);
  }
  return sum;
}

// Leaves the rows whose gradients are not zero; adds their squares to the sum.
void TableGradients::DropZeros(Table& table, double& sum) {
  // In double no square of a float is lost, so that 0 means that all are.
  std::erase_if(table.reached, [&](std::int32_t row) {
    const double squares = SumOfSquares(table.Gradient(row), table.rows.width);
    sum += squares;
    return squares == 0.0;
  });
}

double TableGradients::ClampedSumOfSquares(float limit) const {
  double sum = 0.0;
  for (const Table& table : tables_) {
    for (const std::int32_t row : table.reached) {
      sum += espalier::ClampedSumOfSquares(table.Gradient(row), table.rows.width, limit);
    }
  }
  return sum;
}

}  // namespace espalier
