// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/memory.h"
#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// A layer without a form of its own here: its Forward in evaluation mode, on a copy of its
/// parameters, with all the memory that it asks for.
class LayerOperation final : public Operation {
 public:
  LayerOperation(const NetworkState& network, int index);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return work_; }
  std::int64_t ScratchFloats(std::int64_t batch) const override {
    return layer_->ScratchFloats(batch, input_shapes_);
  }
  std::int64_t TemporaryFloats(std::int64_t batch) const override;
  std::int64_t NativeBytes() const override;

 private:
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> input_shapes) const;
  void Run(const OperationCall& call, std::span<const Shape> input_shapes,
           const Shape& output_shape) const;

  std::shared_ptr<const Layer> layer_;
  std::vector<Shape> input_shapes_;
  Shape output_shape_;
  Layout layout_;
  std::vector<Length> input_lengths_;  // empty: none varies
  Length output_length_;
  std::int64_t work_ = 0;
  std::vector<AlignedArray<float>> values_;
  std::vector<const float*> parameters_;
  AlignedArray<float> prepared_;
};

}  // namespace espalier
