// SPDX-License-Identifier: Apache-2.0

// Java calls with whatever stack it has left, which is seldom checked by the page: one byte too
// many ends the process without a word. So what each function of the bridge uses is measured.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "jvm/bridge.h"
#include "testing/cpu_targets.h"
#include "testing/painted_stack.h"
#include "testing/sanitized.h"

#ifndef ESPALIER_SANITIZED

namespace espalier::jvm {
namespace {

constexpr std::int64_t kBatch = 40;
constexpr std::int64_t kExamples = 48;

struct Case {
  const char* name;
  std::string spec;
  std::int64_t input;  // floats
};

std::string Labels(int count) {
  std::string labels;
  for (int i = 0; i < count; ++i) labels += (i == 0 ? "\"l" : ",\"l") + std::to_string(i) + "\"";
  return labels;
}

std::string Heads() {
  return R"("heads":[{"name":"trait","task":{"kind":"labels","labels":[)" + Labels(300) + R"(]}},
      {"name":"digit","task":{"kind":"classes","labels":["0","1","2"]}},
      {"name":"size","task":{"kind":"values","labels":["w","h"]}}])";
}

constexpr std::int64_t kWidth = 305;  // of all heads

std::string Layer(const std::string& kind, const std::string& attributes = "") {
  return R"({"kind":")" + kind + R"(","attributes":{)" + attributes + "}}";
}

std::vector<Case> Cases() {
  const auto dense = [](int units) { return Layer("dense", "\"units\":" + std::to_string(units)); };
  const auto conv = [](int channels, int kernel, int stride) {
    return Layer("conv2d", "\"channels\":" + std::to_string(channels) + ",\"kernel\":" +
                               std::to_string(kernel) + ",\"stride\":" + std::to_string(stride));
  };
  const auto network = [](const std::string& input, const std::vector<std::string>& layers) {
    std::string text = "{\"input\":[" + input + "],\"layers\":[";
    for (std::size_t i = 0; i < layers.size(); ++i) text += (i == 0 ? "" : ",") + layers[i];
    return text + "]," + Heads() + "}";
  };
  return {
      {"dense", network("64", {dense(64), Layer("relu"), Layer("dropout")}), 64},
      // Rows 1024 floats apart are copied.
      {"wide", network("1024", {dense(1024), Layer("layer_norm"), Layer("gelu")}), 1024},
      {"images",
       network("3,20,20",
               {conv(17, 3, 1), Layer("batch_norm"), Layer("relu"), conv(61, 3, 2),
                Layer("batch_norm"), Layer("leaky_relu"), Layer("depthwise_conv2d", "\"kernel\":3"),
                Layer("layer_norm"), conv(24, 1, 1), Layer("max_pool2d", "\"window\":2"),
                Layer("average_pool2d", "\"window\":2"), Layer("global_average_pool2d")}),
       1200},
      {"many channels",
       network("4,6,6", {conv(1024, 1, 1), Layer("relu6"), conv(32, 1, 1), conv(32, 3, 1),
                         Layer("flatten"), dense(16), Layer("tanh")}),
       144},
  };
}

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

