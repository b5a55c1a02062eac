// SPDX-License-Identifier: Apache-2.0
#include "training/repeated_values.h"

#include <algorithm>

#include "core/checked.h"

namespace espalier {
namespace {

bool IsRepeatable(const NetworkState& network, const TrainingPlan& plan, const PlanNode& node) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(node.layer)];
  if (!TraitsOf(layer).is_repeatable || !node.has_backward || node.is_fused || node.done_by >= 0) {
    return false;
  }
  const LayerMemory memory = layer.layer->Memory(plan.max_batch, layer.input_shapes, node.use);
  const std::int64_t floats = CheckedMultiply(node.output_shape.element_count(), plan.max_batch);
  return memory.reads_inputs && !memory.reads_output && memory.forward == 0 &&
         floats >= kLeastRepeatedBytes / static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

void ChooseRepeatedValues(const NetworkState& network, TrainingPlan& plan) {
  for (PlanNode& node : plan.nodes) {
    // What is repeated itself is not there when others are.
    node.is_repeated =
        IsRepeatable(network, plan, node) &&
        std::none_of(node.producers.begin(), node.producers.end(), [&](int maker) {
          return maker >= 0 && plan.nodes[static_cast<std::size_t>(maker)].is_repeated;
        });
  }
  for (const PlanNode& node : plan.nodes) {
    if (!node.has_late_gradient) continue;
    for (const int maker : node.producers) {
      if (maker >= 0) plan.nodes[static_cast<std::size_t>(maker)].is_repeated = false;
    }
  }
}

}  // namespace espalier
