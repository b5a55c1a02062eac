// SPDX-License-Identifier: Apache-2.0
#include "jvm/bridge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "espalier/error.h"
#include "jvm/handle_objects.h"

namespace espalier::jvm {
namespace {

constexpr const char* kSpec = R"({"input":[4],
  "layers":[{"kind":"dense","name":"features","attributes":{"units":5}},{"kind":"relu"}],
  "heads":[{"name":"trait","task":{"kind":"labels","labels":["a","b"]}},
           {"name":"digit","task":{"kind":"classes","labels":["0","1","2"]}}]})";

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class Bridge : public ::testing::Test {
 protected:
  Bridge() : handles_before_(liveHandles()), network_(networkBuild(kSpec, 1)) {}
  ~Bridge() override {
    closeHandle(network_);
    EXPECT_EQ(liveHandles(), handles_before_);
  }

  std::int64_t handles_before_;
  std::int64_t network_;
};

TEST_F(Bridge, EveryFunctionOfAClosedHandleIsInvalidState) {
  const std::int64_t network = networkClone(network_);
  const std::int64_t trainer = trainerCreate(network, "{}");
  const std::int64_t predictor = predictorCreate(network_, "{}");
  const std::int64_t features = featuresCreate(1, 1, "", "");
  const std::int64_t of_features = featurePredictorCreate(network_, true);
  for (const std::int64_t id : {network, trainer, predictor, features, of_features}) {
    closeHandle(id);
    closeHandle(id);
  }
  float values[16] = {};
  double results[16] = {};
  std::int64_t totals[16] = {1};
  const std::int64_t examples[] = {0};
  const std::int64_t targets[] = {0, 0};
  const std::int64_t memory = Address(values);
  const std::vector<std::function<void()>> calls = {
      [&] { handleBytes(network); },
      [&] { networkSpec(network); },
      [&] { networkDescribe(network); },
      [&] { networkParameters(network); },
      [&] { networkParameterSize(network, "features.bias"); },
      [&] { networkReadParameter(network, "features.bias", values, 5); },
      [&] { networkWriteParameter(network, "features.bias", values, 5); },
      [&] { networkFreeze(network, R"(["features"])", false, false); },
      [&] { networkUnfreeze(network, R"(["features"])", false); },
      [&] { networkSetLearningRateScale(network, "features", 1.0); },
      [&] { networkSetThresholds(network, "trait", results, 2); },
      [&] { networkSetAllThresholds(network, results, 5); },
      [&] { networkScaleLogits(network, results, results, 5); },
      [&] { networkSetMetadata(network, "key", "value"); },
      [&] { networkRemoveMetadata(network, "key"); },
      [&] { networkClone(network); },
      [&] { networkTransfer(network, "{}", 1); },
      [&] { networkExplainTransfer(network, "{}"); },
      [&] { networkSave(network, "none", false); },
      [&] { networkExportOnnx(network, "none", "{}"); },
      [&] { networkLoadWeights(network, "none", "{}"); },
      [&] { networkExportSafetensors(network, "none", "{}"); },
      [&] { modelWriterCreate(network, false); },
      [&] { modelWriterRead(network, nullptr, 0); },
      [&] { modelReaderWrite(network, nullptr, 0); },
      [&] { modelReaderFinish(network); },
      [&] { trainerCreate(network, "{}"); },
      [&] { trainerStep(trainer, 1, memory, targets, nullptr, results); },
      [&] { trainerHasFrozenPrefix(trainer); },
      [&] { trainerFeatureCount(trainer); },
      [&] { trainerReserveFeatures(trainer, 0, 1); },
      [&] { trainerCacheFeatures(trainer, 0, 0, 1, memory); },
      [&] { trainerStepCached(trainer, 0, 1, examples, targets, nullptr, results); },
      [&] { trainerBeginStep(trainer, 1, memory, targets, nullptr, memory); },
      [&] { trainerBeginStepCached(trainer, 0, 1, examples, targets, nullptr, memory); },
      [&] { trainerFinishStep(trainer, memory, results, results); },
      [&] { trainerTargetCount(trainer); },
      [&] { trainerGradientFloats(trainer); },
      [&] { trainerCountLabelled(trainer, 1, targets, nullptr, totals, 6); },
      [&] { trainerComputeGradients(trainer, totals, 6, 0, 1, memory, targets, nullptr, memory); },
      [&] { trainerApplyGradients(trainer, totals, 6, memory, results); },
      [&] { trainerEvaluate(trainer, 1, memory, memory); },
      [&] { trainerEvaluateCached(trainer, 0, 1, examples, memory); },
      [&] { trainerPrefixFingerprint(trainer); },
      [&] { trainerShareFeatures(trainer, 0, features); },
      [&] { trainerCacheExamples(trainer, 0, 1, examples, memory); },
      [&] { featuresMakeRoom(features, 1, examples); },
      [&] { featuresShare(features, features, 1, examples, examples); },
      [&] { featuresWrite(features, 1, examples, memory); },
      [&] { featuresRead(features, 0, values, 1); },
      [&] { featuresInFile(features); },
      [&] { networkFingerprint(network, "features"); },
      [&] { featurePredictorCreate(network, false); },
      [&] { featurePredictorHasFrozenPrefix(of_features); },
      [&] { featurePredictorFeatureCount(of_features); },
      [&] { featurePredictorFingerprint(of_features); },
      [&] { featurePredictorCache(of_features, features, 1, examples, memory); },
      [&] { featurePredictorPredict(of_features, features, 1, examples, memory); },
      [&] { trainerSaveBest(trainer); },
      [&] { trainerRestoreBest(trainer); },
      [&] { trainerSwapAverage(trainer); },
      [&] { trainerContinueFrom(trainer, trainer, 0); },
      [&] { trainerSaveCheckpoint(trainer, "", ""); },
      [&] { trainerLoadCheckpoint(trainer, ""); },
      [&] { trainerPrefixExamples(trainer); },
      [&] { trainerRelease(trainer); },
      [&] { taskLosses(network, 1, memory, targets, nullptr, results); },
      [&] { ownTaskLoss(network, "trait", 1, 1, 1.0); },
      [&] { predictorCreate(network, "{}"); },
      [&] { predictorPredict(predictor, 1, memory, memory); },
      [&] { predictorPredictPixels(predictor, 1, memory, memory); },
      [&] { predictorStatistics(predictor, nullptr); },
      [&] { predictorDescribe(predictor); },
      [&] { predictorForShape(predictor, "[3]"); },
      [&] { predictorLayerShapes(predictor); },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string error = ErrorOf(calls[i]);
    EXPECT_TRUE(error.starts_with("CLOSED: ") && error.ends_with(" is closed"))
        << i << ": " << error;
  }
}

