// SPDX-License-Identifier: Apache-2.0
#pragma once

// A convolution's arrays and its three products, for tests.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "kernels/convolution/conv2d.h"
#include "testing/conv2d_cases.h"
#include "testing/conv2d_reference.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"

namespace espalier::testing {

/// Arrays of one case, of normal values. What a kernel reads and writes lies in guarded memory.
struct Conv2dProblem {
  explicit Conv2dProblem(const Conv2dCase& c)
      : reference{c.Geometry(), c.batch},
        input(NormalFloats(reference.InputSize(), 1)),
        weights(NormalFloats(reference.WeightSize(), 2)),
        bias(NormalFloats(static_cast<std::size_t>(c.output_channels), 3)),
        grad_output(NormalFloats(reference.OutputSize(), 4)) {}

  /// Makes every value an integer of [-4, 4], so that direct sums are exact.
  void MakeIntegers() {
    for (std::vector<float>* values : {&input, &weights, &bias, &grad_output}) {
      for (float& value : *values) value = std::clamp(std::round(2.0f * value), -4.0f, 4.0f);
    }
  }

  std::vector<float> Forward(const Epilogue& epilogue, int workers = 1,
                             GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats packed(static_cast<std::size_t>(Conv2dPackedFloats(reference.geometry)), side);
    Conv2dPackWeights(reference.geometry, GuardedFloats(weights, side).data(), packed.data(),
                      workspace);
    GuardedFloats output(reference.OutputSize(), side);
    Conv2dForward(reference.geometry, reference.batch, GuardedFloats(input, side).data(),
                  packed.data(), epilogue, output.data(), workspace);
    return output.ToVector();
  }

  std::vector<float> ForwardPooled(const Epilogue& epilogue, std::size_t size) const {
    Workspace workspace(1, Conv2dScratchFloats(reference.geometry));
    std::vector<float> packed(static_cast<std::size_t>(Conv2dPackedFloats(reference.geometry)));
    Conv2dPackWeights(reference.geometry, weights.data(), packed.data(), workspace);
    GuardedFloats output(size, GuardSide::kAfter);
    std::fill_n(output.data(), output.size(), -1.0f);
    Conv2dForwardPooled(reference.geometry, reference.batch, input.data(), packed.data(), epilogue,
                        output.data(), workspace);
    return output.ToVector();
  }

  std::vector<float> GradInput(int workers = 1, GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats grad(reference.InputSize(), side);
    std::fill_n(grad.data(), grad.size(), std::numeric_limits<float>::quiet_NaN());
    GuardedFloats packed(static_cast<std::size_t>(Conv2dPackedBackwardFloats(reference.geometry)),
                         side);
    Conv2dPackWeightsBackward(reference.geometry, GuardedFloats(weights, side).data(),
                              packed.data(), workspace);
    Conv2dBackwardInput(reference.geometry, reference.batch,
                        GuardedFloats(grad_output, side).data(), packed.data(), grad.data(),
                        workspace);
    return grad.ToVector();
  }

  struct GradParameters {
    std::vector<float> weights, bias;
  };
  GradParameters GradWeights(int workers = 1, GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats grad_weights(reference.WeightSize(), side);
    GuardedFloats grad_bias(bias.size(), side);
    GuardedFloats buffer(
        static_cast<std::size_t>(Conv2dBackwardWeightsFloats(reference.geometry, reference.batch)),
        side);
    for (GuardedFloats* floats : {&grad_weights, &grad_bias, &buffer}) {
      std::fill_n(floats->data(), floats->size(), std::numeric_limits<float>::quiet_NaN());
    }
    Conv2dBackwardWeights(reference.geometry, reference.batch, GuardedFloats(input, side).data(),
                          GuardedFloats(grad_output, side).data(), grad_weights.data(),
                          grad_bias.data(), buffer.data(), workspace);
    return {grad_weights.ToVector(), grad_bias.ToVector()};
  }

  static std::vector<float> NormalFloats(std::size_t size, std::uint32_t stream) {
    return testing::NormalFloats(size, {.seed = 5, .index = stream});
  }

  Conv2dReference reference;
  std::vector<float> input, weights, bias, grad_output;
};

}  // namespace espalier::testing
