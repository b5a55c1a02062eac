// SPDX-License-Identifier: Apache-2.0

// The caller's floating-point settings (rounding, denormals, traps) are the same before and
// after every call, whether it returns or throws: a JVM computes wrong results if a library
// changes them.

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

#include "espalier/error.h"
#include "jvm/bridge.h"

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

  void Keeps(const char* what, const std::function<void()>& call, bool throws = false) {
    bool threw = false;
    try {
      call();
    } catch (const Error&) {
      threw = true;
    }
    const unsigned after = _mm_getcsr();
    EXPECT_EQ(after & ~kStatus, GetParam() & ~kStatus) << what;
    EXPECT_EQ(threw, throws) << what;
    _mm_setcsr(GetParam());
  }

 private:
  unsigned saved_ = kUsual;
};

TEST_P(ControlRegister, IsTheSameAfterEveryCall) {
  std::vector<float> inputs(kBatch * kInput, 0.5f);
  inputs[1] = 1e-40f;
  std::vector<float> bad_inputs = inputs;
  bad_inputs[7] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> outputs(kBatch * kWidth);
  const std::vector<float> labels = {1, 0, 0, 1, 1, 1};
  const std::vector<float> bad_labels = {1, 0, 0, 7, 1, 1};
  const std::vector<std::int32_t> classes = {0, 2, 1};
  const std::int64_t targets[] = {Address(labels.data()), Address(classes.data())};
  const std::int64_t bad_targets[] = {Address(bad_labels.data()), Address(classes.data())};
  const std::int64_t masks[] = {0, 0};
  std::vector<double> results(7);
  const std::vector<std::int64_t> examples = {0, 2, 1};
  const std::string path = ::testing::TempDir() + "control_register.safetensors";

  std::int64_t network = 0;
  std::int64_t trainer = 0;
  std::int64_t predictor = 0;
  Keeps("build", [&] { network = networkBuild(kSpec, 1); });
  Keeps("build a wrong network", [&] { networkBuild("{}", 1); }, true);
  Keeps("a wrong trainer", [&] { trainerCreate(network, R"({"unknown":4})"); }, true);
  Keeps("trainer", [&] { trainer = trainerCreate(network, R"({"max_batch_size":4})"); });
  const auto step = [&](const std::vector<float>& values, const std::int64_t* answers) {
    trainerStep(trainer, kBatch, Address(values.data()), answers, masks, results.data());
  };
  Keeps("step", [&] { step(inputs, targets); });
  Keeps("step on a NaN", [&] { step(bad_inputs, targets); }, true);
  Keeps("step on a wrong label", [&] { step(inputs, bad_targets); }, true);
  Keeps("evaluate",
        [&] { trainerEvaluate(trainer, kBatch, Address(inputs.data()), Address(outputs.data())); });
  Keeps("losses", [&] {
    taskLosses(network, kBatch, Address(outputs.data()), targets, masks, results.data());
  });
  Keeps("probabilities", [&] { logitsToProbabilities(network, kBatch, Address(outputs.data())); });
  Keeps("metrics", [&] {
    const std::vector<float> probabilities(kBatch * 2, 0.25f);
    taskMetrics("labels", R"(["a","b"])", kBatch, Address(probabilities.data()), targets[0], 0.5);
  });
  Keeps("save and restore the best", [&] {
    trainerSaveBest(trainer);
    trainerRestoreBest(trainer);
  });
  Keeps("close the trainer", [&] { closeHandle(trainer); });

  Keeps("freeze", [&] { networkFreeze(network, "conv", true, false); });
  Keeps("trainer with a prefix", [&] { trainer = trainerCreate(network, "{}"); });
  Keeps("cache features", [&] {
    trainerReserveFeatures(trainer, 0, kBatch);
    trainerCacheFeatures(trainer, 0, 0, kBatch, Address(inputs.data()));
  });
  Keeps("cached step", [&] {
    trainerStepCached(trainer, 0, kBatch, examples.data(), targets, masks, results.data());
  });
  Keeps(
      "cached step of an example out of range",
      [&] {
        const std::int64_t far[] = {0, 1, 99};
        trainerStepCached(trainer, 0, kBatch, far, targets, masks, results.data());
      },
      true);
  Keeps("evaluate from features", [&] {
    trainerEvaluateCached(trainer, 0, kBatch, examples.data(), Address(outputs.data()));
  });
  Keeps("close the trainer", [&] { closeHandle(trainer); });

  Keeps("predictor", [&] { predictor = predictorCreate(network, "{}"); });
  Keeps("predict", [&] {
    predictorPredict(predictor, kBatch, Address(inputs.data()), Address(outputs.data()));
  });
  Keeps("predict nothing", [&] { predictorPredict(predictor, kBatch, 0, 0); }, true);
  Keeps("describe", [&] { predictorDescribe(predictor); });
  Keeps("save and load", [&] {
    networkSave(network, path.c_str());
    closeHandle(networkLoad(path.c_str()));
  });
  Keeps("load what is not there", [&] { networkLoad("/nowhere/none"); }, true);
  Keeps("clone", [&] { closeHandle(networkClone(network)); });
  Keeps("close", [&] {
    closeHandle(predictor);
    closeHandle(network);
  });
}

INSTANTIATE_TEST_SUITE_P(Settings, ControlRegister,
                         ::testing::Values(kUsual, kTowardZero, kFlushes));

}  // namespace
}  // namespace espalier::jvm
#endif  // x86-64
