// SPDX-License-Identifier: Apache-2.0

// The caller's floating-point settings (rounding, denormals, traps) are the same before and
// after every call, whether it returns or throws: a JVM computes wrong results if a library
// changes them.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "jvm/bridge.h"
#include "testing/declared_functions.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

namespace espalier::jvm {
namespace {

constexpr unsigned kStatus = 0x3f;  // what any arithmetic raises, the caller's own too
constexpr unsigned kUsual = 0x1f80;
constexpr unsigned kTowardZero = 0x7f80;
constexpr unsigned kFlushes = 0x9fc0;  // denormals to zero, as operand and as result

constexpr const char* kSpec = R"({"input":[2,6,6],
  "layers":[{"kind":"conv2d","name":"conv","attributes":{"channels":5,"kernel":3}},
            {"kind":"relu"},
            {"kind":"dense","name":"features","attributes":{"units":40}},{"kind":"tanh"}],
  "heads":[{"name":"trait","task":{"kind":"labels","labels":["a","b"]}},
           {"name":"digit","task":{"kind":"classes","labels":["0","1","2"]}}]})";
constexpr const char* kTransfer = R"({"drop_heads":["digit"],
  "heads":[{"name":"size","task":{"kind":"values","labels":["x"]}}]})";
constexpr std::int64_t kBatch = 3;
constexpr std::int64_t kInput = 72;
constexpr std::int64_t kWidth = 5;

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

class ControlRegister : public ::testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    saved_ = _mm_getcsr();
    _mm_setcsr(GetParam());
  }
  void TearDown() override { _mm_setcsr(saved_); }

  // `function` is one of bridge.h; `what` tells several calls of it apart.
  void Keeps(const char* function, const std::function<void()>& call, const char* what = "",
             bool throws = false) {
    bool threw = false;
    try {
      call();
    } catch (const Error&) {
      threw = true;
    }
    const unsigned after = _mm_getcsr();
    EXPECT_EQ(after & ~kStatus, GetParam() & ~kStatus) << function << ' ' << what;
    EXPECT_EQ(threw, throws) << function << ' ' << what;
    called_.insert(function);
    _mm_setcsr(GetParam());
  }
  void KeepsWhereItThrows(const char* function, const char* what,
                          const std::function<void()>& call) {
    Keeps(function, call, what, true);
  }

  std::set<std::string> called_;

 private:
  unsigned saved_ = kUsual;
};

