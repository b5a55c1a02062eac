// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <span>
#include <string>

#include "espalier/limits.h"
#include "espalier/network.h"

namespace espalier {

struct SaveOptions {
  /// Weights that a predictor with Precision::kInt8 has in 8 bits are written so, with a scale for
  /// each row: of large dense layers, also at each position, of convolutions 1 x 1 of stride 1, and
  /// of embeddings; about a quarter of the bytes. All else stays float. Such a file is read as any
  /// other: its network has the rounded weights, to be served in any precision or trained on. A
  /// predictor with kInt8 of it has the bits of one of the network that was saved. Libraries of
  /// before this form refuse it. Holds the bytes while it saves.
  bool int8_weights = false;
};

/// Writes the network as a safetensors file with the graph in its metadata
/// (docs/model_file.md): temporary file in the same folder, fsync, rename, fsync of
/// the folder. Throws Error: IO; a former file then stays as it was, unless the message
/// says that the file is written, and only the folder could not be flushed.
void SaveNetwork(const Network& network, const std::string& path, const SaveOptions& options = {});

/// Writes the same bytes to a stream. The network can be read meanwhile, not changed. Throws
/// Error: IO if the stream fails; BUSY if another thread trains or changes the network.
void SaveNetwork(const Network& network, std::ostream& stream, const SaveOptions& options = {});

/// Reads a network back; strict: every size is checked before anything is allocated. A network
/// that takes more than `limits` is refused, and so is a predictor or a trainer of what it was
/// turned into. Throws Error: MODEL_FILE (not a valid model, another version, a parameter that is
/// not finite, or past a limit, naming the layer that takes most), IO; INVALID_ARGUMENT for a limit
/// below 1.
Network LoadNetwork(const std::string& path, const NetworkLimits& limits = {});

/// The same from a file's bytes, and from a stream up to its end, which is read piece by piece.
Network LoadNetwork(std::span<const std::byte> bytes, const NetworkLimits& limits = {});
Network LoadNetwork(std::istream& stream, const NetworkLimits& limits = {});

}  // namespace espalier
