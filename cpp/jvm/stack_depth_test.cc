// SPDX-License-Identifier: Apache-2.0

// Java calls with whatever stack it has left, which is seldom checked by the page: one byte too
// many ends the process without a word. So what each function of the bridge uses is measured.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "espalier/builder.h"
#include "espalier/error.h"
#include "files/graph_json.h"
#include "jvm/bridge.h"
#include "testing/cpu_targets.h"
#include "testing/declared_functions.h"
#include "testing/layer_spec.h"
#include "testing/painted_stack.h"
#include "testing/sanitized.h"
#include "testing/transformer_networks.h"

#ifndef ESPALIER_SANITIZED

namespace espalier::jvm {
namespace {

using testing::Spec;

constexpr std::int64_t kBatch = 40;
constexpr std::int64_t kExamples = 48;
constexpr std::int64_t kTraits = 300;
constexpr std::int64_t kWidth = kTraits + 3 + 2;  // of all heads

struct Case {
  std::string name;
  NetworkSpec spec;
  std::string other_shape = {};  // that its layers take as well; empty: none
  std::string import_options = "{}";
};

NetworkBuilder Images() {
  NetworkBuilder builder(Shape::Image(3, 20, 20));
  builder.Conv2d("", 17, 3).BatchNorm().Relu().Conv2d("", 61, 3, {.stride = 2}).BatchNorm();
  builder.Layer(Spec("leaky_relu"))
      .Layer(Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}}))
      .SqueezeExcitation("squeeze", 61, 8)
      .Layer(Spec("layer_norm"))
      .Conv2d("", 24, 1)
      .MaxPool2d(2)
      .Layer(Spec("average_pool2d", {{"window", std::int64_t{2}}}))
      .Layer(Spec("global_average_pool2d"));
  return builder;
}

NetworkBuilder ManyChannels() {
  NetworkBuilder builder(Shape::Image(4, 6, 6));
  builder.Conv2d("", 1024, 1).Layer(Spec("relu6")).Conv2d("", 32, 1).Conv2d("", 32, 3);
  builder.Flatten().Dense("", 16).Layer(Spec("tanh"));
  return builder;
}

NetworkBuilder Enlarged() {
  const Attributes twofold = {
      {"channels", std::int64_t{12}}, {"kernel", std::int64_t{3}}, {"stride", std::int64_t{2}}};
  NetworkBuilder builder(Shape::Image(4, 6, 6));
  builder.Layer(Spec("conv_transpose2d", twofold))
      .Layer(Spec("group_norm", {{"groups", std::int64_t{3}}}))
      .Layer(Spec("prelu"))
      .Layer(Spec("resize", {{"scale", 1.5}, {"mode", std::string("bilinear")}}))
      .Layer(Spec("instance_norm"))
      .Layer(Spec("global_max_pool2d"));
  return builder;
}

NetworkBuilder Recurrent() {
  const std::int64_t hidden = 48;
  NetworkBuilder builder(Shape{12, 40});
  builder.Layer(Spec("conv1d", {{"channels", std::int64_t{40}}, {"kernel", std::int64_t{3}}}))
      .Layer(Spec("transpose", {{"order", std::vector<std::int64_t>{1, 0}}}))
      .Layer(Spec("lstm", {{"hidden", hidden}, {"bidirectional", true}}))
      .TransformerEncoder(
          "decoder",
          {.width = 96, .heads = 3, .feed_forward = 64, .norm_first = true, .causal = true})
      .Layer(Spec("rms_norm"))
      .Layer(Spec("gru", {{"hidden", hidden}, {"return_sequence", false}}));
  return builder;
}

