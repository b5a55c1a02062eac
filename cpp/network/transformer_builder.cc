// SPDX-License-Identifier: Apache-2.0

// A transformer's block, written layer by layer.

#include <utility>

#include "core/text.h"
#include "espalier/builder.h"

namespace espalier {
namespace {

// Layers of one block: names with its prefix, each after the one before.
class EncoderLayers {
 public:
  EncoderLayers(NetworkBuilder& builder, std::string name)
      : builder_(builder), name_(std::move(name)) {}

  std::string NameOf(const char* part) const { return Concat(name_, ".", part); }

  /// Returns the layer's name.
  std::string Add(const char* part, const std::string& kind, Attributes attributes,
                  std::vector<std::string> inputs) {
    LayerSpec layer;
    layer.name = NameOf(part);
    layer.kind = kind;
    layer.inputs = std::move(inputs);
    layer.attributes = std::move(attributes);
    builder_.Layer(std::move(layer));
    return NameOf(part);
  }

  std::string Dense(const char* part, std::int64_t units, const std::string& input) {
    return Add(part, "dense", {{"units", units}, {"per_position", true}}, {input});
  }

 private:
  NetworkBuilder& builder_;
  std::string name_;
};

}  // namespace

NetworkBuilder& NetworkBuilder::TransformerEncoder(std::string name,
                                                   const TransformerOptions& options) {
  if (name.empty()) {
    Fail(ErrorCode::kInvalidArgument, "transformer encoder: expected a name, got \"\"");
  }
  const std::string x = CurrentLayer();
  EncoderLayers block(*this, std::move(name));
  const auto norm = [&](const char* part, const std::string& input) {
    return block.Add(part, "layer_norm", {{"epsilon", options.epsilon}, {"per_position", true}},
                     {input});
  };
  const auto dropout = [&](const char* part, const std::string& input) {
    if (options.dropout == 0.0) return input;
    return block.Add(part, "dropout", {{"rate", options.dropout}}, {input});
  };
  const auto attend = [&](const std::string& input) {
    std::vector<std::string> inputs = {block.Dense("qkv", 3 * options.width, input)};
    if (!options.lengths.empty()) inputs.push_back(options.lengths);
    const std::string mixed =
        block.Add("attention", "attention",
                  {{"heads", options.heads}, {"causal", options.causal}, {"packed", true}},
                  std::move(inputs));
    return dropout("dropout1", block.Dense("projection", options.width, mixed));
  };
  const auto feed = [&](const std::string& input) {
    const std::string hidden = block.Add("activation", options.activation, {},
                                         {block.Dense("hidden", options.feed_forward, input)});
    return dropout("dropout2", block.Dense("output", options.width, hidden));
  };
  if (options.norm_first) {
    const std::string sum = block.Add("sum1", "add", {}, {x, attend(norm("norm1", x))});
    block.Add("sum2", "add", {}, {sum, feed(norm("norm2", sum))});
  } else {
    const std::string middle = norm("norm1", block.Add("sum1", "add", {}, {x, attend(x)}));
    norm("norm2", block.Add("sum2", "add", {}, {middle, feed(middle)}));
  }
  return *this;
}

}  // namespace espalier
