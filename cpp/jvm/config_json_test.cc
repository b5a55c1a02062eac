// SPDX-License-Identifier: Apache-2.0
#include "jvm/config_json.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "espalier/error.h"

namespace espalier::jvm {
namespace {

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
    return error.what();
  }
  return "accepted";
}

void ExpectTrainerError(const std::string& json, const std::string& expected) {
  const std::string error = ErrorOf([&] { TrainerConfigFromJson(json); });
  EXPECT_NE(error.find(expected), std::string::npos) << json << "\n" << error;
}

TEST(ConfigJson, EmptyObjectsGiveTheDefaults) {
  const TrainerConfig config = TrainerConfigFromJson("{}");
  const TrainerConfig expected;
  EXPECT_EQ(config.max_batch_size, expected.max_batch_size);
  EXPECT_EQ(config.seed, expected.seed);
  EXPECT_EQ(std::get<AdamW>(config.optimizer).weight_decay, AdamW{}.weight_decay);
  EXPECT_EQ(config.schedule.kind, ScheduleKind::kConstant);
  EXPECT_FALSE(config.clip_norm);
  EXPECT_EQ(PredictorConfigFromJson("{}").max_batch_size, PredictorConfig{}.max_batch_size);
  EXPECT_TRUE(TransferSpecFromJson("{}").heads.empty());
}

TEST(ConfigJson, ReadsEveryFieldOfATrainer) {
  const TrainerConfig config = TrainerConfigFromJson(R"({
    "optimizer": {"kind": "sgd", "learning_rate": 0.5, "momentum": 0.9, "nesterov": true,
                  "weight_decay": 1e-4},
    "schedule": {"kind": "one_cycle", "total_steps": 100, "step_size": 3, "decay": 0.25,
                 "final_factor": 4e-6, "initial_factor": 0.1, "peak_fraction": 0.5,
                 "warmup_steps": 7},
    "max_batch_size": 128, "seed": -1, "clip_value": 1, "clip_norm": 0.5,
    "decay_biases_and_norms": true, "layer_decay": 0.75, "start_decay": 0.125,
    "average_decay": 0.9375})");
  const Sgd& sgd = std::get<Sgd>(config.optimizer);
  EXPECT_EQ(sgd.learning_rate, 0.5);
  EXPECT_EQ(sgd.momentum, 0.9);
  EXPECT_TRUE(sgd.nesterov);
  EXPECT_EQ(sgd.weight_decay, 1e-4);
  EXPECT_EQ(config.schedule.kind, ScheduleKind::kOneCycle);
  EXPECT_EQ(config.schedule.total_steps, 100);
  EXPECT_EQ(config.schedule.step_size, 3);
  EXPECT_EQ(config.schedule.decay, 0.25);
  EXPECT_EQ(config.schedule.final_factor, 4e-6);
  EXPECT_EQ(config.schedule.initial_factor, 0.1);
  EXPECT_EQ(config.schedule.peak_fraction, 0.5);
  EXPECT_EQ(config.schedule.warmup_steps, 7);
  EXPECT_EQ(config.max_batch_size, 128);
  EXPECT_EQ(config.seed, ~std::uint64_t{0});
  EXPECT_EQ(config.clip_value, 1.0);
  EXPECT_EQ(config.clip_norm, 0.5);
  EXPECT_TRUE(config.decay_biases_and_norms);
  EXPECT_EQ(config.layer_decay, 0.75);
  EXPECT_EQ(config.start_decay, 0.125);
  EXPECT_EQ(config.average_decay, 0.9375);
}

TEST(ConfigJson, ReadsTheOtherOptimizers) {
  const auto optimizer = [](const std::string& json) {
    return TrainerConfigFromJson("{\"optimizer\":" + json + "}").optimizer;
  };
  EXPECT_EQ(std::get<Adam>(optimizer(R"({"kind":"adam","beta1":0.5})")).beta1, 0.5);
  EXPECT_EQ(std::get<AdamW>(optimizer(R"({"kind":"adamw","epsilon":1e-6})")).epsilon, 1e-6);
  EXPECT_EQ(std::get<RmsProp>(optimizer(R"({"kind":"rmsprop","alpha":0.5})")).alpha, 0.5);
}

TEST(ConfigJson, ReadsATransfer) {
  const TransferSpec spec = TransferSpecFromJson(R"({
    "drop_heads": ["a"], "drop_from": ["features"],
    "freeze": [{"pattern": "conv*", "through": true},
               {"pattern": "norm?", "adapt_statistics": true}],
    "unfreeze": [{"pattern": "conv2"}], "learning_rates": [{"pattern": "*", "scale": 0.1}],
    "heads": [{"name": "b", "task": {"kind": "values", "labels": ["größe"]}}]})");
  EXPECT_EQ(spec.drop_heads, std::vector<std::string>{"a"});
  EXPECT_EQ(spec.drop_from, std::vector<std::string>{"features"});
  EXPECT_TRUE(spec.freeze[0].through);
  EXPECT_FALSE(spec.unfreeze[0].through);
  EXPECT_FALSE(spec.freeze[0].adapt_statistics);
  EXPECT_EQ(spec.freeze[1].pattern, "norm?");
  EXPECT_TRUE(spec.freeze[1].adapt_statistics);
  EXPECT_EQ(spec.learning_rates[0].scale, 0.1);
  EXPECT_EQ(spec.heads[0].task.loss, LossKind::kSquared) << "the usual one for values";
  EXPECT_EQ(spec.heads[0].task.labels[0], "größe");
}

