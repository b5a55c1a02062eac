// SPDX-License-Identifier: Apache-2.0
#include "espalier/error.h"

#include <string>

namespace espalier {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kShapeMismatch:
      return "SHAPE_MISMATCH";
    case ErrorCode::kInvalidState:
      return "INVALID_STATE";
    case ErrorCode::kClosed:
      return "CLOSED";
    case ErrorCode::kBusy:
      return "BUSY";
    case ErrorCode::kModelFile:
      return "MODEL_FILE";
    case ErrorCode::kIo:
      return "IO";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case ErrorCode::kNonFinite:
      return "NON_FINITE";
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

Error::Error(ErrorCode code, std::string_view message)
    : std::runtime_error(std::string(ErrorCodeName(code)).append(": ").append(message)),
      code_(code) {}

}  // namespace espalier