TEST_F(Bridge, AHandleOfAnotherKindIsInvalidState) {
  const std::int64_t predictor = predictorCreate(network_, "{}");
  EXPECT_EQ(ErrorOf([&] { networkSpec(predictor); }),
            "INVALID_STATE: expected a network, got a predictor");
  EXPECT_EQ(ErrorOf([&] { predictorDescribe(network_); }),
            "INVALID_STATE: expected a predictor, got a network");
  EXPECT_EQ(ErrorOf([&] { trainerSaveBest(network_); }),
            "INVALID_STATE: expected a trainer, got a network");
  closeHandle(predictor);
}

TEST_F(Bridge, NullsAndWrongSizesAreErrors) {
  const std::int64_t predictor = predictorCreate(network_, "{}");
  const std::int64_t trainer = trainerCreate(network_, R"({"max_batch_size":4})");
  float values[64] = {};
  double results[16] = {};
  const std::int64_t targets[] = {0, 0};
  const std::int64_t memory = Address(values);
  const std::int64_t huge = std::int64_t{1} << 62;
  const auto invalid = [](const std::function<void()>& call) {
    const std::string error = ErrorOf(call);
    EXPECT_TRUE(error.starts_with("INVALID_ARGUMENT: ") || error.starts_with("SHAPE_MISMATCH: "))
        << error;
  };
  invalid([&] { networkBuild(nullptr, 1); });
  invalid([&] { networkLoad(nullptr, "{}"); });
  invalid([&] { networkSave(network_, nullptr, true); });
  invalid([&] { networkExportOnnx(network_, nullptr, "{}"); });
  invalid([&] { networkLoadWeights(network_, nullptr, "{}"); });
  invalid([&] { networkLoadWeights(network_, "none", R"({"known":"no such"})"); });
  invalid([&] { networkLoadWeights(network_, "none", R"({"rules":[{"parameter":"a"}]})"); });
  invalid([&] { networkExportSafetensors(network_, "none", nullptr); });
  invalid([&] { networkExportOnnx(network_, "none", nullptr); });
  invalid([&] { networkExportOnnx(network_, "none", R"({"heads":["no such"]})"); });
  invalid([&] { networkTransfer(network_, nullptr, 1); });
  invalid([&] { networkSetMetadata(network_, nullptr, "x"); });
  invalid([&] { networkSetMetadata(network_, "x", nullptr); });
  invalid([&] { networkSetMetadata(network_, "", "x"); });
  invalid([&] { networkRemoveMetadata(network_, nullptr); });
  invalid([&] { networkFreeze(network_, nullptr, false, false); });
  invalid([&] { networkParameterSize(network_, nullptr); });
  invalid([&] { networkParameterSize(network_, "no.such"); });
  invalid([&] { networkReadParameter(network_, "features.bias", nullptr, 5); });
  invalid([&] { networkReadParameter(network_, "features.bias", values, 4); });
  invalid([&] { networkReadParameter(network_, "features.bias", values, -1); });
  invalid([&] { networkWriteParameter(network_, "features.bias", values, 6); });
  invalid([&] { networkSetAllThresholds(network_, results, 1); });
  invalid([&] { networkScaleLogits(network_, results, nullptr, 5); });
  invalid([&] { trainerCreate(network_, nullptr); });
  invalid([&] { predictorCreate(network_, nullptr); });
  for (const std::int64_t batch : {std::int64_t{-1}, INT64_MIN, huge}) {
    invalid([&] { predictorPredict(predictor, batch, memory, memory); });
    invalid([&] { predictorPredictPixels(predictor, batch, memory, memory); });
    invalid([&] { trainerStep(trainer, batch, memory, targets, nullptr, results); });
    invalid([&] { trainerEvaluate(trainer, batch, memory, memory); });
    invalid([&] { trainerCacheFeatures(trainer, 0, 0, batch, memory); });
    invalid([&] { taskLosses(network_, batch, memory, targets, nullptr, results); });
    invalid([&] {
      taskMetrics("labels", "[\"a\",\"b\"]", nullptr, 0, true, batch, 2, memory, memory);
    });
  }
  invalid([&] { predictorPredict(predictor, 1, 0, memory); });
  invalid([&] { predictorPredict(predictor, 1, memory, 0); });
  invalid([&] { predictorStatistics(predictor, nullptr); });
  invalid([&] { predictorCreate(network_, R"({"heads":["no such"]})"); });
  invalid([&] { predictorCreate(network_, R"({"threads":1099511627776})"); });
  invalid([&] { predictorCreate(network_, R"({"weight_copies":-1099511627776})"); });
  invalid([&] { trainerStep(trainer, 1, 0, targets, nullptr, results); });
  invalid([&] { trainerStep(trainer, 1, memory, nullptr, nullptr, results); });
  invalid([&] { trainerStep(trainer, 1, memory, targets, nullptr, nullptr); });
  invalid([&] { ownTaskLoss(network_, "traits", 1, 1, 1.0); });
  invalid([&] { ownTaskLoss(network_, nullptr, 1, 1, 1.0); });
  invalid([&] { taskMetrics("tags", "[\"a\"]", nullptr, 0, true, 1, 1, memory, memory); });
  invalid([&] { taskMetrics(nullptr, nullptr, nullptr, 0, true, 1, 1, memory, memory); });
  invalid([&] { setOpenBlasPath(nullptr); });
  const std::int64_t features = featuresCreate(4, 40, "none", "");
  const std::int64_t examples[] = {0, 4};
  invalid([&] { featuresCreate(-1, 1, "", ""); });
  invalid([&] { featuresCreate(1, -1, "", ""); });
  invalid([&] { featuresCreate(huge, huge, "", ""); });
  invalid([&] { featuresCreate(1, 1, nullptr, ""); });
  invalid([&] { featuresCreate(1, 1, "", nullptr); });
  invalid([&] { featuresMakeRoom(features, 2, examples); });
  invalid([&] { featuresMakeRoom(features, 1, nullptr); });
  invalid([&] { featuresMakeRoom(features, -1, examples); });
  invalid([&] { featuresShare(features, features, 1, examples, examples); });
  invalid([&] { featuresShare(features, features, 1, nullptr, examples); });
  invalid([&] { featuresWrite(features, 1, examples, memory); });
  invalid([&] { featuresWrite(features, huge, examples, memory); });
  invalid([&] { featuresRead(features, 0, nullptr, 1); });
  invalid([&] { featuresRead(features, -1, nullptr, 0); });
  invalid([&] { networkFingerprint(network_, "nothing"); });
  invalid([&] { networkFingerprint(network_, nullptr); });
  closeHandle(trainer);
  networkFreeze(network_, R"(["features"])", true, false);
  const std::int64_t frozen = trainerCreate(network_, "{}");
  const std::int64_t of_features = featurePredictorCreate(network_, true);
  EXPECT_EQ(featurePredictorFingerprint(of_features), trainerPrefixFingerprint(frozen));
  const std::int64_t own = featuresCreate(4, featurePredictorFeatureCount(of_features),
                                          featurePredictorFingerprint(of_features).c_str(), "");
  invalid([&] { trainerShareFeatures(frozen, 0, features); });
  trainerShareFeatures(frozen, 0, own);
  invalid([&] { featurePredictorCache(of_features, features, 1, examples, memory); });
  invalid([&] { featurePredictorPredict(of_features, own, 1, examples, memory); });
  featuresMakeRoom(own, 1, examples);
  for (const std::int64_t batch : {std::int64_t{-1}, INT64_MIN, std::int64_t{2}, huge}) {
    invalid(
        [&] { trainerCacheExamples(frozen, 0, batch, batch == 2 ? examples : nullptr, memory); });
    invalid([&] {
      featurePredictorCache(of_features, own, batch, batch == 2 ? examples : nullptr, memory);
    });
    invalid([&] {
      featurePredictorPredict(of_features, own, batch, batch == 2 ? examples : nullptr, memory);
    });
  }
  invalid([&] { featurePredictorCache(of_features, own, 1, examples, 0); });
  for (const std::int64_t id : {features, own, of_features, frozen}) closeHandle(id);
  closeHandle(trainer);
  closeHandle(predictor);
}

