// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "espalier/import.h"

namespace espalier::jvm {

/// {"dimensions": [{"name": "length", "size": 128}], "input_shapes": [{"name": "image", "shape":
/// [3, 224, 224]}], "has_batch": true, "batch_axes": [{"name": "x", "axis": 1}], "outputs": [],
/// "external_data": false, "file_bytes", "nodes", "limits": as NetworkLimitsFromJson}; all
/// optional. Strict, as the readers of jvm/config_json.h.
ImportOptions ImportOptionsFromJson(std::string_view json);

/// {"producer", "nodes", "folded", "inputs" and "outputs": [{"name", "layer", "shape": […],
/// "type"}], "fused": [{"kind", "value", "nodes"}], "renamed": [{"from", "to"}], "notes":
/// [{"layer", "text"}], "summary": all of it for people}
std::string ToJsonText(const ImportReport& report);

}  // namespace espalier::jvm
