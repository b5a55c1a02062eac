// SPDX-License-Identifier: Apache-2.0
#pragma once

// PCGrad (espalier/balance.h): gradients of tasks, each from a backward pass of its own, become the
// gradient of a step.
//
// What a projection makes of a task's gradient is a sum of all tasks' gradients, whose coefficients
// follow from their scalar products alone: so these are all that is computed of large arrays,
// beside the sum in the end.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "training/parameter_updates.h"

namespace espalier {

/// How often the sum of all projected gradients holds each one: `products` are their scalar
/// products, [tasks, tasks]; order(k, i) is the i-th other task that task k is held against.
template <typename Order>
std::vector<double> ProjectedSum(std::span<const double> products, std::size_t tasks,
                                 const Order& order) {
  std::vector<double> counts(tasks, 0.0);
  std::vector<double> own(tasks);
  for (std::size_t k = 0; k < tasks; ++k) {
    own.assign(tasks, 0.0);
    own[k] = 1.0;
    for (std::size_t i = 0; i + 1 < tasks; ++i) {
      const std::size_t j = order(k, i);
      double product = 0.0;
      for (std::size_t l = 0; l < tasks; ++l) product += own[l] * products[l * tasks + j];
      const double square = products[j * tasks + j];
      if (product < 0.0 && square > 0.0) own[j] -= product / square;
    }
    for (std::size_t j = 0; j < tasks; ++j) counts[j] += own[j];
  }
  return counts;
}

class GradientProjection {
 public:
  /// For up to `tasks` tasks; `updates` holds the gradients and must outlive it.
  GradientProjection(std::size_t tasks, ParameterUpdates& updates);

  /// Begins a step.
  void Begin() { tasks_ = 0; }
  std::size_t tasks() const { return tasks_; }

  /// Keeps the gradients of a task as a backward pass left them; its name draws its order.
  void Keep(const std::string& name);

  /// Puts the step's gradient in the place of those of the last task. `heads_on`, by node of the
  /// plan: how many tasks reach it. Returns the factor of each task where more than one does.
  std::span<const double> Combine(std::span<const int> heads_on, std::uint64_t seed,
                                  std::int64_t step, Workspace& workspace);

  std::int64_t NativeBytes() const;

 private:
  double Product(std::size_t a, std::size_t b) const;

  ParameterUpdates& updates_;
  std::vector<AlignedArray<float>> kept_;  // by task of the step, laid out as the gradients
  std::vector<std::uint32_t> hashes_;      // of their names
  std::size_t tasks_ = 0;
  std::vector<GradientRun> runs_;
  std::vector<char> is_shared_;  // by run
  std::vector<double> products_;
  std::vector<double> factors_;
};

}  // namespace espalier
