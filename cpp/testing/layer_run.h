// SPDX-License-Identifier: Apache-2.0
#pragma once

// Passes of a layer, for tests: values as they are outside, moved at the border to how the layer
// wants them, between guards that show what is written outside.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "layers/layer.h"
#include "layers/layout.h"
#include "testing/tolerance.h"

namespace espalier::testing {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

/// One pass of a layer. All values are exact in float32.
struct LayerValues {
  std::int64_t batch = 1;
  Mode mode = Mode::kTraining;
  Layout any_layout = Layout::kChannelsLast;  // of a layer that takes any
  std::vector<Shape> input_shapes;
  Shape output_shape{1};
  std::vector<Doubles> inputs;      // [batch, shape] each
  std::vector<Doubles> parameters;  // in the layer's order
  RandomKey random{.seed = 11, .purpose = RandomPurpose::kDropout, .index = 5};
};

/// Floats between guards, misaligned and full of NaN at first, so that reading before
/// writing, or writing outside, shows.
class GuardedFloats {
 public:
  explicit GuardedFloats(std::size_t size)
      : floats_(size + 2 * kGuard, std::numeric_limits<float>::quiet_NaN()) {
    std::fill_n(floats_.begin(), kGuard, kSentinel);
    std::fill_n(floats_.end() - kGuard, kGuard, kSentinel);
  }
  explicit GuardedFloats(const Doubles& values) : GuardedFloats(values.size()) {
    std::transform(values.begin(), values.end(), data(),
                   [](double value) { return static_cast<float>(value); });
  }

  /// Fills the floats with NaN again.
  void Forget() {
    std::fill(floats_.begin() + kGuard, floats_.end() - kGuard,
              std::numeric_limits<float>::quiet_NaN());
  }

  float* data() { return floats_.data() + kGuard; }
  Floats values() const { return Floats(floats_.begin() + kGuard, floats_.end() - kGuard); }
  bool IsIntact() const {
    const auto is_sentinel = [](float value) { return value == kSentinel; };
    return std::all_of(floats_.begin(), floats_.begin() + kGuard, is_sentinel) &&
           std::all_of(floats_.end() - kGuard, floats_.end(), is_sentinel);
  }

 private:
  static constexpr std::ptrdiff_t kGuard = 17;  // odd: never a vector's alignment
  static constexpr float kSentinel = -1234.5f;
  Floats floats_;
};

/// The layout in which a layer is checked.
inline Layout LayoutIn(const Layer& layer, const LayerValues& values) {
  const LayoutRule rule = layer.layout_rule();
  if (rule == LayoutRule::kAny) return values.any_layout;
  return rule == LayoutRule::kRowMajor ? Layout::kRowMajor : Layout::kChannelsLast;
}

/// [batch, shape] as outside to how it lies inside plans, and back.
template <typename Values>
Values Inside(const Shape& shape, const Values& outside, Layout layout = Layout::kChannelsLast) {
  if (layout == Layout::kRowMajor) return outside;
  const auto [channels, positions] = LayoutOf(shape);
  Values inside(outside.size());
  for (std::size_t i = 0; i < outside.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i) % (channels * positions);
    const std::int64_t moved = at % positions * channels + at / positions;
    inside[i + static_cast<std::size_t>(moved) - static_cast<std::size_t>(at)] = outside[i];
  }
  return inside;
}
template <typename Values>
Values Outside(const Shape& shape, const Values& inside, Layout layout = Layout::kChannelsLast) {
  if (layout == Layout::kRowMajor) return inside;
  const auto [channels, positions] = LayoutOf(shape);
  return Inside(Shape{positions, channels}, inside);
}

/// True if a gradient flows to that input.
inline bool HasGradient(const Layer& layer, std::size_t input) {
  return layer.HasBackward() && layer.InputType(input) == ElementType::kFloat32;
}

