// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "espalier/limits.h"
#include "espalier/network.h"

namespace espalier {

/// Writes the network as a safetensors file with the graph in its metadata
/// (docs/model_file.md): temporary file in the same folder, fsync, rename, fsync of
/// the folder. Throws Error: IO; a former file then stays as it was, unless the message
/// says that the file is written, and only the folder could not be flushed.
void SaveNetwork(const Network& network, const std::string& path);

/// Reads a network back; strict: every size is checked before anything is allocated. A network
/// that takes more than `limits` is refused, and so is a predictor or a trainer of what it was
/// turned into. Throws Error: MODEL_FILE (not a valid model, another version, a parameter that is
/// not finite, or past a limit, naming the layer that takes most), IO; INVALID_ARGUMENT for a limit
/// below 1.
Network LoadNetwork(const std::string& path, const NetworkLimits& limits = {});

}  // namespace espalier
