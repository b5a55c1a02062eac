// SPDX-License-Identifier: Apache-2.0

// A wide group with few labels against whole products, bit for bit, and against float64.

#include "training/head_group_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/builder.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reductions/reduction.h"
#include "losses/loss.h"
#include "testing/cpu_targets.h"
#include "testing/loss_reference.h"
#include "testing/loss_sample.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::kNaN;
using testing::LabelNames;
using testing::RelativeNorm;

constexpr std::int64_t kBatch = 37;
constexpr std::int64_t kFeatures = 45;
constexpr std::int64_t kWidths[] = {150, 3, 20};  // labels, classes, values
constexpr std::int64_t kWidth = 173;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

Network WideNetwork() {
  NetworkBuilder builder(Shape::Vector(6));
  TaskSpec signs = LabelsTask(LabelNames(kWidths[0]));
  signs.positive_weights.assign(Index(kWidths[0]), 2.5);
  TaskSpec sizes = ValuesTask(LabelNames(kWidths[2]));
  sizes.loss = LossKind::kHuber;
  sizes.normalization = LossNormalization::kPerLabel;
  builder.Dense("features", kFeatures)
      .Head("signs", signs)
      .Head("kind", ClassesTask(kWidths[1]))
      .Head("sizes", sizes);
  return builder.Build(3);
}

