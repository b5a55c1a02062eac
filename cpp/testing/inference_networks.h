// SPDX-License-Identifier: Apache-2.0
#pragma once

// Networks with trained-looking parameters and inputs, for tests of prediction.

#include <cstdint>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/builder.h"
#include "testing/known_networks.h"
#include "testing/layer_spec.h"
#include "testing/normal_floats.h"

namespace espalier::testing {

inline bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Weights by whole-number arithmetic alone, the same on every machine.
inline void FillWeights(Network& network) {
  std::uint32_t state = 5;
  for (const ParameterDescription& parameter : network.Parameters()) {
    std::vector<float> values(static_cast<std::size_t>(parameter.shape.element_count()));
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = (static_cast<float>(state >> 8) - 0x1p23f) * 0x1p-26f;
    }
    network.WriteParameter(parameter.path, values);
  }
}

/// Moves what initialization leaves at 0 or 1 (biases, norms, running statistics) to values
/// that a wrong formula would not survive.
inline void Scatter(Network& network) {
  for (const ParameterDescription& parameter : network.Parameters()) {
    if (EndsWith(parameter.path, ".weight") && parameter.shape.rank() > 1) continue;
    Random random(
        {.seed = 77,
         .index = HashName(parameter.path.data(), parameter.path.data() + parameter.path.size())});
    const bool is_scale =
        EndsWith(parameter.path, ".weight") || EndsWith(parameter.path, ".running_var");
    std::vector<float> values(static_cast<std::size_t>(parameter.shape.element_count()));
    for (float& value : values) {
      value = static_cast<float>(is_scale ? 0.5 + random.NextUniform() : 0.3 * random.NextNormal());
    }
    network.WriteParameter(parameter.path, values);
  }
}

inline std::vector<float> NormalFloats(std::int64_t count, std::uint64_t seed) {
  return NormalFloats(count, {.seed = seed});
}

/// Every way in which a plan fuses or declines to: batch norms after convolutions with and
/// without bias, after a flatten (not foldable), after a shared layer (not foldable), first
/// of all; activations after dense, convolution, sum, norm and pool; dropout between.
inline Network FusionNetwork() {
  NetworkBuilder builder(Shape::Image(3, 9, 7));
  builder.Normalize({0.1, 0.2, -0.3}, {0.5, 2.0, 1.5});
  builder.BatchNorm("norm0").Layer(Spec("silu", "silu0", {}));
  builder.Conv2d("conv1", 5, 3).BatchNorm("norm1").Dropout(0.3).Relu();
  builder.Layer(Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}, {"bias", false}}, "deep"));
  builder.BatchNorm("norm2").Layer(Spec("relu6", "act2", {}));
  builder.Layer(
      Spec("conv2d", {{"channels", std::int64_t{5}}, {"kernel", std::int64_t{1}}}, "shared"));
  builder.BatchNorm("norm3");
  builder.Add("sum", "shared", "norm3").Layer(Spec("leaky_relu", "act3", {"sum"}));
  builder.Layer(Spec("concat", "both", {"act3", "act2"}));
  builder.Layer(
      Spec("max_pool2d", {{"window", std::int64_t{3}}, {"stride", std::int64_t{2}}}, "pool"));
  builder.Layer(Spec("tanh", "act4", {}));
  builder.Layer(Spec("conv2d",
                     {{"channels", std::int64_t{6}},
                      {"kernel", std::int64_t{3}},
                      {"groups", std::int64_t{2}},
                      {"stride", std::int64_t{2}}},
                     "grouped"));
  builder.Flatten().BatchNorm("norm5").Layer(Spec("gelu", "act5", {}));
  builder.Dense("dense6", 33).BatchNorm("norm6").Layer(Spec("sigmoid", "act6", {}));
  builder.Layer(Spec("layer_norm", "norm7", {}));
  builder.Head("attributes", LabelsTask({"a", "b", "c"}));
  builder.From("norm0").Head("colour", ClassesTask(4));
  builder.From("norm7").Head("kind", ClassesTask(5)).From("norm7").Head("size", ValuesTask({"v"}));
  Network network = builder.Build(11);
  Scatter(network);
  return network;
}

}  // namespace espalier::testing
