// SPDX-License-Identifier: Apache-2.0
#include "espalier/predictor.h"

#include <algorithm>
#include <vector>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/text.h"
#include "inference/buffer_pool.h"
#include "inference/inference_plan.h"
#include "inference/probabilities.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxBatch = std::int64_t{1} << 20;

// A batch runs in pieces whose activations stay within this, which is about what a core
// has of L2 and L3: larger pieces would only move data through memory, and every caller
// needs buffers of its own.
constexpr std::int64_t kPieceBytes = std::int64_t{8} << 20;

NetworkState& StateOf(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "predictor: expected a network, got one that was moved from");
  }
  return *network.state();
}

void CheckConfig(const NetworkState& network, const PredictorConfig& config) {
  if (config.max_batch_size < 1 || config.max_batch_size > kMaxBatch) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected max_batch_size of 1 to ", kMaxBatch,
         ", got ", config.max_batch_size);
  }
  if (network.heads.empty()) {
    Fail(ErrorCode::kInvalidState, "predictor: expected a network with a head, got a backbone");
  }
}

std::vector<int> HeadOutputs(const NetworkState& network) {
  std::vector<int> outputs;
  for (const GraphHead& head : network.heads) {
    outputs.push_back(head.output);
  }
  return outputs;
}

std::int64_t PieceSize(const InferencePlan& plan) {
  const std::int64_t bytes = std::max<std::int64_t>(
      1, CheckedMultiply(plan.floats_per_example(), static_cast<std::int64_t>(sizeof(float))));
  return std::clamp<std::int64_t>(kPieceBytes / bytes, 1, plan.max_batch());
}

}  // namespace

class Predictor::Implementation {
 public:
  Implementation(const NetworkState& network, const PredictorConfig& config)
      : plan_(network, {}, HeadOutputs(network), config.max_batch_size),
        probabilities_(network),
        pool_(plan_, PieceSize(plan_)),
        input_size_(network.input.element_count()),
        wants_logits_(config.logits) {}

  void Predict(std::int64_t batch, std::span<const float> inputs, std::span<float> outputs) {
    CheckSize("inputs", batch, input_size(), inputs.size());
    CheckSize("outputs", batch, output_size(), outputs.size());
    const FlushDenormals flush;
    const BufferPool::Lease buffers(pool_);
    for (std::int64_t done = 0; done < batch; done += pool_.batch()) {
      const std::int64_t count = std::min(pool_.batch(), batch - done);
      const float* input = inputs.data() + done * input_size();
      float* output = outputs.data() + done * output_size();
      plan_.RunSideBySide(count, {&input, 1}, output, *buffers);
      if (!wants_logits_) {
        probabilities_.Apply(count, output);
      }
    }
  }

  std::int64_t input_size() const { return input_size_; }
  std::int64_t output_size() const { return probabilities_.width(); }
  std::int64_t NativeBytes() const { return plan_.NativeBytes() + pool_.NativeBytes(); }

  std::string Describe() const {
    return Concat("CPU target ", CpuTargetName(ActiveCpuTarget()), "; weights ",
                  plan_.NativeBytes(), " bytes; buffers ", pool_.NativeBytes(),
                  " bytes, for pieces of ", pool_.batch(), "\n", plan_.Describe());
  }

 private:
  static void CheckSize(const char* what, std::int64_t batch, std::int64_t size, std::size_t got) {
    std::int64_t expected = 0;
    if (batch < 0 || __builtin_mul_overflow(batch, size, &expected)) {
      Fail(ErrorCode::kInvalidArgument, "predict: expected a batch of at least 0, got ", batch);
    }
    if (got != static_cast<std::size_t>(expected)) {
      Fail(ErrorCode::kShapeMismatch, "predict: expected ", what, " of ", expected, " floats, ",
           batch, " examples of ", size, ", got ", got);
    }
  }

  InferencePlan plan_;
  Probabilities probabilities_;
  BufferPool pool_;
  std::int64_t input_size_;
  bool wants_logits_;
};

Predictor::Predictor(const Network& network, const PredictorConfig& config) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "predictor");
  CheckConfig(state, config);
  implementation_ = std::make_unique<Implementation>(state, config);
}

Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

void Predictor::Predict(std::int64_t batch, std::span<const float> inputs,
                        std::span<float> outputs) const {
  implementation_->Predict(batch, inputs, outputs);
}

std::int64_t Predictor::input_size() const { return implementation_->input_size(); }
std::int64_t Predictor::output_size() const { return implementation_->output_size(); }
std::int64_t Predictor::NativeBytes() const { return implementation_->NativeBytes(); }
std::string Predictor::Describe() const { return implementation_->Describe(); }

}  // namespace espalier
