// SPDX-License-Identifier: Apache-2.0

// Any bytes as a checkpoint: refused with the trainer as it was, or read, and the next step is one.
// Built with -DESPALIER_FUZZERS=ON (clang).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/memory.h"
#include "espalier/builder.h"
#include "espalier/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  SetNativeBytesLimit(std::int64_t{1} << 28);
  Network network =
      NetworkBuilder(Shape::Vector(2)).Dense("a", 2).Head("b", LabelsTask({"c"})).Build(1);
  Trainer trainer(network, {.optimizer = AdamW{}, .max_batch_size = 1, .average_decay = 0.9});
  const std::vector<float> before = network.ReadParameter("a.weight");
  const MemorySource file(std::as_bytes(std::span(data, size)));
  try {
    LoadCheckpointFrom(trainer, file);
  } catch (const Error& error) {
    const bool is_refusal =
        error.code() == ErrorCode::kModelFile || error.code() == ErrorCode::kInvalidArgument;
    if (!is_refusal || network.ReadParameter("a.weight") != before || trainer.steps() != 0) {
      std::abort();
    }
    return 0;
  }
  const float inputs[] = {1.0f, -1.0f};
  const float answer[] = {1.0f};
  const TaskTargets targets[] = {{.values = answer}};
  try {
    trainer.Step(1, inputs, targets);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNonFinite) std::abort();
  }
  for (const ParameterDescription& parameter : network.Parameters()) {
    if (!std::ranges::all_of(network.ReadParameter(parameter.path),
                             [](float value) { return std::isfinite(value); })) {
      std::abort();
    }
  }
  return 0;
}
