// SPDX-License-Identifier: Apache-2.0

// Any bytes as a model file: refused with MODEL_FILE, or loaded and then described, written
// as JSON and read again. Built with -DESPALIER_FUZZERS=ON (clang).

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "core/memory.h"
#include "espalier/error.h"
#include "files/graph_json.h"
#include "files/model_file.h"
#include "files/quantized_values.h"
#include "network/graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  SetNativeBytesLimit(std::int64_t{1} << 28);
  const MemorySource file(std::as_bytes(std::span(data, size)));
  try {
    const Network network = LoadNetworkFrom(file);
    network.Describe();
    NetworkSpecFromJson(NetworkSpecToJson(network.Spec()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelFile && error.code() != ErrorCode::kOutOfMemory) {
      std::abort();
    }
  }
  // The checksums keep random changes from the graph's reader: try the bytes as a graph too.
  try {
    BuildGraph(NetworkSpecFromJson({reinterpret_cast<const char*>(data), size}));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument && error.code() != ErrorCode::kShapeMismatch) {
      std::abort();
    }
  }
  // And from values of 8 bits: of 16 bytes 4 are the scale of a row, 12 the row.
  const std::size_t rows = size / 16;
  if (rows == 0) return 0;
  AlignedArray<float> values(static_cast<std::int64_t>(rows * 12));
  try {
    QuantizedValues quantized("fuzzed", values.span(), static_cast<std::int64_t>(rows));
    std::memcpy(quantized.scales_place().data(), data, rows * 4);
    std::memcpy(quantized.bytes_place().data(), data + rows * 4, rows * 12);
    quantized.Arrived();
    quantized.Arrived();
    for (const float value : values.span()) {
      if (!std::isfinite(value)) std::abort();
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelFile) std::abort();
  }
  return 0;
}
