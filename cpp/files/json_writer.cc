// SPDX-License-Identifier: Apache-2.0
#include "files/json_writer.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace espalier {

JsonText ToJson(std::string_view value) {
  try {
    return {nlohmann::json(value).dump()};
  } catch (const nlohmann::json::exception& error) {
    Fail(ErrorCode::kInvalidArgument, "expected text in UTF-8, got other bytes (", error.what(),
         ")");
  }
}

JsonText ToJson(std::int64_t value) { return {std::to_string(value)}; }

JsonText RealToJson(std::string_view what, double value) {
  if (!std::isfinite(value)) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected a finite number, got ", value);
  }
  return {nlohmann::json(value).dump()};
}

}  // namespace espalier
