// SPDX-License-Identifier: Apache-2.0
#pragma once

// The tests that ONNX publishes with its models, as Debian's libonnx-testdata installs them: a
// folder each with model.onnx, and with inputs and expected outputs in test_data_set_0.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "espalier/import.h"
#include "import/onnx_reader.h"
#include "import/onnx_tensor.h"
#include "import/proto_message.h"

namespace espalier::testing {

inline std::shared_ptr<const std::vector<std::byte>> ReadBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kIo, "cannot read ", path.string());
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  return std::make_shared<const std::vector<std::byte>>(first, first + text.size());
}

/// A test's folder, read anew for each attempt.
class NodeTestData {
 public:
  explicit NodeTestData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::string name() const { return folder_.filename().string(); }

  ForeignGraph Graph() const {
    const auto bytes = ReadBytes(folder_ / "model.onnx");
    return ReadOnnx(*bytes, bytes, ImportOptions());
  }

  /// Throws Error where they are no arrays of numbers.
  std::vector<ForeignTensor> Inputs() const { return Tensors("input_"); }
  std::vector<ForeignTensor> Outputs() const { return Tensors("output_"); }

 private:
  std::vector<ForeignTensor> Tensors(const std::string& prefix) const {
    std::vector<ForeignTensor> tensors;
    for (std::size_t i = 0;; ++i) {
      const auto path = folder_ / "test_data_set_0" / Concat(prefix, i, ".pb");
      if (!std::filesystem::exists(path)) return tensors;
      const auto bytes = ReadBytes(path);
      tensors.push_back(ReadOnnxTensor(ProtoMessage(*bytes), bytes).tensor);
    }
  }

  std::filesystem::path folder_;
};

/// All below a folder, by name.
inline std::vector<NodeTestData> NodeTestsIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (std::filesystem::exists(entry.path() / "model.onnx")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return {paths.begin(), paths.end()};
}

}  // namespace espalier::testing
