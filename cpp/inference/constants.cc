// SPDX-License-Identifier: Apache-2.0
#include "inference/constants.h"

#include <algorithm>
#include <utility>

#include "inference/layer_operation.h"

namespace espalier {

Constants::Constants(const NetworkState& network, const std::vector<char>& is_needed,
                     const std::vector<char>& is_given)
    : network_(network) {
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const auto output = static_cast<std::size_t>(network.layers[i].output);
    if (network.layers[i].is_constant && is_needed[output] != 0 && is_given[output] == 0) {
      Compute(static_cast<int>(i));
    }
  }
}

void Constants::Compute(int index) {
  const GraphLayer& layer = network_.layers[static_cast<std::size_t>(index)];
  const LayerOperation operation(network_, index);
  std::vector<AlignedArray<float>> inputs;
  std::vector<const float*> pointers;
  for (const int input : layer.inputs) {
    inputs.push_back(In(input, network_.value(layer.output).layout));
    pointers.push_back(inputs.back().data());
  }
  const std::int64_t floats = layer.output_shape.element_count();
  AlignedArray<float> output(floats);
  AlignedArray<float> temporary(operation.TemporaryFloats(1));
  Workspace workspace(1, operation.ScratchFloats(1));
  operation.Run({.batch = 1,
                 .inputs = pointers,
                 .output = output.data(),
                 .output_stride = floats,
                 .temporary = temporary.data(),
                 .workspace = &workspace});
  values_.emplace(layer.output, std::move(output));
}

AlignedArray<float> Constants::In(int index, Layout layout) const {
  const GraphValue& value = network_.value(index);
  const AlignedArray<float>& floats = values_.at(index);
  AlignedArray<float> result(floats.size());
  Workspace workspace(1, 0);
  if (LieAlike(value.shape, value.layout, layout)) {
    std::copy_n(floats.data(), floats.size(), result.data());
  } else if (layout == Layout::kRowMajor) {
    ToChannelsFirst(value.shape, 1, floats.data(), result.data(), workspace);
  } else {
    ToChannelsLast(value.shape, 1, floats.data(), result.data(), workspace);
  }
  return result;
}

}  // namespace espalier