TEST(ConfigJson, RefusesWhatItDoesNotKnow) {
  ExpectTrainerError(R"({"optimiser":{}})", "trainer: unknown field 'optimiser'; known are opt");
  ExpectTrainerError(R"({"optimizer":{"kind":"sgd","beta1":0.5}})",
                     "trainer.optimizer: unknown field 'beta1'");
  ExpectTrainerError(R"({"optimizer":{"kind":"none"}})",
                     "trainer.optimizer.kind: expected one of sgd, adam, ");
  ExpectTrainerError(R"({"schedule":{"kind":"linear"}})", "expected one of constant, step");
  ExpectTrainerError(R"({"optimizer":{}})", "trainer.optimizer: expected the field 'kind'");
}

TEST(ConfigJson, RefusesWrongTypesAndNumbersInDisguise) {
  ExpectTrainerError(R"({"max_batch_size":1.0})", "expected an integer, got the real number 1");
  ExpectTrainerError(R"({"max_batch_size":1e3})", "expected an integer");
  ExpectTrainerError(R"({"max_batch_size":-0})", "got -0");
  ExpectTrainerError(R"({"max_batch_size":"32"})", "expected an integer, got \"32\"");
  ExpectTrainerError(R"({"max_batch_size":9223372036854775808})", "at most 2^63 - 1");
  ExpectTrainerError(R"({"max_batch_size":123456789012345678901234567890})", "of 64 bits");
  ExpectTrainerError(R"({"layer_decay":"0.5"})", "expected a number");
  ExpectTrainerError(R"({"layer_decay":1e999})", "not JSON");
  ExpectTrainerError(R"({"layer_decay":NaN})", "not JSON");
  ExpectTrainerError(R"({"decay_biases_and_norms":1})", "expected true or false, got 1");
  ExpectTrainerError(R"({"optimizer":[]})", "trainer.optimizer: expected an object, got an array");
  ExpectTrainerError(R"({"seed":null})", "trainer.seed: expected an integer, got null");
}

TEST(ConfigJson, RefusesTextsThatAreNotOneObject) {
  ExpectTrainerError("", "begins with an object");
  ExpectTrainerError(" {}", "begins with an object");
  ExpectTrainerError("\xEF\xBB\xBF{}", "begins with an object");
  ExpectTrainerError("[]", "trainer: expected an object, got an array");
  ExpectTrainerError("{}{}", "not JSON");
  ExpectTrainerError("{\"seed\":1,\"seed\":2}", "expected each key once, got 'seed' twice");
  ExpectTrainerError("{\"seed\":1,\"s\\u0065ed\":2}", "'seed' twice");
  ExpectTrainerError("{\"a\":" + std::string(100'000, '['), "at most 32 levels");
  ExpectTrainerError(std::string(100'000, '{'), "not JSON");
  ExpectTrainerError("{\"\xFF\":1}", "not JSON");
  ExpectTrainerError(std::string((16 << 20) + 1, '{'), "expected at most 16777216 bytes");
}

TEST(ConfigJson, LongTextsAreCutInMessages) {
  std::string name;
  for (int i = 0; i < 10'000; ++i) {
    name += "開";
  }
  const std::string error = ErrorOf([&] { TrainerConfigFromJson("{\"" + name + "\":1}"); });
  EXPECT_LT(error.size(), 500u);
  EXPECT_NE(error.find("開…'"), std::string::npos) << "whole characters: " << error;
}

TEST(ConfigJson, WritesMetricsWithNullForUndefined) {
  const TaskMetrics metrics = {
      .metrics = {{"macro_auc", "", std::numeric_limits<double>::quiet_NaN(), 0},
                  {"auc", "größe", 0.1, 5}},
      .counts = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}},
      .confusion = {1, 2, 3, 4}};
  EXPECT_EQ(MetricsToJson(metrics),
            R"({"metrics":[{"name":"macro_auc","label":"","value":null,"support":0},)"
            R"({"name":"auc","label":"größe","value":0.1,"support":5}],)"
            R"("counts":[[1,2,3,4,5],[6,7,8,9,10]],"confusion":[[1,2],[3,4]]})");
}

TEST(ConfigJson, RefusesToWriteTextThatIsNotUtf8) {
  EXPECT_NE(ErrorOf([] {
              MetricsToJson({.metrics = {{"\xFF", "", 0.0, 0}}});
            }).find("expected text in UTF-8"),
            std::string::npos);
}

}  // namespace
}  // namespace espalier::jvm
