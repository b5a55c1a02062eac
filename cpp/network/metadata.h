// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the owner of a network keeps with it: texts by key.

#include <map>
#include <string>

namespace espalier {

/// Throws Error: INVALID_ARGUMENT past a limit of NetworkSpec::metadata, so that what a network has
/// can be saved, and a file can't make one hold more.
void CheckMetadata(const std::map<std::string, std::string>& metadata);

}  // namespace espalier
