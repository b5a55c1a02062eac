// SPDX-License-Identifier: Apache-2.0
#pragma once

// Holds a layer to what it says of positions (Layer::InputPositions): that on the first ones alone
// it does the same, to the bit.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/text.h"
#include "layers/layer.h"
#include "testing/layer_run.h"
#include "testing/tolerance.h"

namespace espalier::testing {

/// The first `kept` of an array's rows of each example, which are `all`.
inline Doubles FirstPositions(const Doubles& values, std::int64_t batch, std::int64_t all,
                              std::int64_t kept) {
  const std::int64_t example = static_cast<std::int64_t>(values.size()) / batch;
  const std::int64_t wanted = example / all * kept;
  Doubles result(static_cast<std::size_t>(batch * wanted));
  for (std::int64_t i = 0; i < batch; ++i) {
    std::copy_n(values.data() + i * example, wanted, result.data() + i * wanted);
  }
  return result;
}

inline Doubles ToDoubles(const Floats& values) { return Doubles(values.begin(), values.end()); }

/// Empty if all is well, or the layer says nothing of the kind; else what is wrong.
inline std::string CheckPositions(const Layer& layer, LayerValues values) {
  values.mode = Mode::kEvaluation;  // random numbers go by element
  values.any_layout = Layout::kRowMajor;
  const std::size_t count = values.input_shapes.size();
  std::vector<PositionUse> uses;
  bool goes_by_position = false, reads_valid = false;
  for (std::size_t i = 0; i < count; ++i) {
    uses.push_back(layer.InputPositions(i, values.input_shapes));
    const bool is_both = uses[i] == PositionUse::kSameAndValid;
    goes_by_position = goes_by_position || is_both || uses[i] == PositionUse::kSame;
    reads_valid = reads_valid || is_both || uses[i] == PositionUse::kValid;
  }
  if (!goes_by_position && !reads_valid) return "";

  // Half of the positions; of those that a number counts, no more are valid.
  const auto kept_of = [](std::int64_t all) { return (all + 1) / 2; };
  if (reads_valid) {
    std::int64_t most = kept_of(values.input_shapes[0][0]);
    for (std::size_t i = 0; i < count; ++i) {
      if (uses[i] != PositionUse::kAll) {
        most = std::min(most, kept_of(values.input_shapes[i][0]));
      }
    }
    for (double& valid : values.inputs.back()) {
      valid = std::min(valid, static_cast<double>(most));
    }
  }
  LayerValues cut = values;
  for (std::size_t i = 0; i < count; ++i) {
    if (uses[i] == PositionUse::kAll) continue;
    const std::int64_t all = values.input_shapes[i][0];
    std::vector<std::int64_t> dimensions(values.input_shapes[i].dimensions().begin(),
                                         values.input_shapes[i].dimensions().end());
    dimensions[0] = kept_of(all);
    cut.input_shapes[i] = Shape(std::span<const std::int64_t>(dimensions));
    cut.inputs[i] = FirstPositions(values.inputs[i], values.batch, all, kept_of(all));
  }
  cut.output_shape = layer.OutputShape(cut.input_shapes);
  const std::int64_t all = goes_by_position ? values.output_shape[0] : 1;
  const std::int64_t kept = goes_by_position ? kept_of(all) : 1;
  if (goes_by_position && cut.output_shape[0] != kept) {
    return Concat("of ", kept, " positions makes ", cut.output_shape.ToString());
  }

  const LayerUse use = {.mode = Mode::kEvaluation};
  const LayerMemory memory = layer.Memory(values.batch, values.input_shapes, use);
  const LayerMemory cut_memory = layer.Memory(values.batch, cut.input_shapes, use);
  if (cut_memory.prepared != memory.prepared || cut_memory.saved > memory.saved ||
      cut_memory.forward > memory.forward || cut_memory.backward > memory.backward) {
    return "wants other memory for fewer positions";
  }

  Random random({.seed = 79, .purpose = RandomPurpose::kTest});
  Doubles cut_grad(static_cast<std::size_t>(cut.batch * cut.output_shape.element_count()));
  for (double& value : cut_grad) value = static_cast<float>(random.NextNormal());
  Doubles grad(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
  const std::size_t grad_row = grad.size() / static_cast<std::size_t>(values.batch);
  const std::size_t cut_row = cut_grad.size() / static_cast<std::size_t>(values.batch);
  for (std::size_t i = 0; i < cut_grad.size(); ++i) {
    grad[i / cut_row * grad_row + i % cut_row] = cut_grad[i];
  }
  const LayerRun whole = RunLayer(layer, values, grad, 1);
  const LayerRun part = RunLayer(layer, cut, cut_grad, 2);
  if (!part.is_intact) return "writes outside its buffers on fewer positions";
  const Doubles expected = FirstPositions(ToDoubles(whole.output), values.batch, all, kept);
  const Doubles got = ToDoubles(part.output);
  const auto same = [](double a, double b) { return a == b || (a != a && b != b); };
  if (!std::equal(expected.begin(), expected.end(), got.begin(), got.end(), same)) {
    return "differs on the first positions alone";
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (whole.grad_inputs[i].empty()) continue;
    Doubles gradient = ToDoubles(whole.grad_inputs[i]);
    if (uses[i] != PositionUse::kAll) {
      const std::int64_t positions = values.input_shapes[i][0];
      gradient = FirstPositions(gradient, values.batch, positions, kept_of(positions));
    }
    if (!(RelativeNorm(part.grad_inputs[i], gradient) <= kGradientRelativeNorm)) {
      return Concat("has another gradient of input ", i, " on the first positions alone");
    }
  }
  for (std::size_t i = 0; i < whole.grad_parameters.size(); ++i) {
    if (whole.grad_parameters[i].empty()) continue;
    const Doubles gradient = ToDoubles(whole.grad_parameters[i]);
    if (part.grad_parameters[i].size() != gradient.size() ||
        !(RelativeNorm(part.grad_parameters[i], gradient) <= kGradientRelativeNorm)) {
      return Concat("has another gradient of parameter ", i, " on the first positions alone");
    }
  }
  return "";
}

}  // namespace espalier::testing