/// Input `index` as it lies where the layer reads it.
inline Doubles InputFloats(const Layer& layer, std::size_t index, const LayerValues& values) {
  if (layer.InputType(index) == ElementType::kFloat32) {
    return Inside(values.input_shapes[index], values.inputs[index], LayoutIn(layer, values));
  }
  Doubles bits;
  for (const double value : values.inputs[index]) {
    bits.push_back(std::bit_cast<float>(static_cast<std::int32_t>(value)));
  }
  return Inside(values.input_shapes[index], bits, LayoutIn(layer, values));
}

/// What the shipped layer computed. Values are as outside. Gradients that were not wanted are
/// empty.
struct LayerRun {
  Floats output;
  std::vector<Floats> grad_inputs;
  std::vector<Floats> grad_parameters;
  bool is_intact = true;

  friend bool SameBits(const LayerRun& a, const LayerRun& b) {
    const auto same = [](const std::vector<Floats>& x, const std::vector<Floats>& y) {
      return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                        [](const Floats& p, const Floats& q) { return testing::SameBits(p, q); });
    };
    return testing::SameBits(a.output, b.output) && same(a.grad_inputs, b.grad_inputs) &&
           same(a.grad_parameters, b.grad_parameters);
  }
};

/// Forward and backward. `only`: the one gradient wanted, counted over inputs and then
/// parameters; -1: all of them.
inline LayerRun RunLayer(const Layer& layer, const LayerValues& values, const Doubles& grad,
                         int workers, int only = -1) {
  const auto specs = layer.Parameters(values.input_shapes);
  Workspace workspace(workers, layer.ScratchFloats(values.batch, values.input_shapes));
  std::vector<GuardedFloats> inputs;
  for (std::size_t i = 0; i < values.inputs.size(); ++i) {
    inputs.emplace_back(InputFloats(layer, i, values));
  }
  std::vector<GuardedFloats> parameters(values.parameters.begin(), values.parameters.end());
  GuardedFloats output(grad.size());
  const Doubles grad_inside = Inside(values.output_shape, grad, LayoutIn(layer, values));
  GuardedFloats grad_output(grad_inside);
  std::vector<GuardedFloats> grads;
  std::vector<const float*> input_pointers, parameter_pointers;
  std::vector<float*> grad_inputs, grad_parameters;
  grads.reserve(inputs.size() + parameters.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    input_pointers.push_back(inputs[i].data());
    grads.emplace_back(values.inputs[i].size());
    const bool is_wanted = HasGradient(layer, i) && (only < 0 || only == static_cast<int>(i));
    grad_inputs.push_back(is_wanted ? grads.back().data() : nullptr);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameter_pointers.push_back(parameters[i].data());
    grads.emplace_back(values.parameters[i].size());
    const bool is_wanted = layer.HasBackward() && specs[i].role != ParameterRole::kBuffer &&
                           (only < 0 || only == static_cast<int>(inputs.size() + i));
    grad_parameters.push_back(is_wanted ? grads.back().data() : nullptr);
  }
  const auto is_any_wanted = [](const std::vector<float*>& gradients) {
    return std::any_of(gradients.begin(), gradients.end(),
                       [](const float* gradient) { return gradient != nullptr; });
  };
  const LayerUse use = {.mode = values.mode,
                        .grad_inputs = is_any_wanted(grad_inputs),
                        .grad_parameters = is_any_wanted(grad_parameters)};
  const LayerMemory memory = layer.Memory(values.batch, values.input_shapes, use);
  GuardedFloats saved(static_cast<std::size_t>(memory.saved));
  GuardedFloats forward(static_cast<std::size_t>(memory.forward));
  GuardedFloats backward(static_cast<std::size_t>(memory.backward));
  GuardedFloats prepared(static_cast<std::size_t>(memory.prepared));
  const auto data_of = [](GuardedFloats& floats, std::int64_t size) {
    return size == 0 ? nullptr : floats.data();
  };
  if (memory.prepared != 0) {
    layer.Prepare(values.input_shapes, use, parameter_pointers, prepared.data(), workspace);
  }
  layer.Forward({.batch = values.batch,
                 .mode = values.mode,
                 .layout = LayoutIn(layer, values),
                 .input_shapes = values.input_shapes,
                 .output_shape = values.output_shape,
                 .inputs = input_pointers,
                 .parameters = parameter_pointers,
                 .output = output.data(),
                 .saved = data_of(saved, memory.saved),
                 .temporary = data_of(forward, memory.forward),
                 .prepared = data_of(prepared, memory.prepared),
                 .random = values.random,
                 .workspace = &workspace});
  const Floats results = output.values();
  const bool is_intact = output.IsIntact() && forward.IsIntact() && prepared.IsIntact();
  // A plan would give the memory to something else.
  if (!memory.reads_inputs) {
    for (GuardedFloats& input : inputs) input.Forget();
  }
  if (!memory.reads_output) output.Forget();
  if (layer.HasBackward()) {
    layer.Backward({.batch = values.batch,
                    .mode = values.mode,
                    .layout = LayoutIn(layer, values),
                    .input_shapes = values.input_shapes,
                    .output_shape = values.output_shape,
                    .inputs = input_pointers,
                    .parameters = parameter_pointers,
                    .output = output.data(),
                    .grad_output = grad_output.data(),
                    .saved = data_of(saved, memory.saved),
                    .temporary = data_of(backward, memory.backward),
                    .prepared = data_of(prepared, memory.prepared),
                    .grad_inputs = grad_inputs,
                    .grad_parameters = grad_parameters,
                    .workspace = &workspace});
  }
  LayerRun run;
  run.output = Outside(values.output_shape, results, LayoutIn(layer, values));
  run.is_intact = is_intact && saved.IsIntact() && backward.IsIntact() && grad_output.IsIntact() &&
                  testing::SameBits(grad_output.values(), GuardedFloats(grad_inside).values());
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const bool is_input = i < inputs.size();
    const float* wanted = is_input ? grad_inputs[i] : grad_parameters[i - inputs.size()];
    (is_input ? run.grad_inputs : run.grad_parameters)
        .push_back(wanted == nullptr ? Floats()
                   : is_input
                       ? Outside(values.input_shapes[i], grads[i].values(), LayoutIn(layer, values))
                       : grads[i].values());
    run.is_intact = run.is_intact && grads[i].IsIntact();
  }
  return run;
}

