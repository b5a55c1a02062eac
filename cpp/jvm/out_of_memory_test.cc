// SPDX-License-Identifier: Apache-2.0

// Whatever Java may call, at whatever allocation memory ends: the call is OUT_OF_MEMORY, loses
// nothing and leaves nothing behind, and works when there is memory again.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "core/memory.h"
#include "espalier/error.h"
#include "jvm/bridge.h"
#include "testing/sanitized.h"

#ifdef ESPALIER_FAIL_POINTS

#ifndef ESPALIER_SANITIZED
#include "testing/replaced_new.h"

namespace {

std::atomic<std::int64_t> objects_until_failure{0};  // 0: never
std::atomic<bool> objects_fail_persistently{false};

void FailObject(std::int64_t nth, bool persistent) {
  objects_fail_persistently.store(persistent);
  objects_until_failure.store(nth);
}

}  // namespace

void espalier::testing::BeforeAllocation() {
  const std::int64_t left = objects_until_failure.load(std::memory_order_relaxed);
  if (left > 0) {
    objects_until_failure.store(left == 1 && objects_fail_persistently.load() ? 1 : left - 1);
    if (left == 1) throw std::bad_alloc();
  }
}

#endif

namespace espalier::jvm {
namespace {

constexpr const char* kSpec = R"({"input":[1,8,8],
  "layers":[{"kind":"conv2d","name":"conv","attributes":{"channels":4,"kernel":3}},
            {"kind":"batch_norm","name":"norm"},{"kind":"relu"},{"kind":"flatten"},
            {"kind":"dense","name":"features","attributes":{"units":5}},{"kind":"relu"}],
  "heads":[{"name":"trait","task":{"kind":"labels","labels":["a","b"]}},
           {"name":"digit","task":{"kind":"classes","labels":["0","1","2"]}}]})";
constexpr const char* kTransfer = R"({"heads":[{"name":"new",
  "task":{"kind":"labels","labels":["x","y"]}}],"freeze":[{"pattern":"conv"}]})";
constexpr std::int64_t kBatch = 3;
constexpr std::int64_t kInput = 64;
constexpr std::int64_t kWidth = 5;

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

std::string FileContent(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A kind of memory that can end: arrays of numbers, or objects on the C++ heap.
struct Memory {
  const char* name;
  void (*fail)(std::int64_t nth, bool persistent);
  std::int64_t (*until_failure)();

  // Allocations of a call that succeeds.
  std::int64_t Count(const std::function<void()>& call) const {
    constexpr std::int64_t kNever = std::int64_t{1} << 40;
    fail(kNever, false);
    call();
    const std::int64_t left = until_failure();
    fail(0, false);
    return kNever - left;
  }
};

const Memory kMemories[] = {
    {"array", FailAllocation, AllocationsUntilFailure},
#ifndef ESPALIER_SANITIZED
    {"object", FailObject, [] { return objects_until_failure.load(); }},
#endif
};

class OutOfMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    network = networkBuild(kSpec, 1);
    trained = networkClone(network);
    trainer = trainerCreate(trained, "{}");
    predictor = predictorCreate(network, "{}");
    networkSave(network, path.c_str(), false);
    predictorPredict(predictor, kBatch, Address(inputs), Address(outputs));
    expected.assign(outputs, outputs + kBatch * kWidth);
  }

  void TearDown() override {
    for (const std::int64_t handle : {predictor, trainer, trained, network}) closeHandle(handle);
    std::remove(path.c_str());
    std::remove((path + ".onnx").c_str());
    std::remove((path + ".weights").c_str());
  }

  // Nothing that existed before has changed, nothing new is there.
  void ExpectAsBefore(const std::string& what) {
    EXPECT_EQ(liveHandles(), handles_before) << what;
    EXPECT_EQ(nativeBytes(), bytes_before) << what;
    EXPECT_EQ(FileContent(path), file_before) << what;
    predictorPredict(predictor, kBatch, Address(inputs), Address(outputs));
    EXPECT_EQ(std::vector<float>(outputs, outputs + kBatch * kWidth), expected) << what;
  }

  // Runs a call again and again, each time with another of its allocations failing.
  void FailEveryAllocation(const char* what, const std::function<void()>& call) {
    SCOPED_TRACE(what);
    call();  // whatever stays for good is there
    handles_before = liveHandles();
    bytes_before = nativeBytes();
    file_before = FileContent(path);
    for (const Memory& memory : kMemories) {
      const std::int64_t count = memory.Count(call);
      // All of the first ones, a selection of thousands.
      for (std::int64_t nth = 1; nth <= count && !HasFailure(); nth += 1 + nth / 32) {
        for (const bool persistent : {false, true}) {
          FailOnce(memory, nth, persistent, call);
        }
      }
    }
    call();
  }

  void FailOnce(const Memory& memory, std::int64_t nth, bool persistent,
                const std::function<void()>& call) {
    std::string error;
    memory.fail(nth, persistent);
    try {
      call();
    } catch (const Error& thrown) {
      if (thrown.code() != ErrorCode::kOutOfMemory) error = thrown.what();
      ++failures;
    } catch (const std::bad_alloc&) {  // not even memory for the text of an error
      ++failures;
    }
    memory.fail(0, false);
    const std::string at = std::string(memory.name) + " " + std::to_string(nth) +
                           (persistent ? " and all after it" : "");
    EXPECT_EQ(error, "") << at;
    ExpectAsBefore(at);
  }

  // Many calls had to fail; where objects come from a sanitizer's heap, those of arrays alone.
  void ExpectFailures(int least) const {
    EXPECT_GE(failures, std::size(kMemories) == 2 ? least : 1);
  }

  float inputs[kBatch * kInput] = {1.0f, -2.0f, 3.0f};
  float outputs[kBatch * kWidth] = {};
  float logits[kBatch * kWidth] = {};
  double results[16] = {};
  float labels[kBatch * 2] = {1.0f, 0.0f, 0.0f};
  std::int32_t classes[kBatch] = {0, 2, 1};
  std::int64_t network = 0;
  std::int64_t trained = 0;
  std::int64_t trainer = 0;
  std::int64_t predictor = 0;
  std::string path = ::testing::TempDir() + "espalier_out_of_memory.safetensors";
  std::vector<float> expected;
  std::int64_t handles_before = 0;
  std::int64_t bytes_before = 0;
  std::string file_before;
  int failures = 0;
};

