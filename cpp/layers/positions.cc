// SPDX-License-Identifier: Apache-2.0
#include "layers/positions.h"

#include "core/text.h"
#include "layers/window.h"

namespace espalier {

const Shape& PositionsInput(std::span<const Shape> inputs, std::string_view kind) {
  const Shape& input = OnlyInput(inputs, kind);
  if (input.rank() < 2) {
    Fail(ErrorCode::kShapeMismatch, kind, ": expected an input [length, width], got ",
         input.ToString());
  }
  return input;
}

}  // namespace espalier