TEST_P(ControlRegister, IsTheSameAfterEveryCall) {
  std::vector<float> inputs(kBatch * kInput, 0.5f);
  inputs[1] = 1e-40f;
  std::vector<float> bad_inputs = inputs;
  bad_inputs[7] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::int8_t> pixels(kBatch * kInput, 100);
  std::vector<float> outputs(kBatch * kWidth);
  const std::vector<float> labels = {1, 0, 0, 1, 1, 1};
  const std::vector<float> bad_labels = {1, 0, 0, 7, 1, 1};
  const std::vector<std::int32_t> classes = {0, 2, 1};
  const std::int64_t targets[] = {Address(labels.data()), Address(classes.data())};
  const std::int64_t bad_targets[] = {Address(bad_labels.data()), Address(classes.data())};
  const std::int64_t masks[] = {0, 0};
  std::vector<double> results(9);
  std::int64_t statistics[4] = {};
  const std::vector<std::int64_t> examples = {0, 2, 1};
  const std::int64_t far_examples[] = {0, 1, 99};
  const std::string path = ::testing::TempDir() + "control_register.safetensors";
  constexpr const char* kBias = "features.bias";
  std::vector<float> bias(40);

  Keeps("setThreadCount", [] { setThreadCount(2); });
  KeepsWhereItThrows("setThreadCount", "to none", [] { setThreadCount(0); });
  Keeps("threadCount", [] { threadCount(); });
  Keeps("cpuTarget", [] { cpuTarget(); });
  Keeps("stackBytesLeft", [] { stackBytesLeft(); });
  Keeps("describeRuntime", [] { describeRuntime(); });
  Keeps("nativeBytes", [] { nativeBytes(); });
  Keeps("setNativeBytesBudget", [] { setNativeBytesBudget(nativeBytesBudget()); });
  Keeps("nativeBytesBudget", [] { nativeBytesBudget(); });
  Keeps("liveHandles", [] { liveHandles(); });
  Keeps("setOpenBlasPath", [] { setOpenBlasPath(""); });
  KeepsWhereItThrows("throwError", "", [] { throwError(0); });
  Keeps("errorCodeCount", [] { errorCodeCount(); });
  Keeps("errorCodeName", [] { errorCodeName(0); });

  std::int64_t network = 0;
  std::int64_t trainer = 0;
  std::int64_t predictor = 0;
  Keeps("networkBuild", [&] { network = networkBuild(kSpec, 1); });
  KeepsWhereItThrows("networkBuild", "a wrong network", [&] { networkBuild("{}", 1); });
  Keeps("handleBytes", [&] { handleBytes(network); });
  Keeps("networkSpec", [&] { networkSpec(network); });
  Keeps("networkDescribe", [&] { networkDescribe(network); });
  Keeps("networkParameters", [&] { networkParameters(network); });
  Keeps("networkParameterSize", [&] { networkParameterSize(network, kBias); });
  Keeps("networkReadParameter", [&] { networkReadParameter(network, kBias, bias.data(), 40); });
  Keeps("networkWriteParameter", [&] { networkWriteParameter(network, kBias, bias.data(), 40); });
  KeepsWhereItThrows("networkWriteParameter", "of another size",
                     [&] { networkWriteParameter(network, kBias, bias.data(), 39); });
  Keeps("networkSetLearningRateScale",
        [&] { networkSetLearningRateScale(network, "features", 0.5); });

  KeepsWhereItThrows("trainerCreate", "of wrong settings",
                     [&] { trainerCreate(network, R"({"unknown":4})"); });
  Keeps("trainerCreate", [&] { trainer = trainerCreate(network, R"({"max_batch_size":4})"); });
  const auto step = [&](const std::vector<float>& values, const std::int64_t* answers) {
    trainerStep(trainer, kBatch, Address(values.data()), answers, masks, results.data());
  };
  Keeps("trainerStep", [&] { step(inputs, targets); });
  KeepsWhereItThrows("trainerStep", "on a NaN", [&] { step(bad_inputs, targets); });
  KeepsWhereItThrows("trainerStep", "on a wrong label", [&] { step(inputs, bad_targets); });
  KeepsWhereItThrows("trainerFinishStep", "without a beginning",
                     [&] { trainerFinishStep(trainer, 0, nullptr, results.data()); });
  Keeps("trainerBeginStep",
        [&] { trainerBeginStep(trainer, kBatch, Address(inputs.data()), targets, masks, 0); });
  KeepsWhereItThrows("trainerBeginStep", "on a NaN", [&] {
    trainerBeginStep(trainer, kBatch, Address(bad_inputs.data()), targets, masks, 0);
  });
  Keeps("trainerFinishStep", [&] { trainerFinishStep(trainer, 0, nullptr, results.data()); });
  Keeps("ownTaskLoss", [&] { ownTaskLoss(network, "trait", kBatch, 2, 1.0); });
  Keeps("trainerEvaluate",
        [&] { trainerEvaluate(trainer, kBatch, Address(inputs.data()), Address(outputs.data())); });
  Keeps("taskLosses", [&] {
    taskLosses(network, kBatch, Address(outputs.data()), targets, masks, results.data());
  });
  Keeps("taskMetrics", [&] {
    const std::vector<float> logits(kBatch * 2, 0.25f);
    taskMetrics("labels", R"(["a","b"])", nullptr, 0, true, kBatch, 2, Address(logits.data()),
                targets[0]);
  });
  Keeps("trainerSaveBest", [&] { trainerSaveBest(trainer); });
  Keeps("trainerRestoreBest", [&] { trainerRestoreBest(trainer); });
  Keeps("trainerRelease", [&] { trainerRelease(trainer); });
  const std::int64_t averaging = trainerCreate(network, R"({"average_decay":0.9})");
  Keeps("trainerContinueFrom", [&] { trainerContinueFrom(averaging, trainer, 1); });
  const std::string checkpoint = ::testing::TempDir() + "control_register_checkpoint";
  Keeps("trainerSaveCheckpoint", [&] { trainerSaveCheckpoint(averaging, checkpoint.c_str(), ""); });
  Keeps("trainerLoadCheckpoint", [&] { trainerLoadCheckpoint(averaging, checkpoint.c_str()); });
  Keeps("checkpointNotes", [&] { checkpointNotes(checkpoint.c_str()); });
  std::remove(checkpoint.c_str());
  Keeps("trainerSwapAverage", [&] { trainerSwapAverage(averaging); });
  closeHandle(averaging);
  Keeps("closeHandle", [&] { closeHandle(trainer); }, "of a trainer");

  Keeps("networkFreeze", [&] { networkFreeze(network, R"(["conv"])", true, false); });
  Keeps("trainerCreate", [&] { trainer = trainerCreate(network, "{}"); }, "with a prefix");
  Keeps("trainerHasFrozenPrefix", [&] { EXPECT_TRUE(trainerHasFrozenPrefix(trainer)); });
  Keeps("trainerFeatureCount", [&] { trainerFeatureCount(trainer); });
  Keeps("trainerReserveFeatures", [&] { trainerReserveFeatures(trainer, 0, kBatch); });
  Keeps("trainerCacheFeatures",
        [&] { trainerCacheFeatures(trainer, 0, 0, kBatch, Address(inputs.data())); });
  Keeps("trainerPrefixExamples", [&] { trainerPrefixExamples(trainer); });
  const auto cached_step = [&](const std::int64_t* indices) {
    trainerStepCached(trainer, 0, kBatch, indices, targets, masks, results.data());
  };
  Keeps("trainerStepCached", [&] { cached_step(examples.data()); });
  KeepsWhereItThrows("trainerStepCached", "of an example out of range",
                     [&] { cached_step(far_examples); });
  Keeps("trainerBeginStepCached",
        [&] { trainerBeginStepCached(trainer, 0, kBatch, examples.data(), targets, masks, 0); });
  Keeps("trainerEvaluateCached", [&] {
    trainerEvaluateCached(trainer, 0, kBatch, examples.data(), Address(outputs.data()));
  });
  std::string fingerprint;
  Keeps("trainerPrefixFingerprint", [&] { fingerprint = trainerPrefixFingerprint(trainer); });
  std::int64_t features = 0;
  Keeps("featuresCreate", [&] {
    features = featuresCreate(kBatch, trainerFeatureCount(trainer), fingerprint.c_str(), "");
  });
  Keeps("featuresMakeRoom", [&] { featuresMakeRoom(features, kBatch, examples.data()); });
  KeepsWhereItThrows("featuresMakeRoom", "of an example out of range",
                     [&] { featuresMakeRoom(features, kBatch, far_examples); });
  Keeps("networkFingerprint", [&] { networkFingerprint(network, "conv"); });
  Keeps("featuresInFile", [&] { EXPECT_FALSE(featuresInFile(features)); });
  Keeps("trainerShareFeatures", [&] { trainerShareFeatures(trainer, 1, features); });
  Keeps("trainerCacheExamples",
        [&] { trainerCacheExamples(trainer, 1, kBatch, examples.data(), Address(inputs.data())); });
  Keeps("closeHandle", [&] { closeHandle(trainer); }, "of a trainer with a prefix");
  trainer = trainerCreate(network, R"({"max_batch_size":4,"data_parallel":true})");
  std::vector<std::int64_t> totals(4);
  Keeps("trainerTargetCount", [&] { EXPECT_EQ(trainerTargetCount(trainer), 3); });
  Keeps("trainerCountLabelled",
        [&] { trainerCountLabelled(trainer, kBatch, targets, masks, totals.data(), 4); });
  KeepsWhereItThrows("trainerCountLabelled", "on a wrong label", [&] {
    trainerCountLabelled(trainer, kBatch, bad_targets, masks, totals.data(), 4);
  });
  std::vector<float> gradients;
  Keeps("trainerGradientFloats",
        [&] { gradients.resize(static_cast<std::size_t>(trainerGradientFloats(trainer))); });
  totals = {kBatch, 3, 3, 3};
  const auto compute = [&](const std::vector<float>& values) {
    trainerComputeGradients(trainer, totals.data(), 4, 0, kBatch, Address(values.data()), targets,
                            masks, Address(gradients.data()));
  };
  Keeps("trainerComputeGradients", [&] { compute(inputs); });
  KeepsWhereItThrows("trainerComputeGradients", "on a NaN", [&] { compute(bad_inputs); });
  const auto apply = [&](std::int64_t count) {
    trainerApplyGradients(trainer, totals.data(), count, Address(gradients.data()), results.data());
  };
  Keeps("trainerApplyGradients", [&] { apply(4); });
  KeepsWhereItThrows("trainerApplyGradients", "with few totals", [&] { apply(3); });
  closeHandle(trainer);
  std::int64_t of_features = 0;
  Keeps("featurePredictorCreate", [&] { of_features = featurePredictorCreate(network, false); });
  Keeps("featurePredictorHasFrozenPrefix",
        [&] { EXPECT_TRUE(featurePredictorHasFrozenPrefix(of_features)); });
  Keeps("featurePredictorFeatureCount", [&] { featurePredictorFeatureCount(of_features); });
  Keeps("featurePredictorFingerprint",
        [&] { EXPECT_EQ(featurePredictorFingerprint(of_features), fingerprint); });
  Keeps("featurePredictorCache", [&] {
    featurePredictorCache(of_features, features, kBatch, examples.data(), Address(inputs.data()));
  });
  Keeps("featurePredictorPredict", [&] {
    featurePredictorPredict(of_features, features, kBatch, examples.data(),
                            Address(outputs.data()));
  });
  Keeps("featuresShare",
        [&] { featuresShare(features, features, kBatch, examples.data(), examples.data()); });
  std::vector<float> row(static_cast<std::size_t>(featurePredictorFeatureCount(of_features)));
  Keeps("featuresRead",
        [&] { featuresRead(features, 0, row.data(), static_cast<std::int64_t>(row.size())); });
  Keeps("featuresWrite", [&] { featuresWrite(features, 1, examples.data(), Address(row.data())); });
  KeepsWhereItThrows("featurePredictorPredict", "of an example out of range", [&] {
    featurePredictorPredict(of_features, features, kBatch, far_examples, Address(outputs.data()));
  });
  Keeps("closeHandle", [&] { closeHandle(of_features); }, "of a feature predictor");
  Keeps("closeHandle", [&] { closeHandle(features); }, "of features");
  Keeps("networkUnfreeze", [&] { networkUnfreeze(network, R"(["conv"])", true); });
  Keeps("networkSetThresholds", [&] { networkSetThresholds(network, "trait", nullptr, 0); });
  const double columns[kWidth] = {0.25, 0.5, NAN, NAN, NAN};
  Keeps("networkSetAllThresholds", [&] { networkSetAllThresholds(network, columns, kWidth); });
  const double ones[kWidth] = {1, 1, 1, 1, 1};
  Keeps("networkScaleLogits", [&] { networkScaleLogits(network, ones, ones, kWidth); });
  KeepsWhereItThrows("networkScaleLogits", "of another size",
                     [&] { networkScaleLogits(network, ones, ones, 1); });
  Keeps("networkSetMetadata", [&] { networkSetMetadata(network, "key", "value"); });
  Keeps("networkRemoveMetadata", [&] { networkRemoveMetadata(network, "key"); });

  Keeps("predictorCreate", [&] { predictor = predictorCreate(network, "{}"); });
  Keeps("predictorPredict", [&] {
    predictorPredict(predictor, kBatch, Address(inputs.data()), Address(outputs.data()));
  });
  KeepsWhereItThrows("predictorPredict", "of nothing",
                     [&] { predictorPredict(predictor, kBatch, 0, 0); });
  Keeps("predictorPredictPixels", [&] {
    predictorPredictPixels(predictor, kBatch, Address(pixels.data()), Address(outputs.data()));
  });
  Keeps("predictorDescribe", [&] { predictorDescribe(predictor); });
  KeepsWhereItThrows("predictorForShape", "of a predictor for one shape",
                     [&] { predictorForShape(predictor, "[1]"); });
  Keeps("predictorLayerShapes", [&] { predictorLayerShapes(predictor); });
  Keeps("predictorStatistics", [&] { predictorStatistics(predictor, statistics); });
  Keeps("closeHandle", [&] { closeHandle(predictor); }, "of a predictor");

  Keeps("networkSave", [&] { networkSave(network, path.c_str(), true); });
  const std::string onnx_path = path + ".onnx";
  Keeps("networkExportOnnx", [&] { networkExportOnnx(network, onnx_path.c_str(), "{}"); });
  const std::string weights_path = path + ".weights";
  Keeps("networkExportSafetensors",
        [&] { networkExportSafetensors(network, weights_path.c_str(), "{}"); });
  Keeps("networkLoadWeights", [&] { networkLoadWeights(network, weights_path.c_str(), "{}"); });
  std::remove(weights_path.c_str());
  std::int64_t importer = 0;
  Keeps("foreignImporterCreate", [&] { importer = foreignImporterCreate("onnx", "{}"); });
  Keeps("foreignImporterRead",
        [&] { closeHandle(foreignImporterRead(importer, onnx_path.c_str())); });
  Keeps("foreignImporterReport", [&] { foreignImporterReport(importer); });
  closeHandle(importer);
  importer = foreignImporterCreate("onnx", "{}");
  const std::int8_t no_model[] = {1, 2, 3};
  Keeps("foreignImporterWrite",
        [&] { foreignImporterWrite(importer, no_model, std::ssize(no_model)); });
  KeepsWhereItThrows("foreignImporterFinish", "a file that is no model",
                     [&] { foreignImporterFinish(importer); });
  closeHandle(importer);
  std::remove(onnx_path.c_str());
  Keeps("networkLoad", [&] { closeHandle(networkLoad(path.c_str(), "{}")); });
  KeepsWhereItThrows("networkLoad", "what is not there",
                     [&] { networkLoad("/nowhere/none", "{}"); });
  std::int8_t piece[1 << 16];
  std::int64_t piece_bytes = 0;
  std::int64_t writer = 0;
  Keeps("modelWriterCreate", [&] { writer = modelWriterCreate(network, true); });
  Keeps("modelWriterRead",
        [&] { piece_bytes = modelWriterRead(writer, piece, std::ssize(piece)); });
  Keeps("closeHandle", [&] { closeHandle(writer); }, "of a writer");
  std::int64_t reader = 0;
  Keeps("modelReaderCreate", [&] { reader = modelReaderCreate("{}"); });
  Keeps("modelReaderWrite", [&] { modelReaderWrite(reader, piece, piece_bytes); });
  Keeps("modelReaderFinish", [&] { closeHandle(modelReaderFinish(reader)); });
  KeepsWhereItThrows("modelReaderFinish", "a second time", [&] { modelReaderFinish(reader); });
  Keeps("closeHandle", [&] { closeHandle(reader); }, "of a reader");
  Keeps("networkClone", [&] { closeHandle(networkClone(network)); });
  Keeps("networkExplainTransfer", [&] { networkExplainTransfer(network, kTransfer); });
  Keeps("networkTransfer", [&] { closeHandle(networkTransfer(network, kTransfer, 2)); });
  Keeps("closeHandle", [&] { closeHandle(network); });

  const std::set<std::string> functions = testing::DeclaredFunctions("jvm/bridge.h");
  EXPECT_GE(functions.size(), 50u) << "bridge.h was not understood";
  EXPECT_EQ(called_, functions) << "every function of bridge.h has to be called here";
}

INSTANTIATE_TEST_SUITE_P(Settings, ControlRegister,
                         ::testing::Values(kUsual, kTowardZero, kFlushes));

}  // namespace
}  // namespace espalier::jvm
#endif  // x86-64
