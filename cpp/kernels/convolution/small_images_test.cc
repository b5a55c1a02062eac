// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/small_images.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;

// 2 x 2 images of 192 channels, 320 outputs: 128 of them are a piece of a batch.
constexpr ConvolutionGeometry kSmall = {.channels = 192,
                                        .height = 2,
                                        .width = 2,
                                        .output_channels = 320,
                                        .output_height = 2,
                                        .output_width = 2,
                                        .kernel_height = 3,
                                        .kernel_width = 3,
                                        .stride_height = 1,
                                        .stride_width = 1,
                                        .dilation_height = 1,
                                        .dilation_width = 1,
                                        .pad_top = 1,
                                        .pad_left = 1,
                                        .groups = 1};
constexpr std::int64_t kInput = 4 * 192;
constexpr std::int64_t kOutput = 4 * 320;
constexpr std::int64_t kWeights = 320 * 192 * 9;
constexpr std::int64_t kBatch = 130;

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Step {
  Step(std::int64_t batch, int workers, std::span<const float> input, std::span<const float> grad,
       std::span<const float> weights)
      : output(At(batch * kOutput)), grad_input(At(batch * kInput)), grad_weights(At(kWeights)) {
    GuardedFloats buffer(At(SmallImagesFloats(kSmall, batch)));
    Workspace workspace(workers, SmallImagesScratchFloats(kSmall));
    SmallImagesForward(kSmall, batch, input.data(), weights.data(),
                       {.activation = Activation::kRelu}, output.data(), buffer.data(), workspace);
    SmallImagesBackwardInput(kSmall, batch, grad.data(), weights.data(), grad_input.data(),
                             buffer.data(), workspace);
    SmallImagesBackwardWeights(kSmall, batch, input.data(), grad.data(), grad_weights.data(),
                               buffer.data(), workspace);
  }
  GuardedFloats output, grad_input, grad_weights;
};

class SmallImages : public ::testing::Test {
 protected:
  SmallImages() : input_(At(kBatch * kInput)), grad_(At(kBatch * kOutput)), weights_(At(kWeights)) {
    Random random({.seed = 3, .purpose = RandomPurpose::kTest});
    for (std::vector<float>* values : {&input_, &grad_, &weights_}) {
      for (float& value : *values) value = static_cast<float>(random.NextNormal());
    }
  }
  Step Run(std::int64_t first, std::int64_t batch, int workers) const {
    return Step(batch, workers, std::span(input_).subspan(At(first * kInput)),
                std::span(grad_).subspan(At(first * kOutput)), weights_);
  }
  std::vector<float> input_, grad_, weights_;
};

TEST_F(SmallImages, BitsDependOnNeitherBatchNorWorkers) {
  ASSERT_TRUE(HasSmallImages(kSmall));
  testing::ForEachCpuTarget([&] {
    Step all = Run(0, kBatch, 1);
    Step shared = Run(0, kBatch, 3);
    EXPECT_TRUE(testing::SameBits(shared.output.span(), all.output.span()));
    EXPECT_TRUE(testing::SameBits(shared.grad_input.span(), all.grad_input.span()));
    EXPECT_TRUE(testing::SameBits(shared.grad_weights.span(), all.grad_weights.span()));
    for (const std::int64_t i : {std::int64_t{0}, std::int64_t{77}, kBatch - 1}) {
      Step one = Run(i, 1, 1);
      EXPECT_TRUE(testing::SameBits(one.output.span(),
                                    all.output.span().subspan(At(i * kOutput), At(kOutput))));
      EXPECT_TRUE(testing::SameBits(one.grad_input.span(),
                                    all.grad_input.span().subspan(At(i * kInput), At(kInput))));
    }
  });
}

// Whose products are compared with the definition: conv2d_test.cc, convolution_test.cc.
TEST_F(SmallImages, AreAsConvolutionsThatPackTheirWeights) {
  testing::ForEachCpuTarget([&] {
    Step step = Run(0, kBatch, 1);
    Workspace workspace(1, Conv2dScratchFloats(kSmall));
    std::vector<float> packed(At(Conv2dPackedFloats(kSmall)));
    std::vector<float> output(step.output.size()), grad_weights(At(kWeights));
    std::vector<float> buffer(At(Conv2dBackwardWeightsFloats(kSmall, kBatch)));
    Conv2dPackWeights(kSmall, weights_.data(), packed.data(), workspace);
    Conv2dForward(kSmall, kBatch, input_.data(), packed.data(), {.activation = Activation::kRelu},
                  output.data(), workspace);
    Conv2dBackwardWeights(kSmall, kBatch, input_.data(), grad_.data(), grad_weights.data(), nullptr,
                          buffer.data(), workspace);
    EXPECT_LE(testing::RelativeNorm(step.output.span(), output), 2e-6);
    EXPECT_LE(testing::RelativeNorm(step.grad_weights.span(), grad_weights), 2e-6);
  });
}

TEST_F(SmallImages, AnEmptyBatchHasNoGradient) {
  Step step = Run(0, 0, 1);
  for (const float gradient : step.grad_weights.span()) ASSERT_EQ(gradient, 0.0f);
}

}  // namespace
}  // namespace espalier
