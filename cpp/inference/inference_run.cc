// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_run.h"

#include <algorithm>

#include "core/checked.h"
#include "core/fast_paths.h"
#include "core/text.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

// A worker that is held up leaves its next part to others; but smaller parts read the weights more
// often, so each has to be worth some threads.
constexpr std::int64_t kMostRounds = 2;
constexpr std::int64_t kLeastOfRounds = 4;

// How much of the workers' time may pass in waiting for the last part, as a share of it all: where
// parts come out worse, operations are shared.
constexpr double kLeastBalance = 0.85;

std::int64_t ScratchFloats(const PlanSteps& plan, std::int64_t batch) {
  std::int64_t floats = 0;
  for (const PlanStep& step : plan.steps) {
    floats = std::max(floats, step.operation->ScratchFloats(batch));
  }
  return floats;
}

std::int64_t TemporaryFloats(const PlanSteps& plan, std::int64_t batch) {
  std::int64_t floats = 0;
  for (const PlanStep& step : plan.steps) {
    floats = std::max(floats, step.operation->TemporaryFloats(batch));
  }
  constexpr std::int64_t kLine = kAlignmentBytes / sizeof(float);
  return RoundUp(floats, kLine);
}

}  // namespace

InferenceRun::InferenceRun(const InferencePlan& plan, std::int64_t piece, int workers)
    : piece_(piece),
      workers_(workers),
      together_(plan.CanUseWorkers(plan.max_batch()) ? workers : 1,
                ScratchFloats(plan.content_, piece)) {
  const std::int64_t lanes = together_.workers();
  const std::int64_t room = Ceiling(piece, lanes);
  const std::int64_t least = plan.LeastPart(nullptr);
  const bool is_divided = lanes > 1 && room >= least && plan.max_batch() / lanes >= least;
  if (is_divided) part_room_ = room;
  arena_ = AlignedArray<float>(
      CheckedMultiply(plan.content_.arena_floats, std::max(piece, part_room_ * lanes)));
  temporary_ = AlignedArray<float>(
      std::max(TemporaryFloats(plan.content_, piece),
               is_divided ? CheckedMultiply(TemporaryFloats(plan.content_, room), lanes) : 0));
  whole_.emplace(MakeLane(plan, 0, piece));
  for (int worker = 0; is_divided && worker < lanes; ++worker) {
    parts_.push_back(MakeLane(plan, worker, room));
  }
}

InferenceRun::Lane InferenceRun::MakeLane(const InferencePlan& plan, int worker,
                                          std::int64_t batch) {
  const PlanSteps& content = plan.content_;
  Lane lane = {.step_inputs = {}, .calls = {}, .alone = together_.Alone(worker)};
  float* const arena = arena_.data() + worker * batch * content.arena_floats;
  const auto in_arena = [&](int value) {
    return arena + content.values[static_cast<std::size_t>(value)].offset * batch;
  };
  for (const PlanStep& step : content.steps) {
    for (const int value : step.inputs) lane.step_inputs.push_back(in_arena(value));
  }
  const float* const* inputs = lane.step_inputs.data();
  float* const temporary = temporary_.data() + worker * TemporaryFloats(content, batch);
  for (const PlanStep& step : content.steps) {
    const std::int64_t floats = content.values[static_cast<std::size_t>(step.output)].floats;
    lane.calls.push_back({.inputs = {inputs, step.inputs.size()},
                          .output = in_arena(step.output),
                          .output_stride = step.place ? step.place->stride : floats,
                          .temporary = temporary});
    inputs += step.inputs.size();
  }
  return lane;
}

[[gnu::always_inline]] inline void InferenceRun::RunExamples(const InferencePlan& plan,
                                                             std::int64_t first, std::int64_t count,
                                                             const Border& border, Lane& lane,
                                                             Workspace* together) {
  const PlanSteps& content = plan.content_;
  const auto floats_of = [&](int value) {
    const PlanValue& wanted = content.values[static_cast<std::size_t>(value)];
    return wanted.length.Cut(wanted.floats, border.lengths);
  };
  Pixels pixels{};
  if (border.pixels != nullptr) {
    pixels = border.pixels->From(first * floats_of(content.inputs[0]));
  } else {
    for (const InputUse& use : content.input_uses) {
      lane.step_inputs[use.reader] =
          border.inputs[use.input] + first * floats_of(content.inputs[use.input]);
    }
  }
  lane.order = Opposite(lane.order);
  OperationCall* call = lane.calls.data();
  for (const PlanStep& step : content.steps) {
    call->batch = count;
    call->order = lane.order;
    // Only the first step reads them.
    call->pixels = border.pixels != nullptr && &step == content.steps.data() ? &pixels : nullptr;
    std::int64_t full_batch = count;  // that would be as much work
    if (content.varies) {
      call->lengths = border.lengths;
      full_batch = count * step.length.In(border.lengths) / step.length.all;
      const PlanValue& output = content.values[static_cast<std::size_t>(step.output)];
      call->output_stride =
          output.length.Cut(step.place ? step.place->stride : output.floats, border.lengths);
    }
    if (step.place) {
      call->output =
          border.outputs[step.place->index] + step.place->offset + first * call->output_stride;
    }
    call->workspace =
        together != nullptr && full_batch >= step.shared_batch ? together : &lane.alone;
    step.operation->Run(*call++);
  }
}