// Networks of all families of layers, each with heads of all kinds.
std::vector<Case> Cases() {
  std::vector<Case> cases;
  std::vector<std::string> traits;
  for (std::int64_t i = 0; i < kTraits; ++i) traits.push_back("l" + std::to_string(i));
  const auto add = [&](const char* name, NetworkBuilder builder) -> Case& {
    builder.Head("trait", LabelsTask(traits))
        .Head("digit", ClassesTask(3))
        .Head("size", ValuesTask({"w", "h"}));
    return cases.emplace_back(Case{name, builder.spec()});
  };
  add("dense", NetworkBuilder(Shape{64}).Dense("", 64).Relu().Dropout(0.5));
  // Rows 1024 floats apart are copied.
  add("wide",
      NetworkBuilder(Shape{1024}).Dense("", 1024).Layer(Spec("layer_norm")).Layer(Spec("gelu")));
  add("images", Images());
  add("many channels", ManyChannels());
  add("enlarged", Enlarged()).other_shape = "[4,9,12]";
  add("recurrent", Recurrent());
  add("text", testing::Bert({.length = 24,
                             .vocabulary = 130,
                             .positions = 32,
                             .layers = 2,
                             .width = 96,
                             .heads = 3,
                             .feed_forward = 160}))
      .import_options = R"({"dimensions":[{"name":"length","size":24}]})";
  return cases;
}

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

// Rows that the network may be asked for: integers are ids that any vocabulary has, but where
// there is one alone, a number of tokens.
std::vector<float> Rows(const NetworkSpec& spec) {
  std::vector<float> rows;
  for (std::int64_t example = 0; example < kExamples; ++example) {
    for (const InputSpec& input : spec.inputs) {
      for (std::int64_t i = 0; i < input.shape.element_count(); ++i) {
        const double wave = std::sin(static_cast<double>(rows.size()));
        const bool is_count = input.shape.element_count() == 1;
        const bool is_integer = input.type == ElementType::kInt32;
        rows.push_back(!is_integer ? static_cast<float>(wave)
                       : is_count  ? static_cast<float>(1 + example % 24)
                                   : static_cast<float>((example + i) % 2));
      }
    }
  }
  return rows;
}

void ReadForeign(const char* format, const std::string& file, const char* options = "{}") {
  const std::int64_t importer = foreignImporterCreate(format, options);
  closeHandle(foreignImporterRead(importer, file.c_str()));
  EXPECT_NE(foreignImporterReport(importer), "");
  closeHandle(importer);
}

