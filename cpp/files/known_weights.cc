// SPDX-License-Identifier: Apache-2.0
// Maps of published families of networks.

#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "espalier/weights.h"

namespace espalier {
namespace {

// PyTorch's batch norms count their steps, which nothing reads.
constexpr const char* kCounts = "*num_batches_tracked";

// No member of a family has all parts that there are names for.
WeightMap ForFamily(WeightMap map) {
  for (WeightRule& rule : map.rules) rule.may_match_none = true;
  return map;
}

// A convolution and its batch norm.
void AddPair(WeightMap& map, const std::string& layer, const std::string& convolution,
             const std::string& norm) {
  map.rules.push_back({.parameter = layer + ".bn.*", .tensor = norm + ".*"});
  map.rules.push_back({.parameter = layer + ".*", .tensor = convolution + ".*"});
}

// Blocks of MobileNetV2's kind are numbered by what they have: `features` without "expand" count
// from the depthwise convolution.
struct BlockParts {
  bool expands = true;
  bool squeezes = true;
};

void AddTorchvisionBlock(WeightMap& map, const std::string& features, const BlockParts& parts) {
  const int depthwise = parts.expands ? 1 : 0;
  const int project = depthwise + (parts.squeezes ? 2 : 1);
  const auto place = [&](int number) { return Concat(features, ".block.", number); };
  if (parts.squeezes) {  // first: "se.expand" is an "expand", too
    const std::string squeeze = place(depthwise + 1);
    map.rules.push_back({.parameter = features + ".se.reduce.*", .tensor = squeeze + ".fc1.*"});
    map.rules.push_back({.parameter = features + ".se.expand.*", .tensor = squeeze + ".fc2.*"});
  }
  const auto add_unit = [&](const char* name, int number) {
    AddPair(map, Concat(features, ".", name), place(number) + ".0", place(number) + ".1");
  };
  if (parts.expands) add_unit("expand", 0);
  add_unit("depthwise", depthwise);
  add_unit("project", project);
}

// Blocks by the parts they have, from "features.1"; then the last convolution.
WeightMap TorchvisionMobileNetV3(const std::vector<BlockParts>& blocks) {
  WeightMap map{.may_stay = {"heads.*", "classifier.*"},
                .may_be_unused = {"classifier.*", kCounts}};
  AddPair(map, "features.0", "features.0.0", "features.0.1");
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    AddTorchvisionBlock(map, Concat("features.", i + 1), blocks[i]);
  }
  const std::string last = Concat("features.", blocks.size() + 1);
  AddPair(map, last, last + ".0", last + ".1");
  return ForFamily(std::move(map));
}

// A block as NetworkBuilder::TransformerEncoder writes it: what follows is called after `block`.
struct EncoderNames {
  std::vector<std::string> qkv;  // of one matrix, or of three
  std::string projection, hidden, output, norm1, norm2;
};

void AddEncoder(WeightMap& map, const std::string& block, const std::string& tensors,
                const EncoderNames& names) {
  WeightRule qkv{.parameter = block + ".qkv.*", .tensor = tensors + names.qkv[0] + ".*"};
  for (std::size_t i = 1; i < names.qkv.size(); ++i) {
    qkv.joined.push_back(tensors + names.qkv[i] + ".*");
  }
  map.rules.push_back(qkv);
  const auto add = [&](const char* layer, const std::string& name) {
    map.rules.push_back({.parameter = block + "." + layer + ".*", .tensor = tensors + name + ".*"});
  };
  add("projection", names.projection);
  add("hidden", names.hidden);
  add("output", names.output);
  add("norm1", names.norm1);
  add("norm2", names.norm2);
}

}  // namespace

WeightMap LearnedWeights() { return {.may_be_unused = {kCounts}, .learned = true}; }

WeightMap TorchvisionResNetWeights() {
  WeightMap map{.may_stay = {"heads.*"}, .may_be_unused = {"fc.*", kCounts}};
  AddPair(map, "conv1", "conv1", "bn1");
  for (const std::string convolution : {"1", "2", "3"}) {
    AddPair(map, "layer*.conv" + convolution, "layer*.conv" + convolution,
            "layer*.bn" + convolution);
  }
  AddPair(map, "layer*.downsample", "layer*.downsample.0", "layer*.downsample.1");
  return ForFamily(std::move(map));
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
  return ForFamily(std::move(map));
}

