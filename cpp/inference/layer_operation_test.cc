// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "inference/inference_run.h"
#include "inference/inference_plan.h"
#include "testing/inference_networks.h"

namespace espalier {
namespace {

using testing::NormalFloats;

// Turns each example round, by way of all the memory that a layer can ask for; with a factor out of
// what Prepare left.
class Turning final : public Layer {
 public:
  std::string_view kind() const override { return "turning"; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::int64_t Work(std::span<const Shape> inputs) const override {
    return inputs[0].element_count();
  }

  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& /*use*/) const override {
    const std::int64_t floats = batch * inputs[0].element_count();
    return {.saved = floats, .forward = floats + 1, .prepared = 2};
  }
  std::int64_t ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const override {
    return inputs[0].element_count();
  }

  void Prepare(std::span<const Shape> /*inputs*/, const LayerUse& /*use*/,
               std::span<const float* const> /*parameters*/, float* prepared,
               Workspace& /*workspace*/) const override {
    prepared[0] = 3.0f;
    prepared[1] = 2.0f;
  }

  void Forward(const ForwardArguments& arguments) const override {
    const std::int64_t floats = arguments.input_shapes[0].element_count();
    const std::int64_t all = arguments.batch * floats;
    std::copy_n(arguments.inputs[0], all, arguments.saved);
    std::copy_n(arguments.saved, all, arguments.temporary + 1);
    arguments.workspace->ParallelFor(
        arguments.batch, [&](std::int64_t example, std::span<float> scratch) {
          const float* from = arguments.temporary + 1 + example * floats;
          std::reverse_copy(from, from + floats, scratch.begin());
          for (std::int64_t i = 0; i < floats; ++i) {
            arguments.output[example * floats + i] = arguments.prepared[0] * arguments.prepared[1] *
                                                     scratch[static_cast<std::size_t>(i)];
          }
        });
  }
  void Backward(const BackwardArguments& /*arguments*/) const override {}
};

TEST(LayerOperation, ALayerGetsAllTheMemoryThatItAsksFor) {
  constexpr std::int64_t kFloats = 5;
  NetworkBuilder builder(Shape::Vector(kFloats));
  builder.Layer(testing::Spec("dropout", {{"rate", 0.5}}, "turned"));
  builder.Head("values", ValuesTask({"a", "b"}));
  const Network network = builder.Build(1);
  NetworkState& state = *network.state();
  ASSERT_EQ(state.layers[0].name, "turned");
  state.layers[0].layer = std::make_shared<Turning>();

  const InferencePlan plan(state, {}, {state.layers[0].output}, 4);
  for (const int workers : {1, 2}) {
    const auto buffers = plan.MakeRun(workers);
    for (const std::int64_t batch : {4, 1, 3}) {
      const std::vector<float> inputs = NormalFloats(batch * kFloats, 5);
      std::vector<float> outputs(inputs.size());
      const float* const from = inputs.data();
      float* const to = outputs.data();
      plan.Run(batch, {&from, 1}, {&to, 1}, *buffers);
      for (std::int64_t i = 0; i < batch * kFloats; ++i) {
        const std::int64_t turned = i / kFloats * kFloats + kFloats - 1 - i % kFloats;
        EXPECT_EQ(outputs[static_cast<std::size_t>(i)],
                  6.0f * inputs[static_cast<std::size_t>(turned)]);
      }
    }
  }
  EXPECT_EQ(plan.NativeBytes(), 2 * static_cast<std::int64_t>(sizeof(float)));
}

}  // namespace
}  // namespace espalier
