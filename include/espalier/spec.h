// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a network is, as plain data: the form that builders write, model files
// carry, and Network::Build checks and turns into a network.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "espalier/element_type.h"
#include "espalier/shape.h"

namespace espalier {

/// A layer's settings by name, e.g. {"channels": 32, "kernel": [3, 3], "padding": "same"}.
/// docs/model_file.md lists the names that each kind of layer knows; an unknown name or a wrong
/// type is an error. Whole numbers are accepted for real ones.
class AttributeValue
    : public std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>> {
 public:
  using variant::variant;
  using variant::operator=;

  AttributeValue() = default;
  AttributeValue(AttributeValue&&) = default;
  AttributeValue& operator=(AttributeValue&&) = default;
  ~AttributeValue() = default;

  // libstdc++ 12 destroys what it has not yet copied where a copy of a variant runs out of memory;
  // so values are copied first and moved into place.
  AttributeValue(const AttributeValue& other) : variant() { *this = other; }
  AttributeValue& operator=(const AttributeValue& other) {
    std::visit([this](const auto& value) { *this = std::remove_cvref_t<decltype(value)>(value); },
               static_cast<const variant&>(other));
    return *this;
  }
};
using Attributes = std::map<std::string, AttributeValue>;

/// The name by which layers refer to a network's (normalized) input, if it has no other.
inline constexpr const char* kInputName = "input";

struct LayerSpec {
  std::string name;  ///< empty: numbered by kind, "dense1"
  std::string kind;  ///< "dense", "conv2d", …
  /// Names of earlier layers or of inputs; empty: the layer before that takes inputs, or the first
  /// input. A "constant" takes none.
  std::vector<std::string> inputs;
  Attributes attributes;
  bool frozen = false;
  /// For a frozen batch norm that still uses and updates batch statistics.
  bool adapt_statistics = false;
  double learning_rate_scale = 1.0;
};

/// What a head answers.
enum class TaskKind {
  kLabels,   ///< independent yes/no questions: a sigmoid each
  kClasses,  ///< one of n: softmax
  kValues,   ///< real numbers: regression
};

enum class LossKind {
  kLogistic,  ///< labels: max(z,0) - z*y + log1p(exp(-|z|))
  kFocal,     ///< labels: -alpha_t (1-p_t)^gamma log(p_t); Lin et al. 2017, arXiv:1708.02002
  kSoftmax,   ///< classes: -log softmax(z)[y]
  kSquared,   ///< values: (z-y)^2
  kHuber,     ///< values: quadratic to delta, then linear
};

/// What a task's sum over labelled entries is divided by.
enum class LossNormalization {
  kExamples,         ///< all examples of the batch, labelled or not (default)
  kLabelledEntries,  ///< the labelled entries of this head in the batch
  kPerLabel,         ///< each label's sum by that label's labelled entries
};

struct TaskSpec {
  TaskKind kind = TaskKind::kLabels;
  /// Names of labels, classes or values; its size is the head's width.
  std::vector<std::string> labels;
  LossKind loss = LossKind::kLogistic;
  double weight = 1.0;  ///< of this task in the total loss
  LossNormalization normalization = LossNormalization::kExamples;
  std::vector<double> positive_weights;  ///< labels: weight of the y=1 term; empty: 1
  std::vector<double> class_weights;     ///< classes: weight by true class; empty: 1
  double label_smoothing = 0.0;          ///< s in [0,1): y(1-s)+s/2 (labels), y(1-s)+s/n (classes)
  double focal_gamma = 2.0;
  double focal_alpha = 0.25;  ///< negative: no alpha weighting
  double huber_delta = 1.0;
  /// Labels: the probability from which on each counts as true, in [0, 1]; empty: 0.5. The core
  /// only keeps them, for those who read the answers.
  std::vector<double> thresholds;
};

/// Layers from features to logits. Their names are prefixed "heads.<name>."; the
/// output layer "heads.<name>.dense", with one unit a label, is added by Build.
struct HeadSpec {
  std::string name;
  /// Layer or input it stands on; empty: the last backbone layer that takes inputs, or the first
  /// input. A network whose heads stand on the output of another can be served, but not trained.
  std::string from;
  std::vector<LayerSpec> layers;  ///< hidden layers, each following the one before
  TaskSpec task;
  /// How the output layer's weights start; its bias starts at 0. "zeros", "small_normal",
  /// "standard_uniform", or "he", "glorot" or "lecun" with "_normal" or "_uniform" behind; empty:
  /// "zeros" on a frozen backbone, that is where no dense layer or convolution that trains lies
  /// under the head (a transfer's own freezing counts), else "standard_uniform". Decision 0015
  /// has the measurements.
  std::string initializer;
  bool frozen = false;               ///< of the output layer
  double learning_rate_scale = 1.0;  ///< of the output layer
};

/// (x - mean) / std per channel (first dimension), or for all with a single entry.
struct Normalization {
  std::vector<double> mean;
  std::vector<double> std;
};

/// One of the things that a network reads.
struct InputSpec {
  std::string name = kInputName;  ///< as a layer's; no layer has the same
  Shape shape{1};
  ElementType type = ElementType::kFloat32;
  std::optional<Normalization> normalization;  ///< of floats alone
};

struct NetworkSpec {
  std::vector<InputSpec> inputs = {InputSpec{}};  ///< in the order in which examples hold them
  std::vector<LayerSpec> layers;
  std::vector<HeadSpec> heads;
  /// What its owner keeps with it, by key; nothing here reads it. Keys have 1 to 256 bytes and do
  /// not begin with "espalier."; UTF-8 without NUL, 256 entries and 1 MiB in all at most.
  std::map<std::string, std::string> metadata;
};

}  // namespace espalier
