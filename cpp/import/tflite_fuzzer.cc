// SPDX-License-Identifier: Apache-2.0

// Any bytes as a TensorFlow Lite model: refused with MODEL_FILE, or for an input without a batch,
// or a network that can be described. Built with -DESPALIER_FUZZERS=ON (clang).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/memory.h"
#include "espalier/error.h"
#include "espalier/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  SetNativeBytesLimit(std::int64_t{1} << 28);
  try {
    ImportReport report;
    ImportTflite(std::as_bytes(std::span(data, size)), {}, &report).Describe();
    if (report.ToString().empty()) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelFile && error.code() != ErrorCode::kOutOfMemory &&
        error.code() != ErrorCode::kInvalidArgument) {
      std::abort();
    }
  }
  return 0;
}