[[gnu::always_inline]] inline void InferenceRun::Execute(const InferencePlan& plan,
                                                         std::int64_t batch, const Border& border) {
  const std::int64_t part = parts_.empty() ? 0 : PartOf(plan, batch, border.lengths);
  if (part > 0) {
    together_.ParallelForWorkers(Ceiling(batch, part), [&](std::int64_t task, int worker) {
      const std::int64_t first = task * part;
      RunExamples(plan, first, std::min(part, batch - first), border,
                  parts_[static_cast<std::size_t>(worker)], nullptr);
    });
    return;
  }
  for (std::int64_t first = 0; first < batch; first += piece_) {
    RunExamples(plan, first, std::min(piece_, batch - first), border, *whole_,
                together_.workers() > 1 ? &together_ : nullptr);
  }
}

// Examples for each worker at a time; 0: the batch is not to be cut.
std::int64_t InferenceRun::PartOf(const InferencePlan& plan, std::int64_t batch,
                                  const BatchLengths* lengths) const {
  const std::int64_t workers = together_.workers();
  if (batch < workers) return 0;
  const std::int64_t least = plan.LeastPart(lengths);
  if (batch / workers < least || !Takes(FastPath::kCutBatches)) return 0;
  const std::int64_t least_rounds = Ceiling(batch, workers * part_room_);
  const std::int64_t most_rounds = std::clamp(batch / (workers * least * kLeastOfRounds),
                                              least_rounds, std::max(least_rounds, kMostRounds));
  std::int64_t best = 0;
  double best_balance = kLeastBalance;
  for (std::int64_t rounds = least_rounds; rounds <= most_rounds; ++rounds) {
    const std::int64_t part = Ceiling(batch, workers * rounds);
    const std::int64_t turns = Ceiling(Ceiling(batch, part), workers);
    const double balance = static_cast<double>(batch) / static_cast<double>(turns * workers * part);
    if (balance >= best_balance) {
      best = part;
      best_balance = balance;
    }
  }
  return best;
}

// What a plan does with a run is here, and one function: calls between them cost the shortest
// prediction 3 of its 50 ns.

void InferencePlan::Run(std::int64_t batch, std::span<const float* const> inputs,
                        std::span<float* const> outputs, InferenceRun& run,
                        const BatchLengths* lengths) const {
  CheckCall(batch, inputs.size(), outputs.size());
  run.Execute(*this, batch, {.inputs = inputs, .outputs = outputs, .lengths = lengths});
}

void InferencePlan::RunPixels(std::int64_t batch, const Pixels& pixels,
                              std::span<float* const> outputs, InferenceRun& run) const {
  CheckCall(batch, 1, outputs.size());
  run.Execute(*this, batch, {.pixels = &pixels, .outputs = outputs});
}

void InferencePlan::CheckCall(std::int64_t batch, std::size_t inputs, std::size_t outputs) const {
  if (batch < 1 || batch > max_batch_) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of 1 to ", max_batch_,
         ", got ", batch);
  }
  if (inputs != content_.inputs.size() || outputs != content_.output_count) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected ", content_.inputs.size(),
         " inputs and ", content_.output_count, " outputs, got ", inputs, " and ", outputs);
  }
}

std::int64_t InferenceRun::NativeBytes() const {
  return arena_.bytes() + temporary_.bytes() + together_.NativeBytes();
}

void InferenceRun::TouchPages() {
  constexpr std::int64_t kPageFloats = 4096 / sizeof(float);
  for (std::int64_t i = 0; i < arena_.size(); i += kPageFloats) {
    *const_cast<volatile float*>(arena_.data() + i) = 0.0f;
  }
}

}  // namespace espalier
