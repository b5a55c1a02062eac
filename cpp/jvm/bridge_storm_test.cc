// SPDX-License-Identifier: Apache-2.0
// All that Java may do to one network at once, natively, so that the thread sanitizer sees it;
// SharedHandleStormTest.java is its twin. ESPALIER_STORM_SECONDS in the environment makes it long.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "espalier/error.h"
#include "jvm/bridge.h"

namespace espalier::jvm {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kEnough = 10;
constexpr std::chrono::minutes kPatience{3};
constexpr int kInputs = 4;
constexpr int kOutputs = 5;
constexpr const char* kSpec = R"({"input":[4],
  "layers":[{"kind":"dense","name":"features","attributes":{"units":5}},{"kind":"relu"}],
  "heads":[{"name":"trait","task":{"kind":"labels","labels":["a","b"]}},
           {"name":"digit","task":{"kind":"classes","labels":["0","1","2"]}}]})";
constexpr const char* kOptions =
    R"({"max_batch_size":1,"pixel_scale":1.0,"pixel_offset":0.0,"weight_copies":2})";

std::int64_t Address(const void* memory) { return reinterpret_cast<std::int64_t>(memory); }

std::chrono::seconds StormSeconds() {
  const char* seconds = std::getenv("ESPALIER_STORM_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 2 : std::atoi(seconds));
}

/// A predictor's handle, and its answer while nobody else had it.
struct Shared {
  std::int64_t predictor = 0;
  std::array<float, kOutputs> expected{};
};

class BridgeStorm : public ::testing::Test {
 protected:
  BridgeStorm() : end_(steady_clock::now() + StormSeconds()) {}

  // Takes turns until the storm is over: when its time is, within reason once there were enough of
  // everything. What a turn may meet is CLOSED or BUSY.
  void Start(std::atomic<std::int64_t>& done, std::function<void()> turn) {
    counts_.push_back(&done);
    turns_.emplace_back([this, &done, turn = std::move(turn)] {
      while (!IsOver()) {
        try {
          turn();
          done.fetch_add(1, std::memory_order_relaxed);
        } catch (const Error& error) {
          const bool is_refusal =
              error.code() == ErrorCode::kClosed || error.code() == ErrorCode::kBusy;
          (is_refusal ? refused_ : wrong_).fetch_add(1);
        }
      }
    });
  }

  bool IsOver() const {
    const steady_clock::time_point now = steady_clock::now();
    return wrong_ > 0 || (now >= end_ && (HasEnough() || now >= end_ + kPatience));
  }

  bool HasEnough() const {
    return refused_ > kEnough && std::all_of(counts_.begin(), counts_.end(),
                                             [](const auto* count) { return *count > kEnough; });
  }

  void Run() {
    for (const std::function<void()>& turn : turns_) threads_.emplace_back(turn);
    for (std::thread& thread : threads_) thread.join();
  }

  const Shared* Observe(std::int64_t predictor) {
    Shared& shared = all_.emplace_back();
    shared.predictor = predictor;
    predictorPredict(predictor, 1, Address(inputs_.data()), Address(shared.expected.data()));
    return &shared;
  }

  void Predict(bool from_pixels) {
    const Shared* shared = current_;
    std::array<float, kOutputs> outputs{};
    if (from_pixels) {
      predictorPredictPixels(shared->predictor, 1, Address(pixels_.data()),
                             Address(outputs.data()));
    } else {
      predictorPredict(shared->predictor, 1, Address(inputs_.data()), Address(outputs.data()));
    }
    wrong_.fetch_add(outputs != shared->expected);
  }

  const std::array<float, kInputs> inputs_ = {1, 2, 3, 4};
  const std::array<std::int8_t, kInputs> pixels_ = {1, 2, 3, 4};
  const steady_clock::time_point end_;
  std::deque<Shared> all_;  // of the thread that replaces
  std::atomic<const Shared*> current_{nullptr};
  std::atomic<std::int64_t> wrong_{0};
  std::atomic<std::int64_t> refused_{0};
  std::vector<const std::atomic<std::int64_t>*> counts_;
  std::vector<std::function<void()>> turns_;
  std::vector<std::thread> threads_;
};

TEST_F(BridgeStorm, NothingBreaksAndNothingIsLeft) {
  const std::int64_t handles = liveHandles();
  const std::int64_t bytes = nativeBytes();
  const std::int64_t trained = networkBuild(kSpec, 1);
  const std::int64_t still = networkBuild(kSpec, 2);
  current_ = Observe(predictorCreate(still, kOptions));
  std::atomic<std::int64_t> trainer{trainerCreate(trained, R"({"max_batch_size":2})")};
  closeHandle(trainer);  // it belongs to this thread; the one that steps makes its own
  std::atomic<std::int64_t> predicted{0};
  std::atomic<std::int64_t> closed{0};
  std::atomic<std::int64_t> replaced{0};
  std::atomic<std::int64_t> stepped{0};

  Start(predicted, [&] { Predict(false); });
  Start(predicted, [&] { Predict(false); });
  Start(predicted, [&] { Predict(true); });
  // Two close the same predictor, and now and then the trainer under its running step.
  for (int i = 0; i < 2; ++i) {
    Start(closed, [&, turn = 0]() mutable {
      closeHandle(current_.load()->predictor);
      if (++turn % 64 == 0) closeHandle(trainer);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    });
  }
  Start(replaced, [&] {
    std::int64_t next = 0;
    try {
      next = predictorCreate(trained, kOptions);
    } catch (const Error&) {  // it is being trained
      next = predictorCreate(still, kOptions);
    }
    closeHandle(current_.exchange(Observe(next))->predictor);
  });
  Start(stepped, [&] {
    const std::array<float, 4> labels = {1, 0, 0, 1};
    const std::array<std::int32_t, 2> classes = {2, 0};
    const std::array<std::int64_t, 2> targets = {Address(labels.data()), Address(classes.data())};
    const std::array<float, 2 * kInputs> batch = {1, 2, 3, 4, 4, 3, 2, 1};
    std::array<double, 9> results{};
    try {
      trainerStep(trainer, 2, Address(batch.data()), targets.data(), nullptr, results.data());
    } catch (const Error&) {  // closed by another: let the network go, begin anew
      trainer = trainerCreate(trained, R"({"max_batch_size":2})");
      throw;
    }
  });
  Run();
  closeHandle(current_.load()->predictor);
  for (const std::int64_t handle : {trainer.load(), trained, still}) closeHandle(handle);

  RecordProperty("predicted", std::to_string(predicted));
  EXPECT_EQ(wrong_, 0);
  EXPECT_EQ(liveHandles(), handles);
  EXPECT_EQ(nativeBytes(), bytes);
  EXPECT_TRUE(HasEnough());
}

}  // namespace
}  // namespace espalier::jvm
