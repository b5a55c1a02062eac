// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a network's file consists of.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/model_file.h"
#include "network/int8_weights.h"
#include "network/network_state.h"

namespace espalier {

/// The bytes of a network's file, in pieces: the header, then tensor after tensor, those of floats
/// first. Holds weights of 8 bits, if there are any, and nothing else; the network can be read
/// while this is there, and a change of it is BUSY.
class ModelContent {
 public:
  /// Throws Error: BUSY if another thread trains or changes the network; INVALID_STATE for one that
  /// was moved from; INVALID_ARGUMENT for one too large for a header.
  ModelContent(const Network& network, const SaveOptions& options);

  std::span<const std::span<const std::byte>> pieces() const { return pieces_; }

 private:
  std::shared_ptr<NetworkState> network_;
  ReadScope scope_;
  std::vector<Int8Rows> rows_;
  std::string header_;
  std::vector<std::span<const std::byte>> pieces_;
};

}  // namespace espalier
