// SPDX-License-Identifier: Apache-2.0
#include "network/cost.h"

#include <algorithm>
#include <vector>

#include "core/checked.h"
#include "core/text.h"
#include "core/thread_pool.h"
#include "network/parameter_layout.h"

namespace espalier {
namespace {

// Optimizers keep two moments of a parameter at most, beside its gradient.
constexpr std::int64_t kTrainingCopies = 3;

// A training plan keeps an activation, and at times its gradient.
constexpr std::int64_t kKeptCopies = 2;

std::int64_t BytesOf(std::int64_t floats) { return SaturatedMultiply(floats, sizeof(float)); }

class Estimate {
 public:
  Estimate(const NetworkState& network, CostUse use)
      : network_(network),
        is_kept_(network.layers.size(), 0),
        last_reader_(network.values.size(), -1) {
    if (use == CostUse::kTraining) {
      is_kept_ = FrozenPrefix(network);
      for (char& kept : is_kept_) kept = kept == 0 ? 1 : 0;
    }
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      for (const int input : network.layers[i].inputs) {
        last_reader_[static_cast<std::size_t>(input)] = static_cast<int>(i);
      }
    }
  }

  NetworkCost Run() {
    // The inputs, which are read as they lie or converted. Rounding to cache lines is left out.
    for (std::size_t i = 0; i < network_.inputs.size(); ++i) {
      live_ = SaturatedAdd(live_, BytesOf(network_.values[i].shape.element_count()));
    }
    peak_ = live_;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) AddLayer(static_cast<int>(i));
    NetworkCost cost = cost_;
    cost.native_bytes = BytesOf(ParameterFloats(network_));
    for (const std::int64_t bytes : {weights_, kept_, peak_, scratch_}) {
      cost.native_bytes = SaturatedAdd(cost.native_bytes, bytes);
    }
    return cost;
  }

 private:
  void AddLayer(int index) {
    const GraphLayer& layer = network_.layers[static_cast<std::size_t>(index)];
    const std::int64_t work = layer.layer->Work(layer.input_shapes);
    cost_.multiply_adds = SaturatedAdd(cost_.multiply_adds, work);
    if (work > cost_.longest_layer_multiply_adds) {
      cost_.longest_layer = index;
      cost_.longest_layer_multiply_adds = work;
    }
    const std::int64_t weights = WeightBytes(layer, is_kept_[static_cast<std::size_t>(index)] != 0);
    const std::int64_t scratch =
        SaturatedMultiply(BytesOf(layer.layer->ScratchFloats(1, layer.input_shapes)),
                          ThreadPool::Shared().thread_count() + 1);
    weights_ = SaturatedAdd(weights_, weights);
    scratch_ = std::max(scratch_, scratch);
    const std::int64_t output = BytesOf(layer.output_shape.element_count());
    AddOutput(index, output);
    std::int64_t bytes = SaturatedAdd(SaturatedAdd(weights, scratch), output);
    for (const Shape& input : layer.input_shapes) {
      bytes = SaturatedAdd(bytes, BytesOf(input.element_count()));
    }
    if (bytes > cost_.largest_layer_bytes) {
      cost_.largest_layer = index;
      cost_.largest_layer_bytes = bytes;
    }
  }

  // The output lives until its last reader has run, or is kept.
  void AddOutput(int index, std::int64_t bytes) {
    if (is_kept_[static_cast<std::size_t>(index)] != 0) {
      kept_ = SaturatedAdd(kept_, SaturatedMultiply(bytes, kKeptCopies));
      return;
    }
    live_ = SaturatedAdd(live_, bytes);
    peak_ = std::max(peak_, live_);
    const GraphLayer& layer = network_.layers[static_cast<std::size_t>(index)];
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      const int maker = network_.value(layer.inputs[i]).layer;
      if (maker == kNoLayer || is_kept_[static_cast<std::size_t>(maker)] != 0) continue;
      const auto input = static_cast<std::size_t>(layer.inputs[i]);
      if (last_reader_[input] != index) continue;
      last_reader_[input] = -1;  // it may read the same input twice
      live_ -= std::min(live_, BytesOf(layer.input_shapes[i].element_count()));
    }
  }

  // What plans and optimizers hold of a layer's parameters, those of the network itself aside.
  std::int64_t WeightBytes(const GraphLayer& layer, bool is_trained) const {
    std::int64_t floats = 0;
    for (const int parameter : layer.parameters) {
      floats = SaturatedAdd(
          floats, network_.parameters[static_cast<std::size_t>(parameter)].shape.element_count());
    }
    const LayerMemory memory = layer.layer->Memory(
        1, layer.input_shapes,
        {.mode = Mode::kEvaluation, .grad_inputs = false, .grad_parameters = false});
    const std::int64_t packed = std::max(floats, SaturatedAdd(memory.prepared, memory.forward));
    const std::int64_t trained = is_trained ? SaturatedMultiply(floats, kTrainingCopies) : 0;
    return BytesOf(SaturatedAdd(packed, trained));
  }

  const NetworkState& network_;
  std::vector<char> is_kept_;     // by layer: training keeps its output
  std::vector<int> last_reader_;  // of each value
  NetworkCost cost_;
  std::int64_t live_ = 0;  // bytes of outputs that are still to be read
  std::int64_t peak_ = 0;  // the most of them at a time
  std::int64_t kept_ = 0;
  std::int64_t weights_ = 0;
  std::int64_t scratch_ = 0;
};

[[noreturn]] void FailLimit(const char* what, const char* unit, std::int64_t limit,
                            std::int64_t got, const NetworkState& network, int index,
                            std::int64_t share) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
  Fail(ErrorCode::kInvalidArgument, "limit of ", what, ": expected at most ", limit, unit, ", got ",
       got, "; layer '", layer.name, "' (", layer.layer->kind(), " to ",
       layer.output_shape.ToString(), ") takes most, ", share);
}

void CheckAtLeastOne(const char* what, std::int64_t limit) {
  if (limit < 1) {
    Fail(ErrorCode::kInvalidArgument, "limit of ", what, ": expected at least 1, got ", limit);
  }
}

}  // namespace

NetworkCost EstimateCost(const NetworkState& network, CostUse use) {
  return Estimate(network, use).Run();
}

void CheckLimits(const NetworkState& network, const NetworkLimits& limits, CostUse use) {
  CheckLayerCount(static_cast<std::int64_t>(network.layers.size()), limits);
  const NetworkCost cost = EstimateCost(network, use);
  if (cost.multiply_adds > limits.multiply_adds) {
    FailLimit("multiply-adds", " an example, or what takes as long", limits.multiply_adds,
              cost.multiply_adds, network, cost.longest_layer, cost.longest_layer_multiply_adds);
  }
  if (cost.native_bytes > limits.native_bytes) {
    FailLimit("native bytes",
              use == CostUse::kTraining ? " for training with one example"
                                        : " for predicting one example",
              limits.native_bytes, cost.native_bytes, network, cost.largest_layer,
              cost.largest_layer_bytes);
  }
}

void CheckLimitValues(const NetworkLimits& limits) {
  CheckAtLeastOne("multiply-adds", limits.multiply_adds);
  CheckAtLeastOne("native bytes", limits.native_bytes);
  CheckAtLeastOne("layers", limits.layers);
}

void CheckLayerCount(std::int64_t layers, const NetworkLimits& limits) {
  if (layers > limits.layers) {
    Fail(ErrorCode::kInvalidArgument, "limit of layers: expected at most ", limits.layers,
         ", those of heads included, got ", layers);
  }
}

}  // namespace espalier
