// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "espalier/network.h"

namespace espalier {

/// How some parameters of a network are called in a file, and how their values lie there.
struct WeightRule {
  enum class Values {
    kSame,
    kTransposed,  ///< [out, in] here is [in, out] there
    kReshaped,    ///< as many values in another shape: [n, c] here, [n, c, 1, 1] there
  };

  /// A parameter's path, or a glob: '*' any run of characters, as short as will do, '?' any one.
  std::string parameter;
  /// The tensor's name, with the glob's wildcards in the same order: each is what it was there.
  std::string tensor;
  Values values = Values::kSame;
  /// Of kSame: further tensors, named as `tensor` is, whose rows follow its own in the parameter:
  /// those of key and value after the query's. All have as many.
  std::vector<std::string> joined = {};
  /// Of kSame: how many dimensions of size 1 the tensor has before the parameter's.
  int leading_ones = 0;
  /// True in the maps of families, whose members have not all of what there is a rule for. Else a
  /// rule that no parameter's path matches is an error.
  bool may_match_none = false;
};

/// Which tensor of a safetensors file is which parameter of a network. The default is a file that
/// calls all as the network does, with nothing left over on either side.
struct WeightMap {
  /// The first that matches a parameter's path applies; without one, its tensor has its path as
  /// name. No two parameters may have one tensor.
  std::vector<WeightRule> rules;
  /// Paths or globs of parameters that LoadWeights leaves as they are where the file has no tensor
  /// for them, or one that does not fit.
  std::vector<std::string> may_stay;
  /// Names or globs of tensors that LoadWeights does not need.
  std::vector<std::string> may_be_unused;
  /// Finds the tensors of those parameters that no rule names and that may not stay, where only one
  /// choice is left: see WeightEvidence. What is left over is an error.
  bool learned = false;
};

/// A map that learns all names from the file; PyTorch's counts of batches need not be used.
WeightMap LearnedWeights();

/// torchvision's names of a ResNet whose layers are called as there but for its batch norms, which
/// are called after their convolutions ("conv1.bn", "layer2.0.conv1.bn"), and whose projections are
/// "layer2.0.downsample" and "layer2.0.downsample.bn". Heads may stay as they are, and
/// torchvision's "fc" need not be used. timm has the same names.
WeightMap TorchvisionResNetWeights();

/// The same for MobileNetV2: "features.0", "features.18", and in the blocks between "expand",
/// "depthwise" and "project", each with its "bn".
WeightMap TorchvisionMobileNetV2Weights();

/// The same for MobileNetV3, small and large, whose blocks have "se", a squeeze-and-excitation,
/// before "project". Its dense layer "classifier.0" may stay, too.
WeightMap TorchvisionMobileNetV3SmallWeights();
WeightMap TorchvisionMobileNetV3LargeWeights();

/// The same for EfficientNet-B0 to B7: "features.0", blocks from "features.1.0" to the last of
/// "features.7", "features.8".
WeightMap TorchvisionEfficientNetWeights();

/// timm's names of MobileNetV2, MobileNetV3 and EfficientNet, whose layers are called as there but
/// for batch norms, which are called after their convolutions ("conv_stem.bn",
/// "blocks.1.0.conv_dw.bn"), and "se.reduce" and "se.expand" of squeeze-and-excitation. Heads may
/// stay, and timm's "classifier" need not be used.
WeightMap TimmMobileNetWeights();

/// timm's names of a vision transformer: "patch_embed.proj", "cls_token", "pos_embed", blocks
/// "blocks.0", "blocks.1" … as NetworkBuilder::TransformerEncoder writes them, and "norm". Heads
/// may stay, and timm's "head" need not be used.
WeightMap TimmVisionTransformerWeights();

/// Hugging Face's names of an encoder like BERT: "embeddings.word_embeddings",
/// "embeddings.token_type_embeddings", "embeddings.position_embeddings", "embeddings.LayerNorm",
/// and blocks "encoder.layer.0" … as NetworkBuilder::TransformerEncoder writes them. All tensors'
/// names begin with `prefix`: "bert." in the files of models with a head. Heads may stay; poolers,
/// ids of positions and "cls" need not be used.
WeightMap BertWeights(const std::string& prefix = "");

/// Why a tensor was taken for a parameter's. The last four are those of a map that learns: layers
/// are told apart by all their parameters' shapes, but for dimensions of size 1.
enum class WeightEvidence {
  kRule,     ///< a rule of the map
  kName,     ///< the same name
  kShapes,   ///< the only two layers of these shapes
  kWords,    ///< of these shapes, the only two with the words that both sides have as often
  kNumbers,  ///< of these, names differ by numbers alone, which are the same on both sides
  kOrder,    ///< the tensors' names differ by numbers alone; layers are computed one from the other
};

/// "rule", "name", "shapes" …
std::string_view WeightEvidenceName(WeightEvidence evidence);

/// What LoadWeights did with each parameter and each tensor.
struct WeightReport {
  struct Match {
    std::string parameter;
    std::string tensor;  ///< several, where a rule joins them: separated by ", "
    WeightEvidence evidence = WeightEvidence::kName;
  };
  std::vector<Match> matched;       ///< read, in the order of parameters; those reshaped too
  std::vector<Match> reshaped;      ///< read from a tensor of another shape
  std::vector<std::string> kept;    ///< parameters that stayed as they were
  std::vector<std::string> unused;  ///< tensors not read, by name

  /// For people: how many there are of each, and the first by name.
  std::string ToString() const;
};

/// Reads parameters and buffers from a safetensors file of any program: float32, float16, bfloat16
/// or float64, rounded to float32. All of them or, if an error is thrown, none. Frozen layers are
/// read too. What does not fit is one error with all of it. The file is read as strictly as a
/// model file.
///
/// Throws Error: MODEL_FILE if the file is damaged, does not fit, or has values that are not finite
/// in float32; INVALID_ARGUMENT for a wrong map; INVALID_STATE if the network was moved from; BUSY
/// if others use it; OUT_OF_MEMORY, IO.
WeightReport LoadWeights(Network& network, const std::string& path, const WeightMap& map = {});

/// Writes all parameters and buffers as float32 under the names that `map` gives them, as safely as
/// SaveNetwork writes; LoadWeights with the same map reads them back to the same bits. Throws
/// Error: INVALID_ARGUMENT for a wrong map, one that learns, or where a rule says kReshaped, which
/// does not say to what shape; INVALID_STATE, BUSY, OUT_OF_MEMORY, IO.
void ExportSafetensors(const Network& network, const std::string& path, const WeightMap& map = {});

}  // namespace espalier