// Calls of the bridge on one network, in an order in which all can do their work.
class Session {
 public:
  Session(const Case& test_case, const std::string& file)
      : case_(test_case),
        file_(file),
        inputs_(Rows(test_case.spec)),
        outputs_(static_cast<std::size_t>(kExamples * kWidth)),
        traits_(static_cast<std::size_t>(kExamples * kTraits)),
        digits_(static_cast<std::size_t>(kExamples)),
        sizes_(static_cast<std::size_t>(kExamples * 2)),
        pixels_(inputs_.size(), 7),
        examples_(static_cast<std::size_t>(kBatch)) {
    for (std::size_t i = 0; i < traits_.size(); ++i) {
      traits_[i] = i % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i % 2);
    }
    for (std::size_t i = 0; i < digits_.size(); ++i) digits_[i] = static_cast<std::int32_t>(i % 3);
    targets_ = {Address(traits_.data()), Address(digits_.data()), Address(sizes_.data())};
    std::iota(examples_.begin(), examples_.end(), 0);
  }

  void Run() {
    const std::string spec = NetworkSpecToJson(case_.spec);
    Call("build", [&] { network_ = networkBuild(spec.c_str(), 1); });
    ReadNetwork();
    WriteParameters();
    SaveAndLoad();
    Call("clone", [&] { clone_ = networkClone(network_); });
    ChangeNetwork(clone_);
    RunTrainer("trainer", network_);
    const char* transfer =
        R"({"drop_heads":["size"],"freeze":[{"pattern":"*"}],
            "unfreeze":[{"pattern":"heads.*"}],
            "heads":[{"name":"size","task":{"kind":"values","labels":["w","h"]}}]})";
    Call("explain a transfer", [&] { networkExplainTransfer(loaded_, transfer); });
    Call("transfer", [&] { grafted_ = networkTransfer(loaded_, transfer, 1); });
    RunTrainer("trainer of heads", grafted_);
    RunFeatures();
    JudgeLogits();
    RunPredictor("predictor", "{}");
    RunPredictor("bf16 predictor", R"({"precision":"bf16_weights","threads":2})");
    RunPredictor("int8 predictor", R"({"precision":"int8","threads":2})");
    if (!case_.other_shape.empty()) PredictOfAnotherShape();
    for (const std::int64_t handle : {network_, loaded_, clone_, grafted_}) {
      Call("close", [&] { closeHandle(handle); });
    }
  }

 private:
  void Call(const std::string& name, const std::function<void()>& body) {
    const std::int64_t depth = stack_.DepthOf([&] {
      try {
        body();
      } catch (const Error& error) {
        ADD_FAILURE() << case_.name << ": " << name << ": " << error.what();
      }
    });
    EXPECT_LE(depth, testing::kMostStackBytes) << case_.name << ": " << name;
    EXPECT_GT(depth, 0);
  }

  bool reads_floats() const { return case_.spec.inputs[0].type == ElementType::kFloat32; }

  void ReadNetwork() {
    Call("bytes", [&] { handleBytes(network_); });
    Call("spec", [&] { networkSpec(network_); });
    Call("describe", [&] { networkDescribe(network_); });
    Call("parameters", [&] { networkParameters(network_); });
    Call("fingerprint", [&] { networkFingerprint(network_, "heads.trait.dense"); });
    Call("freeze a typo",
         [&] { EXPECT_THROW(networkFreeze(network_, R"(["danse"])", false, false), Error); });
  }

  void WriteParameters() {
    constexpr const char* kBias = "heads.digit.dense.bias";
    float bias[3] = {};
    Call("size of a parameter", [&] { EXPECT_EQ(networkParameterSize(network_, kBias), 3); });
    Call("read a parameter", [&] { networkReadParameter(network_, kBias, bias, 3); });
    Call("write a parameter", [&] { networkWriteParameter(network_, kBias, bias, 3); });
    const std::string weights = file_ + ".weights";
    Call("export weights", [&] { networkExportSafetensors(network_, weights.c_str(), "{}"); });
    Call("load weights", [&] { networkLoadWeights(network_, weights.c_str(), "{}"); });
    std::remove(weights.c_str());
  }

  void SaveAndLoad() {
    Call("save", [&] { networkSave(network_, file_.c_str(), true); });
    Call("load", [&] { loaded_ = networkLoad(file_.c_str(), "{}"); });
    std::vector<std::int8_t> piece(1 << 16);
    const auto count = static_cast<std::int64_t>(piece.size());
    Call("in pieces", [&] {
      const std::int64_t writer = modelWriterCreate(network_, true);
      const std::int64_t reader = modelReaderCreate("{}");
      std::int64_t bytes = 0;
      while ((bytes = modelWriterRead(writer, piece.data(), count)) > 0) {
        modelReaderWrite(reader, piece.data(), bytes);
      }
      closeHandle(modelReaderFinish(reader));
      closeHandle(reader);
      closeHandle(writer);
    });
    const std::string onnx = file_ + ".onnx";
    Call("export", [&] { networkExportOnnx(network_, onnx.c_str(), "{}"); });
    Call("import", [&] { ReadForeign("onnx", onnx, case_.import_options.c_str()); });
    Call("import in pieces", [&] {
      std::ifstream stream(onnx, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
      const std::int64_t importer = foreignImporterCreate("onnx", case_.import_options.c_str());
      foreignImporterWrite(importer, reinterpret_cast<const std::int8_t*>(bytes.data()),
                           static_cast<std::int64_t>(bytes.size()));
      closeHandle(foreignImporterFinish(importer));
      closeHandle(importer);
    });
    std::remove(onnx.c_str());
  }

  void ChangeNetwork(std::int64_t network) {
    const std::vector<double> ones(kWidth, 1.0), nothing(kWidth, 0.0);
    Call("scale logits", [&] { networkScaleLogits(network, ones.data(), nothing.data(), kWidth); });
    Call("thresholds", [&] { networkSetThresholds(network, "trait", ones.data(), kTraits); });
    std::vector<double> columns(kWidth, std::numeric_limits<double>::quiet_NaN());
    std::fill_n(columns.begin(), kTraits, 0.5);
    Call("all thresholds", [&] { networkSetAllThresholds(network, columns.data(), kWidth); });
    Call("learning rates", [&] { networkSetLearningRateScale(network, "*", 0.5); });
    Call("freeze", [&] { networkFreeze(network, R"(["*"])", false, false); });
    Call("unfreeze", [&] { networkUnfreeze(network, R"(["*"])", false); });
    Call("set metadata", [&] { networkSetMetadata(network, "key", "value"); });
    Call("remove metadata", [&] { networkRemoveMetadata(network, "key"); });
  }

  // The thread that makes a trainer is the one that may use it: all in one call.
  void Train(const std::string& what, std::int64_t network, const char* config,
             const std::function<void(std::int64_t)>& use) {
    Call(what, [&] {
      const std::int64_t trainer = trainerCreate(network, config);
      use(trainer);
      trainerRelease(trainer);
      closeHandle(trainer);
    });
  }

  void RunTrainer(const std::string& name, std::int64_t network) {
    constexpr const char* kPlain = R"({"max_batch_size":48})";
    Train(name + ": step", network, kPlain, [&](std::int64_t trainer) { Step(trainer); });
    Train(name + ": step with an own loss", network,
          R"({"max_batch_size":48,"own_losses":["trait","digit"]})", [&](std::int64_t trainer) {
            trainerBeginStep(trainer, kBatch, Address(inputs_.data()), targets_.data(), nullptr,
                             Address(outputs_.data()));
            FinishStep(trainer);
          });
    Train(name + ": step in shards", network, R"({"max_batch_size":48,"data_parallel":true})",
          [&](std::int64_t trainer) { StepInShards(trainer); });
    Train(name + ": evaluate", network, kPlain, [&](std::int64_t trainer) {
      trainerEvaluate(trainer, kBatch, Address(inputs_.data()), Address(outputs_.data()));
    });
    Train(name + ": best", network, kPlain, [&](std::int64_t trainer) {
      trainerSaveBest(trainer);
      trainerRestoreBest(trainer);
    });
    Train(name + ": continue", network, kPlain, [&](std::int64_t trainer) {
      Step(trainer);
      trainerSaveBest(trainer);
      trainerRelease(trainer);
      Continue(network, trainer);
    });
  }

  void Step(std::int64_t trainer) {
    trainerStep(trainer, kBatch, Address(inputs_.data()), targets_.data(), nullptr, results_);
  }

  void FinishStep(std::int64_t trainer) {
    const std::vector<float> gradients(static_cast<std::size_t>(kBatch * kWidth));
    const double sums[] = {1.0, 2.0};
    trainerFinishStep(trainer, Address(gradients.data()), sums, results_);
  }

  void StepInShards(std::int64_t trainer) {
    std::vector<std::int64_t> totals(static_cast<std::size_t>(1 + trainerTargetCount(trainer)));
    std::vector<float> gradients(static_cast<std::size_t>(trainerGradientFloats(trainer)));
    const auto count = static_cast<std::int64_t>(totals.size());
    trainerCountLabelled(trainer, kBatch, targets_.data(), nullptr, totals.data(), count);
    trainerComputeGradients(trainer, totals.data(), count, 0, kBatch, Address(inputs_.data()),
                            targets_.data(), nullptr, Address(gradients.data()));
    trainerApplyGradients(trainer, totals.data(), count, Address(gradients.data()), results_);
  }

  void Continue(std::int64_t network, std::int64_t earlier) {
    const std::int64_t next =
        trainerCreate(network, R"({"max_batch_size":48,"average_decay":0.9,"start_decay":1.0})");
    trainerContinueFrom(next, earlier, 1);
    Step(next);
    trainerSwapAverage(next);
    trainerSwapAverage(next);
    const std::string path = file_ + ".checkpoint";
    trainerSaveCheckpoint(next, path.c_str(), "{}");
    trainerLoadCheckpoint(next, path.c_str());
    checkpointNotes(path.c_str());
    std::remove(path.c_str());
    closeHandle(next);
  }

  // Of the network whose heads alone train.
  void RunFeatures() {
    constexpr const char* kConfig = R"({"max_batch_size":48,"own_losses":["trait","digit"]})";
    std::int64_t features = 0;
    Train("features of a trainer", grafted_, kConfig, [&](std::int64_t trainer) {
      EXPECT_TRUE(trainerHasFrozenPrefix(trainer));
      trainerReserveFeatures(trainer, 0, kExamples);
      trainerCacheFeatures(trainer, 0, 0, kExamples, Address(inputs_.data()));
      EXPECT_EQ(trainerPrefixExamples(trainer), kExamples);
      trainerEvaluateCached(trainer, 0, kBatch, examples_.data(), Address(outputs_.data()));
      trainerBeginStepCached(trainer, 0, kBatch, examples_.data(), targets_.data(), nullptr,
                             Address(outputs_.data()));
      FinishStep(trainer);
    });
    Train("shared features", grafted_, R"({"max_batch_size":48})", [&](std::int64_t trainer) {
      features = featuresCreate(kExamples, trainerFeatureCount(trainer),
                                trainerPrefixFingerprint(trainer).c_str(), "");
      featuresMakeRoom(features, kBatch, examples_.data());
      trainerShareFeatures(trainer, 1, features);
      trainerCacheExamples(trainer, 1, kBatch, examples_.data(), Address(inputs_.data()));
      trainerStepCached(trainer, 1, kBatch, examples_.data(), targets_.data(), nullptr, results_);
    });
    std::int64_t predictor = 0;
    Call("feature predictor", [&] { predictor = featurePredictorCreate(grafted_, false); });
    Call("its prefix", [&] {
      EXPECT_TRUE(featurePredictorHasFrozenPrefix(predictor));
      EXPECT_NE(featurePredictorFingerprint(predictor), "");
    });
    std::vector<float> row(static_cast<std::size_t>(featurePredictorFeatureCount(predictor)));
    const auto size = static_cast<std::int64_t>(row.size());
    Call("its features", [&] {
      featurePredictorCache(predictor, features, kBatch, examples_.data(), Address(inputs_.data()));
    });
    Call("its answers", [&] {
      featurePredictorPredict(predictor, features, kBatch, examples_.data(),
                              Address(outputs_.data()));
    });
    Call("share features",
         [&] { featuresShare(features, features, kBatch, examples_.data(), examples_.data()); });
    Call("read features", [&] { featuresRead(features, 0, row.data(), size); });
    Call("write features",
         [&] { featuresWrite(features, 1, examples_.data(), Address(row.data())); });
    Call("place of features", [&] { EXPECT_FALSE(featuresInFile(features)); });
    Call("close", [&] { closeHandle(predictor); });
    Call("close", [&] { closeHandle(features); });
  }

  void JudgeLogits() {
    Call("losses", [&] {
      taskLosses(network_, kBatch, Address(outputs_.data()), targets_.data(), nullptr, results_);
    });
    Call("own loss", [&] { ownTaskLoss(network_, "trait", kBatch, 2, 1.0); });
    const auto judge = [&](const char* kind, const char* labels, std::int64_t target) {
      Call("metrics", [&] {
        taskMetrics(kind, labels, nullptr, 0, true, kBatch, kWidth, Address(outputs_.data()),
                    target);
      });
    };
    judge("classes", R"(["0","1","2"])", targets_[1]);
    judge("values", R"(["w","h"])", targets_[2]);
    judge("labels", R"(["w","h"])", targets_[2]);
  }

  void RunPredictor(const std::string& name, const char* config) {
    std::int64_t predictor = 0;
    Call(name + ": create", [&] { predictor = predictorCreate(network_, config); });
    for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{2}, kBatch}) {
      Call(name + ": predict", [&] {
        predictorPredict(predictor, batch, Address(inputs_.data()), Address(outputs_.data()));
      });
      if (!reads_floats()) continue;
      Call(name + ": pixels", [&] {
        predictorPredictPixels(predictor, batch, Address(pixels_.data()), Address(outputs_.data()));
      });
    }
    Call(name + ": describe", [&] { predictorDescribe(predictor); });
    Call(name + ": shapes", [&] { predictorLayerShapes(predictor); });
    std::int64_t statistics[4] = {};
    Call(name + ": statistics", [&] { predictorStatistics(predictor, statistics); });
    Call(name + ": close", [&] { closeHandle(predictor); });
  }

  void PredictOfAnotherShape() {
    const std::int64_t predictor = predictorCreate(network_, R"({"other_shapes":1})");
    std::int64_t sized = 0;
    Call("another shape", [&] { sized = predictorForShape(predictor, case_.other_shape.c_str()); });
    Call("predict of another shape",
         [&] { predictorPredict(sized, 2, Address(inputs_.data()), Address(outputs_.data())); });
    closeHandle(sized);
    closeHandle(predictor);
  }

  const Case& case_;
  const std::string file_;
  std::vector<float> inputs_, outputs_, traits_;
  std::vector<std::int32_t> digits_;
  std::vector<float> sizes_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::int64_t> targets_, examples_;
  double results_[16] = {};
  std::int64_t network_ = 0, loaded_ = 0, clone_ = 0, grafted_ = 0;
  testing::PaintedStack stack_;
};