TEST_F(Bridge, TrainsEvaluatesAndPredicts) {
  const std::int64_t trainer = trainerCreate(network_, R"({"max_batch_size":3})");
  std::vector<float> inputs(12, 0.5f);
  std::vector<float> labels(6, 1.0f);
  std::vector<std::int32_t> classes = {0, 2, -1};
  const std::int64_t targets[] = {Address(labels.data()), Address(classes.data())};
  double results[9] = {};
  trainerStep(trainer, 3, Address(inputs.data()), targets, nullptr, results);
  EXPECT_NEAR(results[0], results[3] + results[6], 1e-9);
  EXPECT_EQ(results[4], 6.0);
  EXPECT_EQ(results[7], 2.0);

  std::vector<float> logits(15);
  trainerEvaluate(trainer, 3, Address(inputs.data()), Address(logits.data()));
  double losses[5] = {};
  taskLosses(network_, 3, Address(logits.data()), targets, nullptr, losses);
  EXPECT_GT(losses[0], 0.0);
  EXPECT_EQ(losses[2], 6.0);
  EXPECT_EQ(losses[4], 2.0);
  const std::uint8_t none[6] = {};
  const std::int64_t masks[] = {Address(none), 0};
  taskLosses(network_, 3, Address(logits.data()), targets, masks, losses);
  EXPECT_EQ(losses[1], 0.0);
  EXPECT_EQ(losses[2], 0.0);
  trainerRelease(trainer);
  trainerRelease(trainer);
  closeHandle(trainer);

  const std::int64_t predictor = predictorCreate(network_, R"({"logits":true})");
  std::vector<float> predicted(15);
  predictorPredict(predictor, 3, Address(inputs.data()), Address(predicted.data()));
  EXPECT_EQ(logits, predicted) << "the same bits by evaluation and by prediction";
  EXPECT_GT(handleBytes(network_), 0);
  EXPECT_GT(handleBytes(predictor), 0);
  closeHandle(predictor);
}

