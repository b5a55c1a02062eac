// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/inputs.h"
#include "network/network_state.h"

namespace espalier {

/// What of a network's inputs calls need to check and cut batches.
struct InputFormat {
  std::string name;
  GraphValue value;
  std::int64_t floats = 0;  // an example
  IntegerRange range;       // of integers: what all layers take that read it
};
std::vector<InputFormat> InputFormats(const NetworkState& network);

/// A batch of all inputs of a network, checked. An int32 lies in the place of a float.
class InputPointers {
 public:
  /// Throws Error: SHAPE_MISMATCH for data of another number, type or size; INVALID_ARGUMENT for a
  /// negative batch, or an integer out of range, naming its row. `what`: the call.
  InputPointers(const std::vector<InputFormat>& formats, const char* what, std::int64_t batch,
                const Inputs& inputs);

  /// Where example `example` of each input begins. Holds until the next call.
  std::span<const float* const> At(std::int64_t example) {
    for (std::size_t i = 0; i < count_; ++i) at_[i] = first_[i] + example * floats_[i];
    return {at_.data(), count_};
  }

 private:
  std::size_t count_;
  std::array<const float*, kMaxInputs> first_;
  std::array<const float*, kMaxInputs> at_;
  std::array<std::int64_t, kMaxInputs> floats_;
};

}  // namespace espalier