WeightMap TorchvisionMobileNetV3SmallWeights() {
  constexpr BlockParts kAll, kNoSqueeze{.squeezes = false};
  return TorchvisionMobileNetV3(
      {{.expands = false}, kNoSqueeze, kNoSqueeze, kAll, kAll, kAll, kAll, kAll, kAll, kAll, kAll});
}

WeightMap TorchvisionMobileNetV3LargeWeights() {
  constexpr BlockParts kAll, kNoSqueeze{.squeezes = false};
  return TorchvisionMobileNetV3({{.expands = false, .squeezes = false},
                                 kNoSqueeze,
                                 kNoSqueeze,
                                 kAll,
                                 kAll,
                                 kAll,
                                 kNoSqueeze,
                                 kNoSqueeze,
                                 kNoSqueeze,
                                 kNoSqueeze,
                                 kAll,
                                 kAll,
                                 kAll,
                                 kAll,
                                 kAll});
}

WeightMap TorchvisionEfficientNetWeights() {
  WeightMap map{.may_stay = {"heads.*"}, .may_be_unused = {"classifier.*", kCounts}};
  for (const std::string layer : {"features.0", "features.8"}) {
    AddPair(map, layer, layer + ".0", layer + ".1");
  }
  AddTorchvisionBlock(map, "features.1.*", {.expands = false});
  AddTorchvisionBlock(map, "features.*", {});
  return ForFamily(std::move(map));
}

WeightMap TimmMobileNetWeights() {
  WeightMap map{.may_stay = {"heads.*"}, .may_be_unused = {"classifier.*", kCounts}};
  AddPair(map, "conv_stem", "conv_stem", "bn1");
  AddPair(map, "conv_head", "conv_head", "bn2");
  const auto add_norm = [&](const std::string& block, const char* convolution, const char* norm) {
    map.rules.push_back(
        {.parameter = block + "." + convolution + ".bn.*", .tensor = block + "." + norm + ".*"});
  };
  // Blocks of the first stage don't expand.
  add_norm("blocks.0.*", "conv_dw", "bn1");
  add_norm("blocks.0.*", "conv_pw", "bn2");
  add_norm("blocks.*", "conv_pw", "bn1");
  add_norm("blocks.*", "conv_dw", "bn2");
  add_norm("blocks.*", "conv_pwl", "bn3");
  add_norm("blocks.*", "conv", "bn1");  // MobileNetV3's last
  for (const std::string layer : {"reduce", "expand"}) {
    map.rules.push_back(
        {.parameter = "blocks.*.se." + layer + ".*", .tensor = "blocks.*.se.conv_" + layer + ".*"});
  }
  return ForFamily(std::move(map));
}

WeightMap TimmVisionTransformerWeights() {
  WeightMap map{
      .rules = {{.parameter = "cls_token.weight", .tensor = "cls_token", .leading_ones = 2},
                {.parameter = "pos_embed.weight", .tensor = "pos_embed", .leading_ones = 1}},
      .may_stay = {"heads.*"},
      .may_be_unused = {"head.*"}};
  AddEncoder(map, "blocks.*", "blocks.*.",
             {.qkv = {"attn.qkv"},
              .projection = "attn.proj",
              .hidden = "mlp.fc1",
              .output = "mlp.fc2",
              .norm1 = "norm1",
              .norm2 = "norm2"});
  return ForFamily(std::move(map));
}

WeightMap BertWeights(const std::string& prefix) {
  WeightMap map{.may_stay = {"heads.*"},
                .may_be_unused = {prefix + "pooler.*", "*position_ids", "cls.*"}};
  AddEncoder(map, "encoder.layer.*", prefix + "encoder.layer.*.",
             {.qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
              .projection = "attention.output.dense",
              .hidden = "intermediate.dense",
              .output = "output.dense",
              .norm1 = "attention.output.LayerNorm",
              .norm2 = "output.LayerNorm"});
  map.rules.push_back({.parameter = "embeddings.*", .tensor = prefix + "embeddings.*"});
  return ForFamily(std::move(map));
}

std::string_view WeightEvidenceName(WeightEvidence evidence) {
  switch (evidence) {
    case WeightEvidence::kRule:
      return "rule";
    case WeightEvidence::kName:
      return "name";
    case WeightEvidence::kShapes:
      return "shapes";
    case WeightEvidence::kWords:
      return "words";
    case WeightEvidence::kNumbers:
      return "numbers";
    case WeightEvidence::kOrder:
      return "order";
  }
  return "";
}

}  // namespace espalier
