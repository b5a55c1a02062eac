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

/// A network whose values are still to be read.
struct ModelPlan {
  std::shared_ptr<NetworkState> network;
  std::vector<int> order;                        ///< parameters in the order of their data
  std::int64_t data_bytes = 0;                   ///< of all of them, without hole or overlap
  std::map<std::string, std::string> checksums;  ///< by path, of values not yet read
};

/// Checks a header and all it says of the graph; allocates the values at last.
ModelPlan PlanModel(const SafetensorsHeader& header, const LoadOptions& options);

/// Takes the checksum of a parameter out of those expected. Throws Error: MODEL_FILE if it is
/// another one.
void CheckChecksum(ModelPlan& plan, const std::string& path, const Crc32& actual);

/// Throws Error: MODEL_FILE if `values` are to be finite and are not.
void CheckFinite(std::span<const float> values, const std::string& path,
                 const LoadOptions& options);

/// Throws Error: MODEL_FILE if a checksum is left that belongs to no parameter.
void CheckNoChecksumLeft(const ModelPlan& plan);

std::span<float> ValuesOf(NetworkState& network, int parameter);

/// What stands before the values in the file of a network.
std::string HeaderOf(NetworkState& network);

/// The first names, and how many more there are.
std::string Listed(const std::vector<std::string>& names);

/// What a file begins with: as much as shows what it is.
std::vector<std::byte> FirstBytes(const ByteSource& file);

/// Throws `error` as a wrong file is reported: what would be a wrong argument of the user's is
/// MODEL_FILE, and a file of another kind, known by its first bytes, is named.
[[noreturn]] void RethrowAsModelFile(const Error& error, std::span<const std::byte> first_bytes);

}  // namespace espalier
