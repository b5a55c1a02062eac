// SPDX-License-Identifier: Apache-2.0
#pragma once

// The private side of checkpoints: from any source of bytes.

#include <string>

#include "espalier/checkpoint.h"
#include "files/file_io.h"

namespace espalier {

/// As LoadCheckpoint; errors are without a path.
std::string LoadCheckpointFrom(Trainer& trainer, const ByteSource& file);

}  // namespace espalier
