// SPDX-License-Identifier: Apache-2.0
#include "network/task_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "espalier/builder.h"
#include "espalier/error.h"

namespace espalier {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

void ExpectRefused(TaskSpec task, const std::function<void(TaskSpec&)>& change,
                   const std::string& part) {
  EXPECT_NO_THROW(CheckTask("h", task));
  change(task);
  try {
    CheckTask("h", task);
    ADD_FAILURE() << "expected a refusal with " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("'h'"), std::string::npos) << error.what();
  }
}

TEST(TaskCheck, Labels) {
  const TaskSpec task = LabelsTask({"a", "b"});
  ExpectRefused(task, [](TaskSpec& t) { t.labels.clear(); }, "expected 1 to");
  ExpectRefused(task, [](TaskSpec& t) { t.labels.resize((1 << 20) + 1); }, "expected 1 to");
  ExpectRefused(task, [](TaskSpec& t) { t.labels[1] = "a"; }, "'a' is named twice");
  ExpectRefused(task, [](TaskSpec& t) { t.labels[1] = ""; }, "label 1");
}

TEST(TaskCheck, LossFitsKind) {
  ExpectRefused(
      LabelsTask({"a"}), [](TaskSpec& t) { t.loss = LossKind::kSoftmax; }, "logistic or focal");
  ExpectRefused(
      ClassesTask({"a"}), [](TaskSpec& t) { t.loss = LossKind::kLogistic; }, "is softmax");
  ExpectRefused(
      ValuesTask({"a"}), [](TaskSpec& t) { t.loss = LossKind::kFocal; }, "squared or huber");
}

TEST(TaskCheck, Weights) {
  const TaskSpec task = LabelsTask({"a", "b"});
  ExpectRefused(task, [](TaskSpec& t) { t.positive_weights = {1.0}; }, "expected 2");
  ExpectRefused(task, [](TaskSpec& t) { t.positive_weights = {1.0, -1.0}; }, "label 'b'");
  ExpectRefused(task, [](TaskSpec& t) { t.positive_weights = {kNaN, 1.0}; }, "label 'a'");
  ExpectRefused(task, [](TaskSpec& t) { t.class_weights = {1.0, 1.0}; }, "for a classes task");
  ExpectRefused(
      ClassesTask(3), [](TaskSpec& t) { t.class_weights = {1.0, 1.0, kInfinity}; }, "label '2'");
}

TEST(TaskCheck, Thresholds) {
  const TaskSpec task = LabelsTask({"a", "b"});
  ExpectRefused(task, [](TaskSpec& t) { t.thresholds = {0.5}; }, "expected 2 thresholds");
  ExpectRefused(
      task, [](TaskSpec& t) { t.thresholds = {0.5, 1.1}; },
      "expected thresholds of 0 to 1, got 1.1");
  ExpectRefused(
      task, [](TaskSpec& t) { t.thresholds = {-0.1, 1.0}; }, "of 0 to 1, got -0.1 for label 'a'");
  ExpectRefused(
      task, [](TaskSpec& t) { t.thresholds = {0.5, kNaN}; }, "of 0 to 1, got nan for label 'b'");
  ExpectRefused(
      ClassesTask(2), [](TaskSpec& t) { t.thresholds = {0.5, 0.5}; }, "for a labels task");
}

TEST(TaskCheck, Settings) {
  const TaskSpec task = LabelsTask({"a"});
  ExpectRefused(task, [](TaskSpec& t) { t.weight = -0.5; }, "weight");
  ExpectRefused(task, [](TaskSpec& t) { t.weight = kNaN; }, "weight");
  ExpectRefused(task, [](TaskSpec& t) { t.label_smoothing = 1.0; }, "label smoothing");
  ExpectRefused(task, [](TaskSpec& t) { t.label_smoothing = kNaN; }, "label smoothing");
  ExpectRefused(ValuesTask({"a"}), [](TaskSpec& t) { t.label_smoothing = 0.1; }, "values task");
  ExpectRefused(task, [](TaskSpec& t) { t.focal_gamma = -1.0; }, "focal gamma");
  ExpectRefused(task, [](TaskSpec& t) { t.focal_alpha = 1.5; }, "focal alpha");
  ExpectRefused(task, [](TaskSpec& t) { t.huber_delta = 0.0; }, "huber delta");
}

}  // namespace
}  // namespace espalier
