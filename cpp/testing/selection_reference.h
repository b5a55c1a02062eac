// SPDX-License-Identifier: Apache-2.0
#pragma once

// The reference of layers of one input that compute nothing: each output is an input as it is.

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "testing/layer_check.h"

namespace espalier::testing {

/// Places of a value along its dimensions, from the row-major place of an element.
inline std::vector<std::int64_t> PlacesOf(const Shape& shape, std::int64_t element) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    places[static_cast<std::size_t>(axis)] = element % shape[axis];
    element /= shape[axis];
  }
  return places;
}

/// The inverse of PlacesOf.
inline std::int64_t ElementAt(const Shape& shape, const std::vector<std::int64_t>& places) {
  std::int64_t element = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    element = element * shape[axis] + places[static_cast<std::size_t>(axis)];
  }
  return element;
}

class SelectionReference : public LayerReference {
 public:
  /// Of an example: the element of the input that an element of the output is; -1: `fill`.
  using Source = std::function<std::int64_t(std::int64_t output)>;

  explicit SelectionReference(Source source, double fill = 0.0)
      : source_(std::move(source)), fill_(fill) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles output(Outputs(values));
    ForElements(values, [&](std::size_t to, std::int64_t from) {
      output[to] = from < 0 ? fill_ : values.inputs[0][static_cast<std::size_t>(from)];
    });
    return output;
  }

  Doubles Tolerance(const LayerValues& values) const override {
    return Doubles(Outputs(values), 0.0);  // no arithmetic
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    ForElements(values, [&](std::size_t to, std::int64_t from) {
      if (from >= 0) result.inputs[0][static_cast<std::size_t>(from)] += grad[to];
    });
    return result;
  }

 private:
  static std::size_t Outputs(const LayerValues& values) {
    return static_cast<std::size_t>(values.batch * values.output_shape.element_count());
  }

  template <typename Visit>
  void ForElements(const LayerValues& values, Visit visit) const {
    const std::int64_t inputs = values.input_shapes[0].element_count();
    const std::int64_t outputs = values.output_shape.element_count();
    for (std::int64_t to = 0; to < values.batch * outputs; ++to) {
      const std::int64_t from = source_(to % outputs);
      visit(static_cast<std::size_t>(to), from < 0 ? -1 : to / outputs * inputs + from);
    }
  }

  Source source_;
  double fill_;
};

}  // namespace espalier::testing