struct Handle {
  explicit Handle(std::int64_t handle) : id(handle) {}
  ~Handle() { closeHandle(id); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  std::int64_t id;
};

TEST_F(OutOfMemory, OfNetworksLosesNothing) {
  FailEveryAllocation("build", [] { closeHandle(networkBuild(kSpec, 2)); });
  FailEveryAllocation("spec", [&] { networkSpec(network); });
  FailEveryAllocation("describe", [&] { networkDescribe(network); });
  FailEveryAllocation("parameters", [&] { networkParameters(network); });
  FailEveryAllocation("clone", [&] { closeHandle(networkClone(network)); });
  FailEveryAllocation("transfer", [&] { closeHandle(networkTransfer(network, kTransfer, 3)); });
  FailEveryAllocation("explain", [&] { networkExplainTransfer(network, kTransfer); });
  FailEveryAllocation("freeze", [&] { networkFreeze(network, R"(["conv"])", false, false); });
  FailEveryAllocation("save", [&] { networkSave(network, path.c_str(), false); });
  FailEveryAllocation("save int8", [&] { networkSave(network, path.c_str(), true); });
  FailEveryAllocation("export",
                      [&] { networkExportOnnx(network, (path + ".onnx").c_str(), "{}"); });
  const std::string weights_path = path + ".weights";
  const char* map = R"({"rules": [{"parameter": "heads.*", "tensor": "x*", "values": "same"}]})";
  FailEveryAllocation("export weights",
                      [&] { networkExportSafetensors(network, weights_path.c_str(), map); });
  FailEveryAllocation("load weights",
                      [&] { networkLoadWeights(network, weights_path.c_str(), map); });
  std::vector<std::int8_t> file(1 << 16);
  FailEveryAllocation("write", [&] {
    const Handle writer(modelWriterCreate(network, true));
    file.resize(static_cast<std::size_t>(
        modelWriterRead(writer.id, file.data(), static_cast<std::int64_t>(file.capacity()))));
  });
  FailEveryAllocation("read", [&] {
    const Handle reader(modelReaderCreate("{}"));
    modelReaderWrite(reader.id, file.data(), static_cast<std::int64_t>(file.size()));
    closeHandle(modelReaderFinish(reader.id));
  });
  FailEveryAllocation("load", [&] { closeHandle(networkLoad(path.c_str(), "{}")); });
  ExpectFailures(1000);
}

TEST_F(OutOfMemory, OfTrainersLosesNothing) {
  const std::int64_t targets[] = {Address(labels), Address(classes)};
  FailEveryAllocation("create", [&] { closeHandle(trainerCreate(network, "{}")); });
  FailEveryAllocation("create with an own loss",
                      [&] { closeHandle(trainerCreate(network, R"({"own_losses":["trait"]})")); });
  FailEveryAllocation(
      "step", [&] { trainerStep(trainer, kBatch, Address(inputs), targets, nullptr, results); });
  FailEveryAllocation("evaluate",
                      [&] { trainerEvaluate(trainer, kBatch, Address(inputs), Address(logits)); });
  FailEveryAllocation("save best", [&] { trainerSaveBest(trainer); });
  FailEveryAllocation("restore best", [&] { trainerRestoreBest(trainer); });
  FailEveryAllocation(
      "losses", [&] { taskLosses(network, kBatch, Address(logits), targets, nullptr, results); });
  FailEveryAllocation("metrics", [&] {
    taskMetrics("labels", R"(["a","b"])", nullptr, 0, true, kBatch, 2, Address(logits),
                Address(labels));
  });
  ExpectFailures(100);
}

TEST_F(OutOfMemory, OfPredictorsLosesNothing) {
  const unsigned char pixels[kInput * kBatch] = {1, 2, 3};
  for (const char* config : {"{}", R"({"precision":"bf16_weights","threads":2,"weight_copies":3})",
                             R"({"other_shapes":1})"}) {
    FailEveryAllocation("create", [&] { closeHandle(predictorCreate(network, config)); });
  }
  FailEveryAllocation(
      "predict", [&] { predictorPredict(predictor, kBatch, Address(inputs), Address(logits)); });
  FailEveryAllocation("predict pixels", [&] {
    predictorPredictPixels(predictor, kBatch, Address(pixels), Address(logits));
  });
  FailEveryAllocation("describe", [&] { predictorDescribe(predictor); });
  ExpectFailures(100);
}

}  // namespace
}  // namespace espalier::jvm

#endif  // ESPALIER_FAIL_POINTS
