// SPDX-License-Identifier: Apache-2.0
#pragma once

// The private side of model files: from any source of bytes, with limits and options.

#include "espalier/model_file.h"
#include "files/file_io.h"
#include "files/safetensors.h"

namespace espalier {

struct LoadOptions {
  ModelFileLimits limits;
  NetworkLimits network_limits;
  /// Refuse NaN and infinite parameters, which no network of this library ever has.
  bool finite_only = true;
};

/// Throws Error: MODEL_FILE, OUT_OF_MEMORY, IO.
Network LoadNetworkFrom(const ByteSource& file, const LoadOptions& options = {});

}  // namespace espalier
