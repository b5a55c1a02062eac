// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "espalier/weights.h"
#include "files/file_io.h"

namespace espalier {

/// LoadWeights from any source of bytes.
WeightReport LoadWeightsFrom(Network& network, const ByteSource& file, const WeightMap& map);

}  // namespace espalier
