// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small ONNX model for tests, and what it computes.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "testing/onnx_model.h"

namespace espalier {

/// Values that differ from their neighbors.
inline std::vector<float> Ramp(std::size_t count, float step, float start = 0.0f) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = start + step * static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
  }
  return values;
}

/// A convolution, a batch norm, a pool, and a product, named as PyTorch exports them, of images
/// [2, 4, 4].
inline OnnxModel SmallBackbone() {
  OnnxModel model;
  model.Input("image", {std::string("N"), 2, 4, 4});
  model.Floats("conv1.weight", {3, 2, 3, 3}, Ramp(54, 0.1f));
  model.Floats("conv1.bias", {3}, {0.1f, -0.2f, 0.3f});
  model.Floats("bn1.weight", {3}, {1.0f, 2.0f, 0.5f});
  model.Floats("bn1.bias", {3}, {0.0f, 0.1f, -0.1f});
  model.Floats("bn1.running_mean", {3}, {0.2f, 0.0f, -0.3f});
  model.Floats("bn1.running_var", {3}, {1.0f, 4.0f, 0.25f});
  model.Floats("fc.weight", {2, 12}, Ramp(24, 0.05f));
  model.Floats("fc.bias", {2}, {0.5f, -0.5f});
  model.Node("Conv", {"image", "conv1.weight", "conv1.bias"}, {"c"},
             {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
              {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}},
             "/conv1/Conv");
  model.Node("BatchNormalization",
             {"c", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"}, {"b"},
             {{"epsilon", 1e-5f}, {"momentum", 0.9f}}, "/bn1/BatchNormalization");
  model.Node("MaxPool", {"b"}, {"p"},
             {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
              {"strides", std::vector<std::int64_t>{2, 2}}},
             "/pool/MaxPool");
  model.Node("Flatten", {"p"}, {"f"}, {{"axis", std::int64_t{1}}}, "/Flatten");
  model.Node("Gemm", {"f", "fc.weight", "fc.bias"}, {"logits"}, {{"transB", std::int64_t{1}}},
             "/fc/Gemm");
  model.Output("logits");
  return model;
}

/// The same in plain loops, for one image.
inline std::vector<float> SmallBackboneReference(const std::vector<float>& image) {
  const std::vector<float> weight = Ramp(54, 0.1f);
  const std::vector<float> fc = Ramp(24, 0.05f);
  const float bias[] = {0.1f, -0.2f, 0.3f};
  const float scale[] = {1.0f, 2.0f, 0.5f};
  const float shift[] = {0.0f, 0.1f, -0.1f};
  const float mean[] = {0.2f, 0.0f, -0.3f};
  const float variance[] = {1.0f, 4.0f, 0.25f};
  const float fc_bias[] = {0.5f, -0.5f};
  std::vector<float> pooled(12, -1e30f);
  for (int o = 0; o < 3; ++o) {
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        double sum = bias[o];
        for (int c = 0; c < 2; ++c) {
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
              if (y + dy < 0 || y + dy > 3 || x + dx < 0 || x + dx > 3) continue;
              sum += weight[static_cast<std::size_t>(((o * 2 + c) * 3 + dy + 1) * 3 + dx + 1)] *
                     image[static_cast<std::size_t>((c * 4 + y + dy) * 4 + x + dx)];
            }
          }
        }
        const double normalized =
            scale[o] * (sum - mean[o]) / std::sqrt(variance[o] + 1e-5) + shift[o];
        float& best = pooled[static_cast<std::size_t>((o * 2 + y / 2) * 2 + x / 2)];
        best = std::max(best, static_cast<float>(normalized));
      }
    }
  }
  std::vector<float> logits;
  for (int o = 0; o < 2; ++o) {
    double sum = fc_bias[o];
    for (int i = 0; i < 12; ++i) {
      sum += static_cast<double>(fc[static_cast<std::size_t>(o * 12 + i)]) *
             pooled[static_cast<std::size_t>(i)];
    }
    logits.push_back(static_cast<float>(sum));
  }
  return logits;
}

}  // namespace espalier