// The gradients of z²/2 are the logits.
TEST_F(Bridge, StepsInTwoHalvesWhereJavaComputesALoss) {
  const std::int64_t trainer =
      trainerCreate(network_, R"({"max_batch_size":3,"own_losses":["trait"]})");
  const std::vector<float> inputs(12, 0.5f);
  const std::vector<float> labels(6, 1.0f);
  const std::vector<std::int32_t> classes = {0, 2, -1};
  const std::int64_t targets[] = {Address(labels.data()), Address(classes.data())};
  std::vector<float> logits(6);
  double results[9] = {};
  const double sum = 12.0;
  const auto begin = [&] {
    trainerBeginStep(trainer, 3, Address(inputs.data()), targets, nullptr, Address(logits.data()));
  };
  const auto finish = [&] { trainerFinishStep(trainer, Address(logits.data()), &sum, results); };
  EXPECT_EQ(ErrorOf(finish).substr(0, 15), "INVALID_STATE: ");
  begin();
  EXPECT_EQ(ErrorOf([&] { trainerFinishStep(trainer, 0, &sum, results); }).substr(0, 18),
            "INVALID_ARGUMENT: ");
  EXPECT_EQ(
      ErrorOf([&] { trainerFinishStep(trainer, Address(&sum), nullptr, results); }).substr(0, 18),
      "INVALID_ARGUMENT: ");
  finish();
  EXPECT_EQ(results[3], 4.0);
  EXPECT_EQ(results[4], 6.0);
  EXPECT_EQ(results[7], 2.0);
  EXPECT_EQ(ownTaskLoss(network_, "trait", 3, 6, sum), 4.0);
  EXPECT_EQ(ErrorOf(finish).substr(0, 15), "INVALID_STATE: ");
  EXPECT_EQ(ErrorOf([&] {
              trainerBeginStep(trainer, 3, Address(inputs.data()), targets, nullptr, 0);
            }).substr(0, 18),
            "INVALID_ARGUMENT: ");
  closeHandle(trainer);
}

