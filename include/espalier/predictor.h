// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/network.h"

namespace espalier {

struct PredictorConfig {
  std::int64_t max_batch_size = 256;  ///< larger batches are run in pieces of this size
  bool logits = false;                ///< logits instead of probabilities
};

/// Runs a network for serving: batch norm folded, bias and activation fused,
/// weights packed once. Immutable; any number of threads. Training or closing the
/// network it was made from changes nothing. One example gives the same bits alone
/// and at any place of any batch, on any number of threads.
class Predictor {
 public:
  explicit Predictor(const Network& network, const PredictorConfig& config = {});
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;
  ~Predictor();

  /// inputs: [batch, input shape]; outputs: [batch, total width], heads side by side in
  /// order: sigmoid (labels), softmax (classes), identity (values). Non-finite inputs
  /// propagate. Throws Error: SHAPE_MISMATCH if a size differs.
  void Predict(std::int64_t batch, std::span<const float> inputs, std::span<float> outputs) const;

  std::int64_t input_size() const;
  std::int64_t output_size() const;  ///< total width of all heads
  std::int64_t NativeBytes() const;
  std::string Describe() const;  ///< CPU target, layers after fusion, memory

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace espalier