/// Fills inputs and parameters with numbers that suit their role.
inline LayerValues MakeLayerValues(const Layer& layer, const std::vector<Shape>& inputs,
                                   std::int64_t batch, Mode mode, std::uint32_t seed) {
  Random random({.seed = seed, .purpose = RandomPurpose::kTest});
  const auto draw = [&](std::int64_t count, double scale, double offset, bool is_positive) {
    Doubles result(static_cast<std::size_t>(count));
    for (double& value : result) {
      const double number = scale * random.NextNormal();
      value = static_cast<float>(offset + (is_positive ? std::abs(number) : number));
    }
    return result;
  };
  LayerValues values{.batch = batch,
                     .mode = mode,
                     .input_shapes = inputs,
                     .output_shape = layer.OutputShape(inputs),
                     .inputs = {},
                     .parameters = {}};
  for (const Shape& shape : inputs) {
    values.inputs.push_back(draw(batch * shape.element_count(), 1.0, 0.1, false));
  }
  for (const ParameterSpec& spec : layer.Parameters(inputs)) {
    const bool is_variance = spec.name == "running_var";
    const bool is_scale = spec.role == ParameterRole::kNorm && spec.name == "weight";
    values.parameters.push_back(draw(spec.shape.element_count(), is_variance ? 1.0 : 0.5,
                                     is_variance ? 0.3 : (is_scale ? 1.0 : 0.0), is_variance));
  }
  return values;
}

}  // namespace espalier::testing
