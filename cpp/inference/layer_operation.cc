// SPDX-License-Identifier: Apache-2.0
#include "inference/layer_operation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/checked.h"

namespace espalier {
namespace {

// A plan's passes go forward only, and leave everything as it is.
constexpr LayerUse kUse = {
    .mode = Mode::kEvaluation, .grad_inputs = false, .grad_parameters = false};

std::array<Shape, kMostVaryingInputs> MakeShapes() {
  return {Shape{1}, Shape{1}, Shape{1}, Shape{1}};
}

}  // namespace

LayerOperation::LayerOperation(const NetworkState& network, int index)
    : layer_(network.layers[static_cast<std::size_t>(index)].layer),
      input_shapes_(network.layers[static_cast<std::size_t>(index)].input_shapes),
      output_shape_(network.layers[static_cast<std::size_t>(index)].output_shape),
      layout_(network.value(network.layers[static_cast<std::size_t>(index)].output).layout),
      output_length_(network.value(network.layers[static_cast<std::size_t>(index)].output).length),
      work_(layer_->Work(input_shapes_)) {
  bool varies = false;
  for (const int input : network.layers[static_cast<std::size_t>(index)].inputs) {
    input_lengths_.push_back(network.value(input).length);
    varies = varies || input_lengths_.back().varies();
  }
  if (!varies) input_lengths_.clear();
  for (const int parameter : network.layers[static_cast<std::size_t>(index)].parameters) {
    AlignedArray<float> copy(
        network.parameters[static_cast<std::size_t>(parameter)].shape.element_count());
    std::copy_n(network.parameter_values(parameter), copy.size(), copy.data());
    parameters_.push_back(copy.data());
    values_.push_back(std::move(copy));
  }
  if (const std::int64_t floats = Memory(1, input_shapes_).prepared; floats > 0) {
    prepared_ = AlignedArray<float>(floats);
    Workspace workspace(1, layer_->ScratchFloats(1, input_shapes_));
    layer_->Prepare(input_shapes_, kUse, parameters_, prepared_.data(), workspace);
  }
}

LayerMemory LayerOperation::Memory(std::int64_t batch, std::span<const Shape> input_shapes) const {
  return layer_->Memory(batch, input_shapes, kUse);
}

std::int64_t LayerOperation::TemporaryFloats(std::int64_t batch) const {
  const LayerMemory memory = Memory(batch, input_shapes_);
  return CheckedAdd(memory.saved, memory.forward);
}

void LayerOperation::Run(const OperationCall& call) const {
  if (call.lengths == nullptr || input_lengths_.empty()) {
    Run(call, input_shapes_, output_shape_);
    return;
  }
  std::array<Shape, kMostVaryingInputs> shapes = MakeShapes();
  for (std::size_t i = 0; i < input_shapes_.size(); ++i) {
    shapes[i] = input_lengths_[i].Cut(input_shapes_[i], call.lengths);
  }
  Run(call, std::span(shapes).first(input_shapes_.size()),
      output_length_.Cut(output_shape_, call.lengths));
}

void LayerOperation::Run(const OperationCall& call, std::span<const Shape> input_shapes,
                         const Shape& output_shape) const {
  ForwardArguments arguments;
  arguments.batch = call.batch;
  arguments.mode = Mode::kEvaluation;
  arguments.layout = layout_;
  arguments.input_shapes = input_shapes;
  arguments.output_shape = output_shape;
  arguments.inputs = call.inputs;
  arguments.parameters = parameters_;
  arguments.output = call.output;
  const LayerMemory memory = Memory(call.batch, input_shapes);
  if (memory.saved > 0) arguments.saved = call.temporary;
  if (memory.forward > 0) arguments.temporary = call.temporary + memory.saved;
  if (memory.prepared > 0) arguments.prepared = prepared_.data();
  arguments.workspace = call.workspace;
  layer_->Forward(arguments);
}

std::int64_t LayerOperation::NativeBytes() const {
  std::int64_t bytes = prepared_.bytes();
  for (const AlignedArray<float>& values : values_) {
    bytes += values.bytes();
  }
  return bytes;
}

}  // namespace espalier
