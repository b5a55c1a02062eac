// SPDX-License-Identifier: Apache-2.0
#include "files/json_writer.h"

#include <cmath>

#include "core/text.h"

namespace espalier {

std::string WriteJson(const JsonTree& tree) {
  try {
    return tree.dump();
  } catch (const nlohmann::json::exception& error) {
    Fail(ErrorCode::kInvalidArgument, "expected text in UTF-8, got other bytes (", error.what(),
         ")");
  }
}

JsonTree RealToJson(std::string_view what, double value) {
  if (!std::isfinite(value)) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected a finite number, got ", value);
  }
  return value;
}

}  // namespace espalier