TEST(StackDepth, EveryCallKeepsToItsShareOnEachInstructionSet) {
  const std::string file = ::testing::TempDir() + "stack_depth.espalier";
  for (const int threads : {1, 2}) {
    setThreadCount(threads);
    testing::ForEachCpuTarget([&] {
      for (const Case& test_case : Cases()) {
        SCOPED_TRACE(test_case.name);
        Session(test_case, file).Run();
      }
    });
  }
  std::remove(file.c_str());
}

TEST(StackDepth, WhatNeedsNoNetworkStaysWithinIt) {
  const std::string models = std::string(ESPALIER_TESTDATA) + "/";
  const std::vector<std::function<void()>> calls = {
      [] { setThreadCount(2); },
      [] { threadCount(); },
      [] { cpuTarget(); },
      [] { describeRuntime(); },
      [] { nativeBytes(); },
      [] { setNativeBytesBudget(nativeBytesBudget()); },
      [] { liveHandles(); },
      [] { stackBytesLeft(); },
      [] { setOpenBlasPath(""); },
      [] { EXPECT_THROW(throwError(0), Error); },
      [] { errorCodeCount(); },
      [] { errorCodeName(0); },
      [&] { ReadForeign("onnx", models + "small_backbone.onnx"); },
      [&] { ReadForeign("tflite", models + "mobile_block.tflite"); },
  };
  testing::PaintedStack stack;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_LE(stack.DepthOf(calls[i]), testing::kMostStackBytes) << i;
  }
}

