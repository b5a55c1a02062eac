// SPDX-License-Identifier: Apache-2.0
#pragma once

// NetworkSpec as JSON, in model files and across the bridge (docs/model_file.md).

#include <string>
#include <string_view>
#include <vector>

#include "espalier/spec.h"
#include "files/strict_json.h"

namespace espalier {

/// Version of the graph's form that this library writes, and the only one that it reads.
inline constexpr std::int64_t kGraphFormat = 1;

/// Throws Error: INVALID_ARGUMENT if text or numbers are not fit for JSON.
std::string NetworkSpecToJson(const NetworkSpec& spec);

/// Reads a spec; whether it makes sense is Network::Build's business. Fields that are absent
/// have the defaults of spec.h; a task's loss is then the usual one of its kind. Throws Error:
/// INVALID_ARGUMENT naming the place.
NetworkSpec NetworkSpecFromJson(std::string_view json, const JsonLimits& limits = {});

/// The "heads" of a spec.
std::vector<HeadSpec> ReadHeads(const JsonReader& heads);

}  // namespace espalier
