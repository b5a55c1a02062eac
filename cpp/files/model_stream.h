// SPDX-License-Identifier: Apache-2.0
#pragma once

// Model files that come and go in pieces, front to back: only the network is held, whatever the
// file's size.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "files/model_content.h"
#include "files/model_file.h"

namespace espalier {

/// A network from a model file's bytes in order, as strict as LoadNetworkFrom. Belongs to one
/// thread; unusable after an error.
///
/// A stream does not say how long it is. So the values' memory is reserved as the header says,
/// within limits and budget, but only touched as the values arrive.
class ModelReader {
 public:
  /// Throws Error: INVALID_ARGUMENT for a limit below 1.
  explicit ModelReader(const LoadOptions& options);

  /// Takes the next bytes. Throws Error: MODEL_FILE, OUT_OF_MEMORY.
  void Write(std::span<const std::byte> bytes);

  /// The network, once all bytes are written. Throws Error: MODEL_FILE if some are missing.
  Network Finish();

  std::int64_t NativeBytes() const;

 private:
  void WriteValues(std::span<const std::byte> bytes);
  void ReadHeader(bool is_end);
  void NextTensor();

  LoadOptions options_;
  std::vector<std::byte> header_;  // and what follows, until it is read
  std::optional<ModelPlan> plan_;
  std::size_t place_ = 0;            // among the plan's tensors
  std::span<std::byte> rest_;        // of that tensor
  Crc32 checksum_;                   // of those before
  std::int64_t received_bytes_ = 0;  // of values
};

/// A model file's bytes in order. The network can be read meanwhile, and a change of it is BUSY.
class ModelWriter {
 public:
  /// Throws Error: BUSY if another thread trains or changes the network.
  explicit ModelWriter(const Network& network, const SaveOptions& options = {});

  /// Fills `bytes` from its start; how many there are, 0 at the end.
  std::size_t Read(std::span<std::byte> bytes);

 private:
  ModelContent content_;
  std::span<const std::byte> rest_;  // of a piece
  std::size_t next_ = 0;             // piece
};

}  // namespace espalier
