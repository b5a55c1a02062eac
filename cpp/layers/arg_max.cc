// SPDX-License-Identifier: Apache-2.0
#include "layers/arg_max.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/strides.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {

ArgMax::ArgMax(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  axis_ = reader.Whole("axis", -Shape::kMaxRank, Shape::kMaxRank - 1, -1);
  keeps_dimensions_ = reader.Flag("keep_dimensions", false);
  reader.Finish();
}

Shape ArgMax::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = OnlyInput(inputs, kKind);
  const int axis = ResolveAxis(axis_, input.rank(), kKind);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (input[axis] > kMost) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected at most ", kMost, " places, got ",
         input[axis]);
  }
  std::vector<std::int64_t> dimensions(input.dimensions().begin(), input.dimensions().end());
  if (keeps_dimensions_ || dimensions.size() == 1) {
    dimensions[static_cast<std::size_t>(axis)] = 1;
  } else {
    dimensions.erase(dimensions.begin() + axis);
  }
  return Shape(dimensions);
}

std::int64_t ArgMax::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void ArgMax::Forward(const ForwardArguments& arguments) const {
  const Shape& input = arguments.input_shapes[0];
  const AxisSplit split =
      SplitAt(input, ResolveAxis(axis_, input.rank(), kKind), Layout::kRowMajor);
  const std::int64_t elements = split.size * split.inner;
  auto* const places = reinterpret_cast<std::int32_t*>(arguments.output);
  ForRows(*arguments.workspace, arguments.batch * split.outer, elements,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t at = first * split.inner; at < last * split.inner; ++at) {
              const float* x = arguments.inputs[0] + at / split.inner * elements + at % split.inner;
              std::int64_t best = 0;
              for (std::int64_t i = 1; i < split.size; ++i) {
                const float value = x[i * split.inner];
                const float most = x[best * split.inner];
                if (value > most || (std::isnan(value) && !std::isnan(most))) best = i;
              }
              places[at] = static_cast<std::int32_t>(best);
            }
          });
}

}  // namespace espalier