// What it holds changes under its steps and evaluations.
TEST_F(Bridge, BytesOfATrainerInUseAreAnError) {
  const std::int64_t trainer = trainerCreate(network_, "{}");
  {
    const EnteredTrainer inside(trainer);
    EXPECT_EQ(ErrorOf([&] { handleBytes(trainer); }), "BUSY: trainer is in use by another thread");
    EXPECT_EQ(ErrorOf([&] { trainerPrefixExamples(trainer); }),
              "BUSY: trainer is in use by another thread");
  }
  EXPECT_GT(handleBytes(trainer), 0);
  closeHandle(trainer);
}

TEST_F(Bridge, ATrainerOutlivesItsNetworksHandle) {
  const std::int64_t network = networkClone(network_);
  const std::int64_t trainer = trainerCreate(network, R"({"max_batch_size":1})");
  closeHandle(network);
  const std::vector<float> inputs(4, 0.5f);
  std::vector<float> logits(5);
  trainerEvaluate(trainer, 1, Address(inputs.data()), Address(logits.data()));
  closeHandle(trainer);
}

TEST_F(Bridge, NamesAndThrowsEveryCode) {
  for (int code = 0; code < errorCodeCount(); ++code) {
    EXPECT_TRUE(ErrorOf([&] { throwError(code); }).starts_with(errorCodeName(code) + ": "));
  }
  EXPECT_TRUE(ErrorOf([] { throwError(-1); }).starts_with("INVALID_ARGUMENT: "));
  EXPECT_TRUE(ErrorOf([] { errorCodeName(errorCodeCount()); }).starts_with("INVALID_ARGUMENT: "));
}

// Threads predict while others close: each call gives the right bits or CLOSED.
TEST_F(Bridge, ClosingWhileOthersPredictIsAnErrorAtMost) {
  const std::vector<float> inputs = {0.1f, -0.2f, 0.3f, 1.0f};
  std::vector<float> expected(5);
  std::atomic<std::int64_t> predictor{predictorCreate(network_, R"({"max_batch_size":1})")};
  predictorPredict(predictor, 1, Address(inputs.data()), Address(expected.data()));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> right{0};
  const auto predict = [&] {
    std::vector<float> outputs(5);
    while (!stop) {
      try {
        predictorPredict(predictor, 1, Address(inputs.data()), Address(outputs.data()));
        (outputs == expected ? right : wrong).fetch_add(1);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kClosed) {
          wrong.fetch_add(1);
        }
      }
    }
  };
  std::thread first(predict);
  std::thread second(predict);
  // The 500 closes take a few milliseconds: less than a thread may need to begin.
  while (right == 0 && wrong == 0) std::this_thread::yield();
  for (int i = 0; i < 500; ++i) {
    const std::int64_t old =
        predictor.exchange(predictorCreate(network_, R"({"max_batch_size":1})"));
    closeHandle(old);
    closeHandle(old);
  }
  stop = true;
  first.join();
  second.join();
  closeHandle(predictor);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 0);
}

}  // namespace
}  // namespace espalier::jvm
