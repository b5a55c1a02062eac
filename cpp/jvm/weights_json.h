// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "espalier/weights.h"

namespace espalier::jvm {

/// {"rules": [{"parameter", "tensor", "values": "same|transposed|reshaped", "joined": []}],
/// "may_stay": [], "may_be_unused": [], "known": "torchvision_resnet", "prefix": "bert."}; all
/// optional but the first three fields of rules. What a known map has stands behind the rest.
/// Strict, as the readers of jvm/config_json.h.
WeightMap WeightMapFromJson(std::string_view json);

/// {"matched" and "reshaped": [{"parameter", "tensor", "evidence"}], "kept": [], "unused": [],
/// "summary": text for people}
std::string ToJsonText(const WeightReport& report);

}  // namespace espalier::jvm
