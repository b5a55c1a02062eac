// SPDX-License-Identifier: Apache-2.0
#include "inference/strip_operation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/convolution_operation.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/inference_networks.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::NormalFloats;
using testing::SameBits;

struct Stage {
  std::int64_t outputs;
  std::int64_t kernel = 1, stride = 1, pad = 0, dilation = 1;
  bool is_depthwise = false;
  Activation activation = Activation::kRelu6;
};

struct Chain {
  std::string name;
  std::int64_t channels, height, width;
  std::vector<Stage> stages;
  bool has_residual = false;
  Precision precision = Precision::kFp32;
};

const Chain kChains[] = {
    {"expand, depthwise, project, add",
     7,
     13,
     9,
     {{20}, {20, 3, 1, 1, 1, true}, {7, 1, 1, 0, 1, false, Activation::kNone}},
     true},
    {"stride 2", 5, 14, 11, {{33}, {33, 3, 2, 1, 1, true}, {6}}},
    {"two blocks from the first convolution on",
     3,
     31,
     17,
     {{5, 3, 2, 1},
      {5, 3, 1, 1, 1, true, Activation::kGelu},
      {4, 1, 1, 0, 1, false, Activation::kNone},
      {17, 1, 1, 0, 1, false, Activation::kTanh},
      {17, 5, 2, 2, 1, true},
      {8}}},
    {"dilation", 4, 15, 12, {{4, 3, 1, 2, 2, true}, {6, 7, 2, 3}, {6, 2, 1, 0, 3, true}}},
    {"rows that nothing reads", 3, 17, 8, {{6}, {6, 1, 3}, {6, 3, 1, 1, 1, true}}},
    {"outputs that see padding alone", 3, 5, 6, {{6}, {6, 3, 1, 4, 1, true}, {2, 3, 2, 4}}},
    {"one row", 9, 1, 6, {{16}, {16, 3, 1, 1, 1, true}, {9}}, true},
    {"products in int8",
     64,
     13,
     9,
     {{100}, {100, 3, 1, 1, 1, true}, {64, 1, 1, 0, 1, false, Activation::kNone}},
     true,
     Precision::kInt8},
    {"int8 after a stride", 9, 12, 7, {{80, 3, 2, 1}, {90}}, false, Precision::kInt8},
};

ConvolutionGeometry GeometryOf(const Stage& stage, std::int64_t channels, std::int64_t height,
                               std::int64_t width) {
  const auto size = [&](std::int64_t n) {
    return (n + 2 * stage.pad - stage.dilation * (stage.kernel - 1) - 1) / stage.stride + 1;
  };
  return {.channels = channels,
          .height = height,
          .width = width,
          .output_channels = stage.outputs,
          .output_height = size(height),
          .output_width = size(width),
          .kernel_height = stage.kernel,
          .kernel_width = stage.kernel,
          .stride_height = stage.stride,
          .stride_width = stage.stride,
          .dilation_height = stage.dilation,
          .dilation_width = stage.dilation,
          .pad_top = stage.pad,
          .pad_left = stage.pad,
          .groups = stage.is_depthwise ? channels : 1};
}

std::vector<std::unique_ptr<const RowOperation>> MakeStages(const Chain& chain) {
  std::vector<std::unique_ptr<const RowOperation>> stages;
  std::int64_t channels = chain.channels;
  std::int64_t height = chain.height;
  std::int64_t width = chain.width;
  for (const Stage& stage : chain.stages) {
    const ConvolutionGeometry g = GeometryOf(stage, channels, height, width);
    EXPECT_TRUE(Conv2dHasRows(g));
    FoldedWeights weights;
    const auto fill = [](AlignedArray<float>& to, std::int64_t count, std::uint32_t seed) {
      const std::vector<float> values = NormalFloats(count, seed);
      to = AlignedArray<float>(count);
      std::copy(values.begin(), values.end(), to.data());
    };
    fill(weights.weights, g.output_channels * g.channels / g.groups * stage.kernel * stage.kernel,
         20);
    fill(weights.bias, g.output_channels, 21);
    stages.push_back(std::make_unique<ConvolutionOperation>(
        g, std::move(weights), FusedActivation{stage.activation}, false, chain.precision));
    channels = g.output_channels;
    height = g.output_height;
    width = g.output_width;
  }
  return stages;
}

