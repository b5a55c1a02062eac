// SPDX-License-Identifier: Apache-2.0
#include "training/gradient_projection.h"

#include <algorithm>
#include <tuple>

#include "core/random.h"
#include "kernels/reductions/reduction.h"

namespace espalier {
namespace {

// Orders of tasks come from the streams of dropout under another seed.
constexpr std::uint64_t kOrderSeed = 0x7063677261640000;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

GradientProjection::GradientProjection(std::size_t tasks, ParameterUpdates& updates)
    : updates_(updates), hashes_(tasks), products_(tasks * tasks) {
  const auto floats = static_cast<std::int64_t>(updates.gradients().size());
  for (std::size_t i = 0; i < tasks; ++i) kept_.emplace_back(floats);
  runs_.reserve(updates.MostRuns());
  is_shared_.reserve(updates.MostRuns());
}

void GradientProjection::Keep(const std::string& name) {
  hashes_[tasks_] = HashName(name.data(), name.data() + name.size());
  updates_.ListRuns(runs_);
  const float* const from = updates_.gradients().data();
  for (const GradientRun& run : runs_) {
    std::copy_n(from + run.first, run.floats, kept_[tasks_].data() + run.first);
  }
  ++tasks_;
}

double GradientProjection::Product(std::size_t a, std::size_t b) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (!is_shared_[i]) continue;
    const GradientRun& run = runs_[i];
    sum += DotProduct(kept_[a].data() + run.first, kept_[b].data() + run.first, run.floats);
  }
  return sum;
}

std::span<const double> GradientProjection::Combine(std::span<const int> heads_on,
                                                    std::uint64_t seed, std::int64_t step,
                                                    Workspace& workspace) {
  is_shared_.clear();
  for (const GradientRun& run : runs_) {
    is_shared_.push_back(run.node >= 0 && heads_on[Index(run.node)] > 1 ? 1 : 0);
  }
  const std::size_t tasks = tasks_;
  workspace.ParallelFor(static_cast<std::int64_t>(tasks * tasks),
                        [&](std::int64_t pair, std::span<float>) {
                          const std::size_t a = Index(pair) / tasks;
                          const std::size_t b = Index(pair) % tasks;
                          if (a > b) return;
                          products_[a * tasks + b] = products_[b * tasks + a] = Product(a, b);
                        });
  // Of two tasks the order is the same whatever others there are.
  std::vector<std::vector<std::size_t>> orders(tasks);
  for (std::size_t k = 0; k < tasks; ++k) {
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::size_t>> drawn;
    const RandomKey key{.seed = seed ^ kOrderSeed,
                        .purpose = RandomPurpose::kDropout,
                        .index = static_cast<std::uint32_t>(step),
                        .subindex = hashes_[k]};
    for (std::size_t j = 0; j < tasks; ++j) {
      if (j != k) drawn.emplace_back(RandomBlock(key, hashes_[j])[0], hashes_[j], j);
    }
    std::sort(drawn.begin(), drawn.end());
    for (const auto& [number, hash, j] : drawn) orders[k].push_back(j);
  }
  factors_ = ProjectedSum(std::span(products_).first(tasks * tasks), tasks,
                          [&](std::size_t k, std::size_t i) { return orders[k][i]; });
  float* const sums = updates_.gradients().data();
  workspace.ParallelFor(
      static_cast<std::int64_t>(runs_.size()), [&](std::int64_t index, std::span<float>) {
        const GradientRun& run = runs_[Index(index)];
        float* const to = sums + run.first;
        std::fill_n(to, run.floats, 0.0f);
        for (std::size_t task = 0; task < tasks; ++task) {
          const float* const from = kept_[task].data() + run.first;
          const auto factor = static_cast<float>(is_shared_[Index(index)] ? factors_[task] : 1.0);
          for (std::int64_t i = 0; i < run.floats; ++i) to[i] += factor * from[i];
        }
      });
  return factors_;
}

std::int64_t GradientProjection::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const AlignedArray<float>& kept : kept_) bytes += kept.bytes();
  return bytes;
}

}  // namespace espalier
