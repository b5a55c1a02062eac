// SPDX-License-Identifier: Apache-2.0
#include "training/weight_average.h"

#include <algorithm>

#include "core/cpu.h"
#include "kernels/optimizers/move_towards.h"

namespace espalier {
namespace {

// A task of about 10 µs.
constexpr std::int64_t kMostRunFloats = 65536;

}  // namespace

WeightAverage::WeightAverage(NetworkState& network, double decay)
    : network_(network), decay_(decay) {
  std::int64_t floats = 0;
  for (const GraphParameter& parameter : network.parameters) {
    const GraphLayer& layer = network.layers[static_cast<std::size_t>(parameter.layer)];
    if (layer.frozen && !layer.adapt_statistics) continue;
    const std::int64_t end = parameter.offset + parameter.shape.element_count();
    for (std::int64_t first = parameter.offset; first < end; first += kMostRunFloats) {
      runs_.push_back(
          {.first = first, .count = std::min(kMostRunFloats, end - first), .average = floats});
      floats += runs_.back().count;
    }
  }
  averages_ = AlignedArray<float>(floats);
  for (const Run& run : runs_) {
    std::copy_n(network.parameter_floats.data() + run.first, run.count,
                averages_.data() + run.average);
  }
}

void WeightAverage::Follow(Workspace& workspace) {
  const auto t = static_cast<double>(steps_++);
  const auto share = static_cast<float>(1.0 - std::min(decay_, (1.0 + t) / (10.0 + t)));
  workspace.ParallelFor(static_cast<std::int64_t>(runs_.size()),
                        [&](std::int64_t i, std::span<float>) {
                          const FlushDenormals flush;
                          const Run& run = runs_[static_cast<std::size_t>(i)];
                          MoveTowards(network_.parameter_floats.data() + run.first, share,
                                      averages_.data() + run.average, run.count);
                        });
}

std::span<float> WeightAverage::Of(int parameter) {
  const GraphParameter& of = network_.parameters[static_cast<std::size_t>(parameter)];
  for (const Run& run : runs_) {
    if (run.first != of.offset) continue;
    return averages_.span().subspan(static_cast<std::size_t>(run.average),
                                    static_cast<std::size_t>(of.shape.element_count()));
  }
  return {};
}

void WeightAverage::Swap() {
  for (const Run& run : runs_) {
    float* const values = network_.parameter_floats.data() + run.first;
    std::swap_ranges(values, values + run.count, averages_.data() + run.average);
  }
  is_swapped_ = !is_swapped_;
}

}  // namespace espalier
