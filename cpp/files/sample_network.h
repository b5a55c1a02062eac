// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests: a small network with a bit of everything, whose parameters have known values,
// and folders that vanish.

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/network.h"

namespace espalier {

/// Input [2, 6, 6]; conv1, norm1 (frozen), relu1, pool1, features, dense2; heads "trait" (three
/// labels, one not ASCII) and "digit" (hidden layer, three classes).
inline Network SampleNetwork() {
  NetworkBuilder builder(Shape::Image(2, 6, 6));
  builder.Normalize({0.1, -0.2}, {0.5, 1.0 / 3.0});
  builder.Conv2d("conv1", 3, 3);
  builder.BatchNorm("norm1").Relu().MaxPool2d(2);
  builder.Dense("features", 5).Relu();
  TaskSpec trait = LabelsTask({"sleeve", "größe", "開く"});
  trait.positive_weights = {1.0, 2.5, 0.1};
  trait.label_smoothing = 0.05;
  builder.Head("trait", trait);
  HeadSpec digit;
  digit.name = "digit";
  LayerSpec hidden;
  hidden.name = "hidden";
  hidden.kind = "dense";
  hidden.attributes["units"] = std::int64_t{4};
  LayerSpec gelu;
  gelu.kind = "gelu";
  digit.layers = {hidden, gelu};
  digit.task = ClassesTask(3);
  digit.learning_rate_scale = 0.1;
  builder.Head(digit);
  Network network = builder.Build(1);
  network.Freeze({"norm1"}, true);
  network.SetLearningRateScale("conv1", 1e-3);
  float next = -1.0f;
  for (const ParameterDescription& parameter : network.Parameters()) {
    std::vector<float> values(static_cast<std::size_t>(parameter.shape.element_count()));
    for (float& value : values) {
      value = next;
      next = next > 1.0f ? -1.0f : next + 0.03125f;
    }
    network.WriteParameter(parameter.path, values);
  }
  return network;
}

/// A new, empty folder, removed with all in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "espalier-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void WriteWholeFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace espalier