TEST(StackDepth, NoNestingOfAHostileFileOrTextShowsInIt) {
  const std::string nested(200'000, '[');
  const std::string file = ::testing::TempDir() + "stack_depth_nested.espalier";
  const std::uint64_t length = nested.size();
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(&length), 8) << nested;
  testing::PaintedStack stack;
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { networkLoad(file.c_str(), "{}"); }, [&] { networkBuild(nested.c_str(), 1); },
           [&] { networkBuild((R"({"layers":)" + nested).c_str(), 1); }}) {
    const std::int64_t depth = stack.DepthOf([&] { EXPECT_THROW(call(), Error); });
    EXPECT_LE(depth, testing::kMostStackBytes);
  }
  std::remove(file.c_str());
}

// Calls stand here under no condition but what some network takes, so what is written is made.
TEST(StackDepth, EveryFunctionOfTheBridgeIsCalledHere) {
  std::ifstream stream(ESPALIER_TESTDATA "/../jvm/stack_depth_test.cc");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::set<std::string> functions = testing::DeclaredFunctions("jvm/bridge.h");
  EXPECT_GE(functions.size(), 50u) << "bridge.h was not understood";
  for (const std::string& function : functions) {
    EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + function + "\\("))) << function;
  }
}

}  // namespace
}  // namespace espalier::jvm

#endif  // ESPALIER_SANITIZED
