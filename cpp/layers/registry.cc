// SPDX-License-Identifier: Apache-2.0

// The one list of the kinds of layers.

#include <functional>
#include <map>

#include "core/near_names.h"
#include "core/text.h"
#include "layers/activations.h"
#include "layers/add.h"
#include "layers/arg_max.h"
#include "layers/attention.h"
#include "layers/attribute_reader.h"
#include "layers/average_pool2d.h"
#include "layers/batch_norm.h"
#include "layers/binary.h"
#include "layers/cast.h"
#include "layers/class_token.h"
#include "layers/concat.h"
#include "layers/constant.h"
#include "layers/conv1d.h"
#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/dense.h"
#include "layers/depthwise_conv2d.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/expand.h"
#include "layers/flatten.h"
#include "layers/gather.h"
#include "layers/global_average_pool2d.h"
#include "layers/global_max_pool2d.h"
#include "layers/group_norm.h"
#include "layers/instance_norm.h"
#include "layers/layer.h"
#include "layers/layer_norm.h"
#include "layers/matmul.h"
#include "layers/max_pool2d.h"
#include "layers/pad.h"
#include "layers/per_position.h"
#include "layers/position_embedding.h"
#include "layers/prelu.h"
#include "layers/recurrent.h"
#include "layers/reduce.h"
#include "layers/reshape.h"
#include "layers/resize.h"
#include "layers/rms_norm.h"
#include "layers/slice.h"
#include "layers/softmax.h"
#include "layers/token_pool.h"
#include "layers/top_k.h"
#include "layers/transpose.h"
#include "layers/unary.h"
#include "layers/where.h"

namespace espalier {
namespace {

using Factory = std::function<std::shared_ptr<const Layer>(const Attributes&)>;
using Registry = std::map<std::string, Factory, std::less<>>;

// A class of several kinds.
template <typename Class>
void EmplaceKindsOf(Registry& registry) {
  for (const std::string_view kind : Class::Kinds()) {
    registry.emplace(kind, [kind](const Attributes& attributes) {
      return std::make_shared<const Class>(kind, attributes);
    });
  }
}

template <typename... Kinds>
Registry MakeRegistry() {
  Registry registry;
  (registry.emplace(
       Kinds::kKind,
       [](const Attributes& attributes) { return std::make_shared<const Kinds>(attributes); }),
   ...);
  for (const char* const kind : {Dense::kKind, LayerNorm::kKind}) {
    registry[kind] = [kind, make = registry[kind]](
                         const Attributes& attributes) -> std::shared_ptr<const Layer> {
      std::shared_ptr<const Layer> layer = make(attributes);
      const bool is_per_position =
          AttributeReader(kind, attributes).Flag(PerPosition::kAttribute, false);
      return is_per_position ? std::make_shared<const PerPosition>(std::move(layer)) : layer;
    };
  }
  EmplaceKindsOf<ActivationLayer>(registry);
  EmplaceKindsOf<BinaryLayer>(registry);
  EmplaceKindsOf<Recurrent>(registry);
  EmplaceKindsOf<SoftmaxLayer>(registry);
  EmplaceKindsOf<TopK>(registry);
  EmplaceKindsOf<UnaryLayer>(registry);
  return registry;
}

const Registry& AllKinds() {
  static const Registry registry =
      MakeRegistry<Add, ArgMax, Attention, AveragePool2d, BatchNorm, Cast, ClassToken, ConcatLayer,
                   Constant, Conv1d, Conv2d, ConvTranspose2d, Dense, DepthwiseConv2d, Dropout,
                   Embedding, Expand, Flatten, Gather, GlobalAveragePool2d, GlobalMaxPool2d,
                   GroupNorm, InstanceNorm, LayerNorm, MatmulLayer, MaxPool2d, Pad,
                   PositionEmbedding, Prelu, Reduce, Reshape, Resize, RmsNorm, Slice, Squeeze,
                   TokenPool, TransposeLayer, Unsqueeze, Where>();
  return registry;
}

}  // namespace

std::shared_ptr<const Layer> MakeLayer(std::string_view kind, const Attributes& attributes) {
  const auto found = AllKinds().find(kind);
  if (found == AllKinds().end()) {
    const std::vector<std::string> known = LayerKinds();
    Fail(ErrorCode::kInvalidArgument, "unknown kind of layer '", kind, "', known are ",
         Join(known, ", "), DidYouMean(kind, known));
  }
  return found->second(attributes);
}

bool TakesInputs(std::string_view kind) { return kind != Constant::kKind; }

std::vector<std::string> LayerKinds() {
  std::vector<std::string> kinds;
  for (const auto& [kind, factory] : AllKinds()) kinds.push_back(kind);
  return kinds;
}

}  // namespace espalier
