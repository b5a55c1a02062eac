// SPDX-License-Identifier: Apache-2.0
#pragma once

// One step of an inference plan: one layer, or several fused into one. Operations own
// copies of all weights that they use.

#include <cstdint>
#include <span>
#include <string>

#include "core/thread_pool.h"
#include "kernels/elementwise/activation.h"
#include "kernels/matmul/matmul.h"
#include "kernels/copies/pixels.h"
#include "layers/work.h"
#include "network/lengths.h"

namespace espalier {

/// An activation that follows, applied before results leave the cache.
struct FusedActivation {
  Activation activation = Activation::kNone;
  float slope = 0.01f;  // leaky relu
};

struct OperationCall {
  std::int64_t batch = 0;
  std::span<const float* const> inputs;  // [batch, floats of the input]
  const Pixels* pixels = nullptr;        // in place of inputs[0]; null but where ReadsPixels()
  float* output = nullptr;
  std::int64_t output_stride = 0;  // floats from one example's output to the next one's
  float* temporary = nullptr;      // TemporaryFloats, contents undefined
  Workspace* workspace = nullptr;
  PanelOrder order = PanelOrder::kForward;
  const BatchLengths* lengths = nullptr;  // null: all positions of all values
};

class Operation {
 public:
  virtual ~Operation() = default;

  /// Allocates nothing. An example's output depends on its inputs alone, to the bit.
  virtual void Run(const OperationCall& call) const = 0;

  /// Multiply-adds of one example, or what takes as long.
  virtual std::int64_t work() const = 0;

  /// Scratch floats a worker needs for that many examples.
  virtual std::int64_t ScratchFloats(std::int64_t /*batch*/) const { return 0; }

  /// Floats of a call beside that, for that many examples and fewer.
  virtual std::int64_t TemporaryFloats(std::int64_t /*batch*/) const { return 0; }

  /// True if it can take its first input in pixels, with the bits of their floats.
  virtual bool ReadsPixels() const { return false; }

  /// True if output_stride may differ from the floats of an output.
  virtual bool is_strided() const { return false; }

  virtual std::int64_t NativeBytes() const = 0;

  /// How it computes, for people: "Winograd F(4 x 4, 3 x 3)"; empty: as its layer's name says.
  virtual std::string Kernel() const { return {}; }
};

}  // namespace espalier
