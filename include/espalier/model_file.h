// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "espalier/network.h"

namespace espalier {

/// Writes the network as a safetensors file with the graph in its metadata
/// (docs/model_file.md): temporary file in the same folder, fsync, rename, fsync of
/// the folder. Throws Error: IO; a former file then stays as it was, unless the message
/// says that the file is written, and only the folder could not be flushed.
void SaveNetwork(const Network& network, const std::string& path);

/// Reads a network back; strict: every size is checked before anything is allocated.
/// Throws Error: MODEL_FILE (not a valid model, or another version), IO.
Network LoadNetwork(const std::string& path);

}  // namespace espalier
