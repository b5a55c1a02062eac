// SPDX-License-Identifier: Apache-2.0
#pragma once

// The private side of model files: from any source of bytes, with limits and options.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/model_file.h"
#include "files/crc32.h"
#include "files/file_io.h"
#include "files/quantized_values.h"
#include "files/safetensors.h"
#include "network/network_state.h"

namespace espalier {

struct LoadOptions {
  ModelFileLimits limits;
  NetworkLimits network_limits;
  /// Refuse NaN and infinite parameters, which no network of this library ever has.
  bool finite_only = true;
};

/// Throws Error: MODEL_FILE, OUT_OF_MEMORY, IO.
Network LoadNetworkFrom(const ByteSource& file, const LoadOptions& options = {});

// What a model file's metadata and tensors are named (docs/model_file.md).
inline constexpr const char* kFormatKey = "format";
inline constexpr const char* kFormat = "espalier";
inline constexpr const char* kVersionKey = "espalier.version";
inline constexpr const char* kVersion = "1";
inline constexpr const char* kInt8Version = "2";  // of files with tensors of bytes
inline constexpr const char* kGraphKey = "espalier.graph";
inline constexpr const char* kChecksumsKey = "espalier.checksums";
inline constexpr const char* kGraphChecksum = "graph";  // among the checksums; paths have a dot
inline constexpr const char* kFloatType = "F32";
inline constexpr const char* kByteType = "I8";
inline constexpr const char* kScaleSuffix = ".scale";  // behind the path of a parameter of bytes

/// A tensor of a file, and where its values go.
struct ModelTensor {
  const SafetensorsTensor* source = nullptr;  ///< valid as long as the file's header
  int parameter = 0;
  std::string name;
  std::span<std::byte> bytes;  ///< the place, of the tensor's size
  std::span<float> floats;     ///< the same of a tensor of floats, else empty
  bool is_quantized = false;   ///< bytes, or their scales
};

/// A network whose values are still to be read.
struct ModelPlan {
  std::shared_ptr<NetworkState> network;
  std::vector<ModelTensor> tensors;              ///< in the order of their data
  std::map<int, QuantizedValues> quantized;      ///< by parameter
  std::int64_t data_bytes = 0;                   ///< of all of them, without hole or overlap
  std::map<std::string, std::string> checksums;  ///< by name of a tensor, of those not yet read
};

/// Checks a header and all it says of the graph; allocates the values at last.
ModelPlan PlanModel(const SafetensorsHeader& header, const LoadOptions& options);

/// Called once all of a tensor is in its place: takes its checksum out of those expected, and makes
/// floats of bytes whose scales are there. Throws Error: MODEL_FILE if the checksum is another one,
/// or scales or bytes are wrong.
void FinishTensor(ModelPlan& plan, const ModelTensor& tensor, const Crc32& checksum);

/// Throws Error: MODEL_FILE if `values` are to be finite and are not.
void CheckFinite(std::span<const float> values, const std::string& path,
                 const LoadOptions& options);

/// Throws Error: MODEL_FILE if a checksum is left that belongs to no parameter.
void CheckNoChecksumLeft(const ModelPlan& plan);

std::span<float> ValuesOf(NetworkState& network, int parameter);

/// The first names, and how many more there are.
std::string Listed(const std::vector<std::string>& names);

/// What a file begins with: as much as shows what it is.
std::vector<std::byte> FirstBytes(const ByteSource& file);

/// Throws `error` as a wrong file is reported: what would be a wrong argument of the user's is
/// MODEL_FILE, and a file of another kind, known by its first bytes, is named.
[[noreturn]] void RethrowAsModelFile(const Error& error, std::span<const std::byte> first_bytes);

}  // namespace espalier