std::int64_t OutputFloats(const RowOperation& stage) {
  return stage.window().output_rows * stage.window().output_floats;
}

std::vector<float> Compute(const Operation& operation, std::int64_t batch,
                           const std::vector<float>& input, const float* residual,
                           std::int64_t output_floats, int workers = 1) {
  Workspace workspace(workers, operation.ScratchFloats(batch));
  GuardedFloats guarded(input.size()), output(static_cast<std::size_t>(batch * output_floats));
  std::copy(input.begin(), input.end(), guarded.data());
  std::vector<const float*> inputs = {guarded.data()};
  if (residual != nullptr) inputs.push_back(residual);
  operation.Run({.batch = batch,
                 .inputs = inputs,
                 .output = output.data(),
                 .output_stride = output_floats,
                 .workspace = &workspace});
  return output.ToVector();
}

TEST(StripOperation, HasTheBitsOfItsStagesOneAfterTheOther) {
  ThreadPool::Shared().SetThreadCount(8);
  for (const Chain& chain : kChains) {
    SCOPED_TRACE(chain.name);
    testing::ForEachCpuTarget([&] {
      for (const std::int64_t batch : {1, 3}) {
        const auto stages = MakeStages(chain);
        const std::int64_t floats = OutputFloats(*stages.back());
        const std::vector<float> input =
            NormalFloats(batch * chain.channels * chain.height * chain.width, 22);
        const std::vector<float> added = NormalFloats(batch * floats, 23);
        const float* residual = chain.has_residual ? added.data() : nullptr;
        std::vector<float> expected = input;
        for (const auto& stage : stages) {
          expected = Compute(*stage, batch, expected, stage == stages.back() ? residual : nullptr,
                             OutputFloats(*stage));
        }
        for (const std::int64_t strip_floats : {1, 1000, 2500, 1 << 20}) {
          const StripOperation strip(MakeStages(chain), strip_floats);
          for (const int workers : {1, 2, 3, 8}) {
            EXPECT_TRUE(SameBits(Compute(strip, batch, input, residual, floats, workers), expected))
                << batch << " images, " << workers << " workers, " << strip_floats << " floats";
          }
        }
      }
    });
  }
}

TEST(StripOperation, SaysHowItsStagesKeepTheirWeights) {
  const auto kernel = [](const Chain& chain) {
    StripOperation strip(MakeStages(chain));
    EXPECT_EQ(strip.Kernel(), "");
    strip.NoteStages();
    return strip.Kernel();
  };
  EXPECT_EQ(kernel(*std::find_if(std::begin(kChains), std::end(kChains),
                                 [](const Chain& c) { return c.name == "products in int8"; })),
            "1 x 1, one product, in int8 > 3 x 3, depthwise, weights in float: depthwise > "
            "1 x 1, one product, in int8");
}

TEST(StripOperation, TakesTheScratchThatItWasGiven) {
  const StripOperation small(MakeStages(kChains[0]), 1000);
  const StripOperation large(MakeStages(kChains[0]), 1 << 20);
  EXPECT_LE(small.ScratchFloats(1), 1000 + MakeStages(kChains[0])[0]->ScratchFloats(1));
  EXPECT_GT(large.ScratchFloats(1), 13 * 9 * 2 * 20);
  EXPECT_EQ(small.NativeBytes(), large.NativeBytes());
  EXPECT_EQ(small.work(), 13 * 9 * (7 * 20 + 2 * 9 * 20 + 20 * 7));
}

}  // namespace
}  // namespace espalier