// Each call of the bridge, in an order in which all can do their work.
class Session {
 public:
  Session(const Case& test_case, const std::string& file)
      : case_(test_case),
        file_(file),
        inputs_(static_cast<std::size_t>(kExamples * test_case.input)),
        outputs_(static_cast<std::size_t>(kExamples * kWidth)),
        traits_(static_cast<std::size_t>(kExamples * 300)),
        digits_(static_cast<std::size_t>(kExamples)),
        sizes_(static_cast<std::size_t>(kExamples * 2)),
        pixels_(inputs_.size(), 7) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = static_cast<float>(std::sin(static_cast<double>(i)));
    }
    for (std::size_t i = 0; i < traits_.size(); ++i) {
      traits_[i] = i % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i % 2);
    }
    for (std::size_t i = 0; i < digits_.size(); ++i) digits_[i] = static_cast<std::int32_t>(i % 3);
    targets_ = {Address(traits_.data()), Address(digits_.data()), Address(sizes_.data())};
    for (std::int64_t i = 0; i < kBatch; ++i) examples_.push_back(i);
  }

  void Run() {
    Call("networkBuild", [&] { network_ = networkBuild(case_.spec.c_str(), 1); });
    Call("networkSpec", [&] { networkSpec(network_); });
    Call("networkDescribe", [&] { networkDescribe(network_); });
    Call("networkParameters", [&] { networkParameters(network_); });
    Call("networkFreeze of a typo",
         [&] { EXPECT_THROW(networkFreeze(network_, R"(["danse"])", false, false), Error); });
    Call("networkSave", [&] { networkSave(network_, file_.c_str(), true); });
    Call("networkExportOnnx",
         [&] { networkExportOnnx(network_, (file_ + ".onnx").c_str(), "{}"); });
    std::remove((file_ + ".onnx").c_str());
    const std::string weights = file_ + ".weights";
    Call("networkExportSafetensors",
         [&] { networkExportSafetensors(network_, weights.c_str(), "{}"); });
    Call("networkLoadWeights", [&] { networkLoadWeights(network_, weights.c_str(), "{}"); });
    std::remove(weights.c_str());
    Call("networkLoad", [&] { loaded_ = networkLoad(file_.c_str(), "{}"); });
    Call("networkClone", [&] { clone_ = networkClone(network_); });
    Call("networkScaleLogits", [&] {
      const std::vector<double> scales(kWidth, 1.0), biases(kWidth, 0.0);
      networkScaleLogits(clone_, scales.data(), biases.data(), kWidth);
    });
    Call("networkSetMetadata", [&] { networkSetMetadata(clone_, "key", "value"); });
    Call("networkRemoveMetadata", [&] { networkRemoveMetadata(clone_, "key"); });
    RunTrainer("trainer", network_);
    const char* transfer =
        R"({"drop_heads":["size"],"freeze":[{"pattern":"*"}],
            "unfreeze":[{"pattern":"heads.*"}],
            "heads":[{"name":"size","task":{"kind":"values","labels":["w","h"]}}]})";
    Call("networkExplainTransfer", [&] { networkExplainTransfer(loaded_, transfer); });
    Call("networkTransfer", [&] { grafted_ = networkTransfer(loaded_, transfer, 1); });
    RunTrainer("trainer of heads", grafted_);
    Call("taskLosses", [&] {
      taskLosses(network_, kBatch, Address(outputs_.data()), targets_.data(), nullptr, results_);
    });
    Call("taskMetrics", [&] {
      taskMetrics("values", R"(["w","h"])", nullptr, 0, true, kBatch, 2, Address(outputs_.data()),
                  targets_[2]);
    });
    RunPredictor("predictor", "{}");
    RunPredictor("bf16 predictor", R"({"precision":"bf16_weights","threads":2})");
    RunPredictor("int8 predictor", R"({"precision":"int8","threads":2})");
    for (const std::int64_t handle : {network_, loaded_, clone_, grafted_}) {
      Call("closeHandle", [&] { closeHandle(handle); });
    }
  }

 private:
  void Call(const std::string& name, const std::function<void()>& body) {
    const std::int64_t depth = stack_.DepthOf(body);
    EXPECT_LE(depth, testing::kMostStackBytes) << case_.name << ": " << name;
    EXPECT_GT(depth, 0);
  }

  void RunTrainer(const std::string& name, std::int64_t network) {
    // The thread that makes a trainer is the one that may use it: all in one call.
    const auto trained = [&](const std::string& what, const std::function<void(std::int64_t)>& use,
                             bool uses_cache = false) {
      Call(name + ": " + what, [&] {
        const std::int64_t trainer = trainerCreate(network, R"({"max_batch_size":48})");
        if (uses_cache && trainerHasFrozenPrefix(trainer)) {
          trainerReserveFeatures(trainer, 0, kExamples);
          trainerCacheFeatures(trainer, 0, 0, kExamples, Address(inputs_.data()));
        }
        use(trainer);
        trainerRelease(trainer);
        closeHandle(trainer);
      });
    };
    trained("step", [&](std::int64_t trainer) {
      trainerStep(trainer, kBatch, Address(inputs_.data()), targets_.data(), nullptr, results_);
    });
    Call(name + ": step with an own loss", [&] {
      const std::int64_t trainer =
          trainerCreate(network, R"({"max_batch_size":48,"own_losses":["trait","digit"]})");
      trainerBeginStep(trainer, kBatch, Address(inputs_.data()), targets_.data(), nullptr,
                       Address(outputs_.data()));
      const std::vector<float> gradients(static_cast<std::size_t>(kBatch * kWidth));
      const double sums[] = {1.0, 2.0};
      trainerFinishStep(trainer, Address(gradients.data()), sums, results_);
      closeHandle(trainer);
    });
    Call(name + ": step in shards", [&] {
      const std::int64_t trainer =
          trainerCreate(network, R"({"max_batch_size":48,"data_parallel":true})");
      std::vector<std::int64_t> totals(static_cast<std::size_t>(1 + trainerTargetCount(trainer)));
      std::vector<float> gradients(static_cast<std::size_t>(trainerGradientFloats(trainer)));
      const auto count = static_cast<std::int64_t>(totals.size());
      trainerCountLabelled(trainer, kBatch, targets_.data(), nullptr, totals.data(), count);
      trainerComputeGradients(trainer, totals.data(), count, 0, kBatch, Address(inputs_.data()),
                              targets_.data(), nullptr, Address(gradients.data()));
      trainerApplyGradients(trainer, totals.data(), count, Address(gradients.data()), results_);
      closeHandle(trainer);
    });
    trained("evaluate", [&](std::int64_t trainer) {
      trainerEvaluate(trainer, kBatch, Address(inputs_.data()), Address(outputs_.data()));
    });
    trained("best", [&](std::int64_t trainer) {
      trainerSaveBest(trainer);
      trainerRestoreBest(trainer);
    });
    trained("continue", [&](std::int64_t trainer) {
      trainerStep(trainer, kBatch, Address(inputs_.data()), targets_.data(), nullptr, results_);
      trainerSaveBest(trainer);
      trainerRelease(trainer);
      const std::int64_t next =
          trainerCreate(network, R"({"max_batch_size":48,"average_decay":0.9,"start_decay":1.0})");
      trainerContinueFrom(next, trainer, 1);
      trainerStep(next, kBatch, Address(inputs_.data()), targets_.data(), nullptr, results_);
      trainerSwapAverage(next);
      trainerSwapAverage(next);
      const std::string path = ::testing::TempDir() + "stack_depth_checkpoint";
      trainerSaveCheckpoint(next, path.c_str(), "{}");
      trainerLoadCheckpoint(next, path.c_str());
      checkpointNotes(path.c_str());
      std::remove(path.c_str());
      closeHandle(next);
    });
    trained(
        "cached",
        [&](std::int64_t trainer) {
          if (!trainerHasFrozenPrefix(trainer)) return;
          trainerStepCached(trainer, 0, kBatch, examples_.data(), targets_.data(), nullptr,
                            results_);
          trainerEvaluateCached(trainer, 0, kBatch, examples_.data(), Address(outputs_.data()));
        },
        true);
  }

  void RunPredictor(const std::string& name, const char* config) {
    std::int64_t predictor = 0;
    Call(name + ": create", [&] { predictor = predictorCreate(network_, config); });
    for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{2}, kBatch}) {
      Call(name + ": predict", [&] {
        predictorPredict(predictor, batch, Address(inputs_.data()), Address(outputs_.data()));
      });
      Call(name + ": pixels", [&] {
        predictorPredictPixels(predictor, batch, Address(pixels_.data()), Address(outputs_.data()));
      });
    }
    Call(name + ": describe", [&] { predictorDescribe(predictor); });
    Call(name + ": close", [&] { closeHandle(predictor); });
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

TEST(StackDepth, ImportsStayWithinIt) {
  const std::string file = std::string(ESPALIER_TESTDATA) + "/small_backbone.onnx";
  const std::int64_t importer = foreignImporterCreate("onnx", "{}");
  std::int64_t network = 0;
  testing::PaintedStack stack;
  const std::int64_t depth =
      stack.DepthOf([&] { network = foreignImporterRead(importer, file.c_str()); });
  EXPECT_LE(depth, testing::kMostStackBytes);
  EXPECT_LE(stack.DepthOf([&] { foreignImporterReport(importer); }), testing::kMostStackBytes);
  closeHandle(network);
  closeHandle(importer);
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

}  // namespace
}  // namespace espalier::jvm

#endif  // ESPALIER_SANITIZED
