// SPDX-License-Identifier: Apache-2.0
// Maps of published families of networks.

#include "espalier/weights.h"

namespace espalier {
namespace {

// PyTorch's batch norms count their steps, which nothing reads.
constexpr const char* kCounts = "*num_batches_tracked";

// A convolution and its batch norm.
void AddPair(WeightMap& map, const std::string& layer, const std::string& convolution,
             const std::string& norm) {
  map.rules.push_back({.parameter = layer + ".bn.*", .tensor = norm + ".*"});
  map.rules.push_back({.parameter = layer + ".*", .tensor = convolution + ".*"});
}

}  // namespace

WeightMap TorchvisionResNetWeights() {
  WeightMap map{.may_stay = {"heads.*"}, .may_be_unused = {"fc.*", kCounts}};
  AddPair(map, "conv1", "conv1", "bn1");
  for (const std::string convolution : {"1", "2", "3"}) {
    AddPair(map, "layer*.conv" + convolution, "layer*.conv" + convolution,
            "layer*.bn" + convolution);
  }
  AddPair(map, "layer*.downsample", "layer*.downsample.0", "layer*.downsample.1");
  return map;
}

WeightMap TorchvisionMobileNetV2Weights() {
  WeightMap map{.may_stay = {"heads.*"}, .may_be_unused = {"classifier.*", kCounts}};
  for (const std::string layer : {"features.0", "features.18"}) {
    AddPair(map, layer, layer + ".0", layer + ".1");
  }
  // The first block does not expand.
  AddPair(map, "features.1.depthwise", "features.1.conv.0.0", "features.1.conv.0.1");
  AddPair(map, "features.1.project", "features.1.conv.1", "features.1.conv.2");
  AddPair(map, "features.*.expand", "features.*.conv.0.0", "features.*.conv.0.1");
  AddPair(map, "features.*.depthwise", "features.*.conv.1.0", "features.*.conv.1.1");
  AddPair(map, "features.*.project", "features.*.conv.2", "features.*.conv.3");
  return map;
}

}  // namespace espalier
