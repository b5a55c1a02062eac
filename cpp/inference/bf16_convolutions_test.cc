// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "kernels/matmul/matmul_bf16.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::NormalFloats;
using testing::SameBits;
using testing::Spec;

constexpr Precision kBf16 = Precision::kBf16Weights;

Attributes Conv(std::int64_t channels, std::int64_t kernel, std::int64_t stride = 1) {
  return {{"channels", channels}, {"kernel", kernel}, {"stride", stride}};
}

// A convolution of each sort, of which three are worth it.
Network EachSort() {
  NetworkBuilder builder(Shape::Image(16, 16, 16));
  builder.Layer(Spec("conv2d", Conv(64, 3), "winograd", {})).Relu();
  builder.Layer(Spec("conv2d", Conv(128, 3, 4), "many_positions"));
  builder.Layer(Spec("conv2d", Conv(96, 3, 2), "strided")).Relu();
  builder.Layer(Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}}, "depthwise"));
  builder.Layer(Spec("conv2d", Conv(96, 3), "square"));
  builder.Layer(Spec("conv2d", Conv(96, 1), "plain"));
  builder.Add("sum", "plain", "square").Relu();
  builder.Layer(Spec("conv2d", Conv(4, 1), "few"));
  builder.Head("kind", ClassesTask(5));
  return builder.Build(3);
}

void RoundWeights(Network& network, const std::string& layer) {
  std::vector<float> weights = network.ReadParameter(layer + ".weight");
  for (float& weight : weights) {
    weight = std::bit_cast<float>(std::uint32_t{ToBf16(weight)} << 16);
  }
  network.WriteParameter(layer + ".weight", weights);
}

std::vector<float> Predict(const Network& network, const PredictorConfig& config,
                           std::int64_t batch, std::span<const float> inputs) {
  const Predictor predictor(network, config);
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

TEST(Bf16Convolutions, HaveTheBitsOfWeightsRoundedBeforeInAnyBatchOnAnyThreads) {
  const Network network = EachSort();
  Network rounded = network.Clone();
  for (const char* layer : {"strided", "square", "plain", "heads.kind.dense"}) {
    RoundWeights(rounded, layer);
  }
  constexpr std::int64_t kBatch = 5;
  const std::vector<float> inputs = NormalFloats(kBatch * 16 * 16 * 16, 7);
  testing::ForEachCpuTarget([&] {
    const auto expected = Predict(rounded, {.logits = true}, kBatch, inputs);
    EXPECT_FALSE(SameBits(Predict(network, {.logits = true}, kBatch, inputs), expected));
    for (const int threads : {1, 3}) {
      const PredictorConfig config = {.logits = true, .precision = kBf16, .threads = threads};
      EXPECT_TRUE(SameBits(Predict(network, config, kBatch, inputs), expected));
      const auto last = Predict(network, config, 1, std::span(inputs).last(16 * 16 * 16));
      EXPECT_TRUE(SameBits(last, std::span(expected).last(5)));
    }
  });
}

TEST(Bf16Convolutions, DescribeSaysWhichStayInFloatAndWhy) {
  const Network network = EachSort();
  const std::string text = Predictor(network, {.precision = kBf16}).Describe();
  for (const char* line :
       {"winograd + relu1: 3 x 3, Winograd F(4 x 4, 3 x 3), weights in float: transformed for "
        "Winograd",
        "many_positions: 3 x 3, shifted rows, weights in float: each used at many positions",
        "strided + relu2: 3 x 3, shifted rows, weights in bfloat16",
        "depthwise: 3 x 3, depthwise, weights in float: depthwise",
        "square: 3 x 3, shifted rows, weights in bfloat16",
        ": 1 x 1, one product, weights in bfloat16",
        "few: 1 x 1, one product, weights in float: few",
        "heads.kind.dense: product 16 x 5, weights in bfloat16"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nis not in\n" << text;
  }
  EXPECT_EQ(Predictor(network).Describe().find("weights in"), std::string::npos);
}

TEST(Bf16Convolutions, StripsKeepFloatAndSaySo) {
  NetworkBuilder builder(Shape::Image(8, 96, 96));
  builder.Layer(Spec("conv2d", Conv(16, 1), "one"));
  builder.Layer(Spec("conv2d", Conv(8, 1), "two"));
  builder.Layer(Spec("global_average_pool2d", "pool", {}));
  builder.Head("kind", ClassesTask(2));
  const Network network = builder.Build(3);
  const std::string text = Predictor(network, {.precision = kBf16}).Describe();
  EXPECT_NE(text.find("one > two: weights in float: each used at many positions"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace espalier
