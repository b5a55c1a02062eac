// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/inputs.h"
#include "espalier/network.h"
#include "espalier/precision.h"

namespace espalier {

struct PredictorConfig {
  std::int64_t max_batch_size = 256;  ///< larger batches are run in pieces of this size
  bool logits = false;                ///< logits instead of probabilities
  Precision precision = Precision::kFp32;
  std::vector<std::string> keep_float;  ///< layers whose weights stay in float in any precision
  std::vector<std::string> heads;       ///< only these, in the network's order; empty: all, or none
                                        ///< where layers are given
  /// What these layers of floats make, features say: behind the heads' columns, in this order, as
  /// they lie outside.
  std::vector<std::string> layers;
  int threads = 0;        ///< of a call, at most; 1: the caller's alone; 0: ThreadCount()
  int weight_copies = 0;  ///< 1: all callers read the same weights; 2 to 256: callers whose CPUs
                          ///< have different L2 caches read different copies, as far as there are
                          ///< as many; copies beyond that are never read. 0: one for each L2 where
                          ///< that pays: mainly dense layers, weights larger than L1 and not larger
                          ///< than L2, 8 MiB in all and little of the free memory. The bits are the
                          ///< same
  float pixel_scale = 1.0f / 255.0f;  ///< PredictPixels: input = pixel · scale + offset
  float pixel_offset = 0.0f;
  int other_shapes = 0;  ///< input shapes beside its own that it keeps plans for, 0 to 1024: those
                         ///< that Predictor::ForShape was asked for last. With any, it keeps a copy
                         ///< of the network as well
};

/// What a predictor has done so far.
struct PredictorStatistics {
  std::int64_t calls = 0;
  std::int64_t failed_calls = 0;          ///< of them, ended in an exception
  std::int64_t workspaces = 0;            ///< made: at first for each thread, if small, then one
                                          ///< for each caller at the same time
  std::int64_t temporary_workspaces = 0;  ///< of them, for one call: more callers than places
};

/// Runs a network for serving: batch norm folded, bias and activation fused,
/// weights packed in advance. Immutable; any number of threads. Training or closing the
/// network it was made from changes nothing. One example gives the same bits alone
/// and at any place of any batch, on any number of threads. Runs once when it is made, unless
/// that might take more than a second, so that the first call finds code and memory in place.
class Predictor {
 public:
  /// Throws Error: INVALID_ARGUMENT for a setting out of range, a network from a file that takes
  /// more than the limits which it was loaded with, or `other_shapes` of a network with several
  /// inputs; INVALID_STATE without a head or layers.
  explicit Predictor(const Network& network, const PredictorConfig& config = {});
  /// One that was moved from can be destroyed or assigned to; all else throws INVALID_STATE.
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;
  ~Predictor();

  /// inputs: [batch, shape] each; outputs: [batch, total width], heads side by side in
  /// order: sigmoid (labels), softmax (classes), identity (values); then PredictorConfig::layers.
  /// Non-finite inputs propagate. Throws Error: SHAPE_MISMATCH if a size differs.
  void Predict(std::int64_t batch, const Inputs& inputs, std::span<float> outputs) const;

  /// The same for pixels of a byte each, where the network has one input, of floats: [batch,
  /// shape]; INVALID_ARGUMENT where it has not. Bits as for floats pixel · pixel_scale +
  /// pixel_offset. Images of several channels and normalized ones become floats as the first
  /// operation reads them, a few KiB at a time; other inputs before it, in pieces of 256 KiB.
  void PredictPixels(std::int64_t batch, std::span<const std::uint8_t> pixels,
                     std::span<float> outputs) const;

  /// The same network for an input of another shape, say larger images, where its layers take
  /// them: convolutions and pooling over the whole image do. The bits are those of a predictor of
  /// Network::Transfer with that shape. Compiled when it is first asked for, with packed weights of
  /// its own, and kept with the PredictorConfig::other_shapes that were asked for last; what is no
  /// longer kept is freed once nobody has it. Where memory runs short, nothing else is kept. Any
  /// number of threads.
  ///
  /// Throws Error: INVALID_STATE without other_shapes, or from a predictor that this returned;
  /// INVALID_ARGUMENT or SHAPE_MISMATCH if a layer does not take it, or the limits of a network
  /// from a file do not allow it; OUT_OF_MEMORY.
  Predictor ForShape(const Shape& shape) const;

  std::int64_t input_size() const;          ///< elements of all inputs of an example
  std::int64_t output_size() const;         ///< total width of heads and layers
  std::vector<Shape> layer_shapes() const;  ///< of what PredictorConfig::layers make
  std::int64_t NativeBytes() const;         ///< what it keeps for other shapes included
  PredictorStatistics statistics() const;

  /// CPU target, memory, layers after fusion with their kernels, how pixels are read.
  std::string Describe() const;

 private:
  class Implementation;
  class OtherShapes;
  explicit Predictor(std::shared_ptr<Implementation> implementation);

  std::shared_ptr<Implementation> implementation_;
  std::unique_ptr<OtherShapes> other_shapes_;  // null: none are kept
};

}  // namespace espalier
