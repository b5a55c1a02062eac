// SPDX-License-Identifier: Apache-2.0
#pragma once

// Transformers that people know, for tests on real architectures and for benchmarks.

#include <cstdint>
#include <string>

#include "espalier/builder.h"
#include "testing/layer_spec.h"

namespace espalier::testing {

/// Sizes of a BERT. By default those of MiniLM-L6-H384: Wang et al., 2020, arXiv:2002.10957.
struct BertSizes {
  std::int64_t length = 128;
  std::int64_t vocabulary = 30522;
  std::int64_t positions = 512;
  std::int64_t layers = 6;
  std::int64_t width = 384;
  std::int64_t heads = 12;
  std::int64_t feed_forward = 1536;
};

/// BERT's encoder (Devlin et al., 2018, arXiv:1810.04805) of ids, types of tokens and the number of
/// valid tokens, with their mean: layer "features".
inline NetworkBuilder Bert(const BertSizes& sizes) {
  const auto embedding = [&](const char* name, std::int64_t count, const char* input) {
    return Spec("embedding", {{"count", count}, {"width", sizes.width}}, name, {input});
  };
  NetworkBuilder builder(
      {{.name = "ids", .shape = Shape{sizes.length}, .type = ElementType::kInt32},
       {.name = "types", .shape = Shape{sizes.length}, .type = ElementType::kInt32},
       {.name = "lengths", .shape = Shape{1}, .type = ElementType::kInt32}});
  builder.Layer(embedding("words", sizes.vocabulary, "ids"))
      .Layer(embedding("token_types", 2, "types"))
      .Add("embedded", "words", "token_types")
      .Layer(Spec("position_embedding", {{"max_length", sizes.positions}}, "positions"))
      .Layer(Spec("layer_norm", {{"per_position", true}, {"epsilon", 1e-12}}, "norm"));
  for (std::int64_t i = 1; i <= sizes.layers; ++i) {
    builder.TransformerEncoder("block" + std::to_string(i), {.width = sizes.width,
                                                             .heads = sizes.heads,
                                                             .feed_forward = sizes.feed_forward,
                                                             .epsilon = 1e-12,
                                                             .lengths = "lengths"});
  }
  const std::string last = "block" + std::to_string(sizes.layers) + ".norm2";
  builder.Layer(Spec("token_pool", "features", {last, "lengths"}));
  return builder;
}

}  // namespace espalier::testing