std::vector<float> RandomFloats(std::int64_t count, std::uint32_t stream) {
  Random random({.seed = 9, .index = stream});
  std::vector<float> values(Index(count));
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

// Targets of which about a share is labelled; `least` entries at the beginning always are.
struct Answers {
  Answers(double share, std::int64_t least) {
    Random random({.seed = 4, .index = static_cast<std::uint32_t>(1000 * share)});
    for (const std::int64_t width : {kWidths[0], kWidths[2]}) {
      std::vector<float>& values = width == kWidths[0] ? signs : sizes;
      for (std::int64_t i = 0; i < kBatch * width; ++i) {
        const auto value = static_cast<float>(random.NextBelow(2));
        const bool is_labelled = random.NextUniform() < share || i < least;
        values.push_back(is_labelled ? value : kNaN);
      }
    }
    for (std::int64_t i = 0; i < kBatch; ++i) {
      kind.push_back(random.NextUniform() < share ? static_cast<std::int32_t>(i % 3) : -1);
    }
  }
  std::vector<TaskTargets> targets() const {
    return {{.values = signs}, {.classes = kind}, {.values = sizes}};
  }
  std::vector<float> signs;
  std::vector<std::int32_t> kind;
  std::vector<float> sizes;
};

struct Results {
  std::vector<TaskLoss> tasks = std::vector<TaskLoss>(3);
  std::vector<std::uint8_t> active = std::vector<std::uint8_t>(Index(kWidth), 7);
  std::vector<float> grad_weights = std::vector<float>(Index(kWidth * kFeatures));
  std::vector<float> grad_biases = std::vector<float>(Index(kWidth));
  std::vector<float> grad_input = std::vector<float>(Index(kBatch * kFeatures), kNaN);
};

class GroupUnderTest {
 public:
  GroupUnderTest()
      : network_(WideNetwork()),
        plan_(CompileTrainingPlan(*network_.state(), kBatch)),
        updates_(*network_.state(), plan_, {.optimizer = Sgd{}}),
        input_(RandomFloats(kBatch * kFeatures, 5)) {
    std::vector<float> biases = RandomFloats(kWidth, 6);
    std::copy(biases.begin(), biases.end(),
              network_.state()->parameter_floats.data() + group().first_bias);
  }

  const HeadGroup& group() const { return plan_.groups[0].group; }
  float* weights() { return network_.state()->parameter_floats.data() + group().first_weight; }
  const float* biases() { return network_.state()->parameter_floats.data() + group().first_bias; }
  const TaskSpec& task(std::size_t head) { return network_.state()->heads[head].task; }
  const std::vector<float>& input() const { return input_; }

  // What the shipped code makes of it; logits and gradients start as NaN.
  Results Run(const Answers& answers, int workers) {
    Results results;
    std::vector<float> logits(Index(kBatch * kWidth), kNaN);
    std::vector<float> grad_logits(logits.size(), kNaN);
    HeadGroupRun run(*network_.state(), plan_.groups[0], kBatch,
                     {.input = input_.data(),
                      .logits = logits.data(),
                      .grad_logits = grad_logits.data(),
                      .grad_input = results.grad_input.data()},
                     updates_);
    Workspace workspace(workers, run.ScratchFloats());
    const std::vector<TaskTargets> targets = answers.targets();
    run.Forward(kBatch, targets, workspace);
    run.ComputeLosses(kBatch, targets, results.tasks, results.active);
    run.Backward(kBatch, workspace);
    was_listed_ = std::isnan(logits.back());  // dense logits fill the buffer
    std::copy_n(Gradient(0), results.grad_weights.size(), results.grad_weights.begin());
    std::copy_n(Gradient(1), results.grad_biases.size(), results.grad_biases.begin());
    return results;
  }
  bool was_listed() const { return was_listed_; }

  // The same from whole products.
  Results RunWhole(const Answers& answers) {
    Results results;
    std::vector<float> logits(Index(kBatch * kWidth));
    std::vector<float> grad_logits(logits.size());
    Workspace workspace(1, 1 << 20);
    const MatrixRef weights_ref = MatrixRef::RowMajor(weights(), kWidth, kFeatures);
    const MatrixRef input_ref = MatrixRef::RowMajor(input_.data(), kBatch, kFeatures);
    ParallelMatmul(input_ref, weights_ref.Transposed(), logits.data(), kWidth,
                   {.column_bias = biases()}, workspace);
    const std::vector<TaskTargets> targets = answers.targets();
    std::int64_t column = 0;
    for (std::size_t head = 0; head < 3; ++head) {
      const LossResult result = ComputeLoss(
          task(head), targets[head],
          {.batch = kBatch,
           .width = kWidths[head],
           .logits = logits.data() + column,
           .stride = kWidth,
           .grad_logits = grad_logits.data() + column,
           .active = std::span(results.active).subspan(Index(column), Index(kWidths[head]))});
      results.tasks[head] = {result.loss, result.labelled};
      column += kWidths[head];
    }
    const MatrixRef grads = MatrixRef::RowMajor(grad_logits.data(), kBatch, kWidth);
    ParallelMatmul(grads.Transposed(), input_ref, results.grad_weights.data(), kFeatures, {},
                   workspace);
    ColumnSums(grad_logits.data(), kBatch, kWidth, kWidth, results.grad_biases.data());
    ParallelMatmul(grads, weights_ref, results.grad_input.data(), kFeatures, {}, workspace);
    return results;
  }

 private:
  // Of all three heads, which are neighbours.
  const float* Gradient(std::size_t parameter) {
    const GraphHead& head = network_.state()->heads[0];
    return updates_.Gradient(network_.state()->layers[Index(head.output)].parameters[parameter]);
  }

  Network network_;
  TrainingPlan plan_;
  ParameterUpdates updates_;
  std::vector<float> input_;
  bool was_listed_ = false;
};

void ExpectSame(const Results& got, const Results& expected) {
  for (std::size_t head = 0; head < 3; ++head) {
    EXPECT_EQ(got.tasks[head].loss, expected.tasks[head].loss);
    EXPECT_EQ(got.tasks[head].labelled, expected.tasks[head].labelled);
  }
  EXPECT_EQ(got.active, expected.active);
  EXPECT_TRUE(testing::SameBits(got.grad_weights, expected.grad_weights));
  EXPECT_TRUE(testing::SameBits(got.grad_biases, expected.grad_biases));
  EXPECT_TRUE(testing::SameBits(got.grad_input, expected.grad_input));
}

TEST(HeadGroupRun, FewLabelsGiveTheBitsOfWholeProducts) {
  testing::ForEachCpuTarget([] {
    GroupUnderTest group;
    for (const double share : {0.0, 0.01, 0.03, 0.1, 0.2, 0.24, 0.3, 1.0}) {
      SCOPED_TRACE("share " + std::to_string(share));
      const Answers answers(share, share == 0.0 ? 0 : 1);
      const Results expected = group.RunWhole(answers);
      for (const int workers : {1, 2, 3}) {
        const Results results = group.Run(answers, workers);
        EXPECT_EQ(group.was_listed(), share < 0.25);
        ExpectSame(results, expected);
      }
    }
  });
}

TEST(HeadGroupRun, OneLabelledEntryReachesItsColumnAlone) {
  GroupUnderTest group;
  const Answers answers(0.0, 1);
  const Results results = group.Run(answers, 1);
  ASSERT_TRUE(group.was_listed());
  ExpectSame(results, group.RunWhole(answers));
  EXPECT_EQ(results.tasks[0].labelled, 1);
  EXPECT_EQ(results.tasks[1].labelled, 0);
  for (std::int64_t j = 0; j < kWidth; ++j) {
    const bool is_reached = j == 0 || j == kWidths[0] + kWidths[1];  // one sign, one size
    EXPECT_EQ(results.active[Index(j)], is_reached ? 1 : 0);
    for (std::int64_t k = 0; k < kFeatures; ++k) {
      EXPECT_EQ(results.grad_weights[Index(j * kFeatures + k)] != 0.0f, is_reached);
    }
  }
}

TEST(HeadGroupRun, ReadsNoWeightOfUnlabelledColumns) {
  GroupUnderTest group;
  const Answers answers(0.005, 1);
  const Results expected = group.Run(answers, 1);
  ASSERT_TRUE(group.was_listed());
  int unread = 0;
  for (std::int64_t j = 0; j < kWidth; ++j) {
    if (expected.active[Index(j)] != 0) continue;
    std::fill_n(group.weights() + j * kFeatures, kFeatures, kNaN);
    ++unread;
  }
  EXPECT_GT(unread, 20);
  ExpectSame(group.Run(answers, 1), expected);
}

TEST(HeadGroupRun, FewLabelsAgreeWithFloat64) {
  GroupUnderTest group;
  const Answers answers(0.1, 1);
  const Results results = group.Run(answers, 1);
  ASSERT_TRUE(group.was_listed());
  std::vector<double> grad_weights(Index(kWidth * kFeatures), 0.0);
  std::vector<double> grad_biases(Index(kWidth), 0.0);
  std::vector<double> grad_input(Index(kBatch * kFeatures), 0.0);
  const std::vector<TaskTargets> targets = answers.targets();
  std::int64_t first = 0;
  for (std::size_t head = 0; head < 3; ++head) {
    const std::int64_t width = kWidths[head];
    std::vector<double> logits;
    for (std::int64_t i = 0; i < kBatch; ++i) {
      for (std::int64_t j = first; j < first + width; ++j) {
        double sum = group.biases()[j];
        for (std::int64_t k = 0; k < kFeatures; ++k) {
          sum += static_cast<double>(group.input()[Index(i * kFeatures + k)]) *
                 static_cast<double>(group.weights()[j * kFeatures + k]);
        }
        logits.push_back(sum);
      }
    }
    const testing::ReferenceLoss reference =
        testing::ComputeReferenceLoss(group.task(head), targets[head], Index(kBatch), logits);
    EXPECT_NEAR(results.tasks[head].loss, reference.loss, 1e-5 * std::abs(reference.loss));
    for (std::int64_t i = 0; i < kBatch; ++i) {
      for (std::int64_t j = 0; j < width; ++j) {
        const double grad = reference.gradient[Index(i * width + j)];
        grad_biases[Index(first + j)] += grad;
        for (std::int64_t k = 0; k < kFeatures; ++k) {
          grad_weights[Index((first + j) * kFeatures + k)] +=
              grad * static_cast<double>(group.input()[Index(i * kFeatures + k)]);
          grad_input[Index(i * kFeatures + k)] +=
              grad * static_cast<double>(group.weights()[(first + j) * kFeatures + k]);
        }
      }
    }
    first += width;
  }
  EXPECT_LE(RelativeNorm(results.grad_weights, grad_weights), testing::kGradientRelativeNorm);
  EXPECT_LE(RelativeNorm(results.grad_biases, grad_biases), testing::kGradientRelativeNorm);
  EXPECT_LE(RelativeNorm(results.grad_input, grad_input), testing::kGradientRelativeNorm);
}

}  // namespace
}  // namespace espalier
