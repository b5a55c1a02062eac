// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "losses/loss.h"
#include "testing/cpu_targets.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TaskSpec Task(TaskKind kind, std::vector<std::string> labels) {
  TaskSpec task;
  task.kind = kind;
  task.labels = std::move(labels);
  return task;
}

std::string Refusal(ErrorCode code, const TaskSpec& task, std::int64_t batch,
                    const TaskTargets& targets) {
  return MessageOf(code, [&] { CheckTargets("weather", task, batch, targets); });
}

TEST(CheckTargets, AcceptsWhatIsLegal) {
  const TaskSpec labels = Task(TaskKind::kLabels, {"rain", "wind", "snow"});
  const std::vector<float> values{0.0f, 1.0f, kNaN, 0.25f, -0.0f, kNaN};
  CheckTargets("weather", labels, 2, {.values = values});
  CheckTargets("weather", labels, 2, {});
  const std::vector<float> wild{kInfinity, kNaN, 7.0f, 1.0f, -kInfinity, -1.0f};
  const std::vector<std::uint8_t> mask{0, 0, 0, 255, 0, 0};
  CheckTargets("weather", labels, 2, {.values = wild, .mask = mask});

  const TaskSpec classes = Task(TaskKind::kClasses, {"a", "b"});
  const std::vector<std::int32_t> known{0, 1, -1};
  CheckTargets("weather", classes, 3, {.classes = known});
  const std::vector<std::int32_t> hidden{99, -5, 1};
  const std::vector<std::uint8_t> class_mask{0, 0, 1};
  CheckTargets("weather", classes, 3, {.classes = hidden, .mask = class_mask});

  const TaskSpec regression = Task(TaskKind::kValues, {"t", "p"});
  const std::vector<float> numbers{-1e30f, kNaN, 3e38f, 0.0f};
  CheckTargets("weather", regression, 2, {.values = numbers});
}

TEST(CheckTargets, NamesTaskRowAndLabelAtEveryPlace) {
  testing::ForEachCpuTarget([] {
    const TaskSpec task = Task(TaskKind::kLabels, {"rain", "wind", "snow"});
    for (std::size_t at = 0; at < 3 * 23; ++at) {
      for (const float bad : {-0.001f, 1.001f, kInfinity, -kInfinity}) {
        std::vector<float> values(3 * 23, 1.0f);
        values[at] = bad;
        const std::string message =
            Refusal(ErrorCode::kInvalidArgument, task, 23, {.values = values});
        EXPECT_NE(message.find("task weather, row " + std::to_string(at / 3) + ", label " +
                               task.labels[at % 3] + ":"),
                  std::string::npos)
            << message;
      }
    }
  });
}

TEST(CheckTargets, NonFiniteUnderMaskOneIsAnError) {
  const TaskSpec labels = Task(TaskKind::kLabels, {"rain"});
  const TaskSpec regression = Task(TaskKind::kValues, {"t"});
  const std::vector<std::uint8_t> mask{0, 1};
  for (const float bad : {kNaN, kInfinity, -kInfinity}) {
    const std::vector<float> values{kNaN, bad};
    for (const TaskSpec& task : {labels, regression}) {
      const std::string message =
          Refusal(ErrorCode::kInvalidArgument, task, 2, {.values = values, .mask = mask});
      EXPECT_NE(message.find("row 1, label " + task.labels[0]), std::string::npos) << message;
    }
  }
}

TEST(CheckTargets, RefusesClassesOutOfRange) {
  const TaskSpec task = Task(TaskKind::kClasses, {"a", "b"});
  for (const std::int32_t bad : {2, -2, std::numeric_limits<std::int32_t>::min()}) {
    const std::vector<std::int32_t> classes{0, bad};
    const std::string message = Refusal(ErrorCode::kInvalidArgument, task, 2, {.classes = classes});
    EXPECT_NE(message.find("task weather, row 1"), std::string::npos) << message;
    EXPECT_NE(message.find("from 0 to 1"), std::string::npos) << message;
  }
  const std::vector<std::int32_t> unlabelled{0, -1};
  const std::vector<std::uint8_t> mask{1, 1};
  Refusal(ErrorCode::kInvalidArgument, task, 2, {.classes = unlabelled, .mask = mask});
}

TEST(CheckTargets, RefusesWrongSizesAndKinds) {
  const TaskSpec labels = Task(TaskKind::kLabels, {"rain", "wind"});
  const TaskSpec classes = Task(TaskKind::kClasses, {"a", "b"});
  const std::vector<float> three(3, 1.0f);
  const std::vector<float> four(4, 1.0f);
  const std::vector<std::int32_t> two(2, 1);
  const std::vector<std::uint8_t> short_mask(3, 1);
  const std::string message = Refusal(ErrorCode::kShapeMismatch, labels, 2, {.values = three});
  EXPECT_NE(message.find("expected 4 value targets, got 3"), std::string::npos) << message;
  Refusal(ErrorCode::kShapeMismatch, labels, 2, {.values = four, .mask = short_mask});
  Refusal(ErrorCode::kShapeMismatch, labels, 2, {.classes = two});
  Refusal(ErrorCode::kShapeMismatch, labels, 2, {.mask = short_mask});
  Refusal(ErrorCode::kShapeMismatch, classes, 2, {.values = four});
  Refusal(ErrorCode::kShapeMismatch, classes, 3, {.classes = two});
  Refusal(ErrorCode::kShapeMismatch, classes, 2, {.classes = two, .mask = short_mask});
}

}  // namespace
}  // namespace espalier
