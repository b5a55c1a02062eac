// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace espalier {

/// What went wrong, seen from the caller: each code names the remedy.
enum class ErrorCode {
  kInvalidArgument,  ///< fix the value
  kShapeMismatch,    ///< fix the shape
  kInvalidState,     ///< fix the order of calls
  kClosed,           ///< make or load the object again: it is closed
  kBusy,             ///< wait: another thread or call uses the object
  kModelFile,        ///< use another file or version
  kIo,               ///< check path, disk, rights
  kOutOfMemory,      ///< use a smaller batch or a larger budget
  kNonFinite,        ///< lower the learning rate, check the data
  kInternal,         ///< report a bug
};

/// Returns the stable name that begins every message: "SHAPE_MISMATCH", "IO", …
std::string_view ErrorCodeName(ErrorCode code);

/// The only exception the library throws. `what()` is "<CODE NAME>: <message>";
/// the message says what was expected and what was got.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view message);

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace espalier
