// SPDX-License-Identifier: Apache-2.0

// Any bytes as an ONNX model. Built with -DESPALIER_FUZZERS=ON (clang).

#include <cstdlib>

#include "import/import_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const auto import = [](std::span<const std::byte> bytes, ImportReport& report) {
    return ImportOnnx(bytes, {}, &report);
  };
  if (!IsImportedOrRefused(data, size, import)) std::abort();
  return 0;
}
