// SPDX-License-Identifier: Apache-2.0
#include "network/spec_expansion.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/near_names.h"
#include "core/text.h"
#include "network/names.h"
#include "network/task_check.h"

namespace espalier {
namespace {

class Expansion {
 public:
  explicit Expansion(const NetworkSpec& spec) : spec_(spec) {}

  ExpandedSpec Run() {
    CheckCounts();
    AddInputs();
    ReserveNames();
    AddBackbone();
    for (std::size_t head = 0; head < spec_.heads.size(); ++head) {
      AddHead(static_cast<int>(head));
    }
    ResolveInputs();
    return std::move(result_);
  }

 private:
  void CheckCounts() const {
    std::size_t count = spec_.layers.size() + spec_.heads.size();
    for (const HeadSpec& head : spec_.heads) {
      count += head.layers.size();
    }
    if (count == 0 || count > kMaxLayers) {
      Fail(ErrorCode::kInvalidArgument, "expected 1 to ", kMaxLayers,
           " layers, those of heads included, got ", count);
    }
  }

  void AddInputs() {
    if (spec_.inputs.empty() || spec_.inputs.size() > kMaxInputs) {
      Fail(ErrorCode::kInvalidArgument, "expected a network of 1 to ", kMaxInputs, " inputs, got ",
           spec_.inputs.size());
    }
    result_.input_count = spec_.inputs.size();
    for (const InputSpec& input : spec_.inputs) {
      CheckName("input", input.name);
      if (!taken_.insert(input.name).second) {
        Fail(ErrorCode::kInvalidArgument, "input '", input.name, "' is named twice");
      }
      value_of_.emplace(input.name, static_cast<int>(value_of_.size()));
    }
  }

  // Given names come first, so that automatic ones step around them wherever they stand.
  void ReserveNames() {
    for (const LayerSpec& layer : spec_.layers) {
      if (!layer.name.empty()) {
        CheckName("layer", layer.name);
        Reserve(layer.name);
      }
    }
    std::unordered_set<std::string> heads;
    for (const HeadSpec& head : spec_.heads) {
      CheckName("head", head.name);
      if (!heads.insert(head.name).second) {
        Fail(ErrorCode::kInvalidArgument, "head '", head.name, "' is named twice");
      }
      for (const LayerSpec& layer : head.layers) {
        if (!layer.name.empty()) {
          CheckName("layer", layer.name);
          Reserve(HeadPrefix(head.name) + layer.name);
        }
      }
      Reserve(HeadPrefix(head.name) + kHeadOutputName);
    }
  }

  void Reserve(const std::string& name) {
    if (!taken_.insert(name).second) {
      Fail(ErrorCode::kInvalidArgument, "layer '", name, "' is named twice",
           value_of_.contains(name) ? "; an input has that name" : "");
    }
  }

  void AddBackbone() {
    NameCounter counter;
    backbone_end_ = spec_.inputs[0].name;
    for (const LayerSpec& layer : spec_.layers) {
      const std::string name =
          layer.name.empty() ? counter.Next(layer.kind, "", taken_) : layer.name;
      const bool follows = TakesInputs(layer.kind);
      const bool is_before_meant = follows && layer.inputs.empty();
      Add(layer, name, is_before_meant ? std::vector{backbone_end_} : layer.inputs, -1);
      if (follows) backbone_end_ = name;
    }
  }

  void AddHead(int index) {
    const HeadSpec& head = spec_.heads[static_cast<std::size_t>(index)];
    CheckTask(head.name, head.task);
    const std::string prefix = HeadPrefix(head.name);
    std::string before = head.from.empty() ? backbone_end_ : head.from;
    from_.push_back(before);
    NameCounter counter;
    for (const LayerSpec& layer : head.layers) {
      const std::string name =
          layer.name.empty() ? counter.Next(layer.kind, prefix, taken_) : prefix + layer.name;
      const bool follows = TakesInputs(layer.kind);
      std::vector<std::string> inputs = layer.inputs;
      // Names of the head's own earlier layers are meant first.
      for (std::string& input : inputs) {
        input = value_of_.contains(prefix + input) ? prefix + input : input;
      }
      if (follows && inputs.empty()) inputs = {before};
      Add(layer, name, std::move(inputs), index);
      if (follows) before = name;
    }
    LayerSpec output;
    output.kind = "dense";
    output.attributes["units"] = static_cast<std::int64_t>(head.task.labels.size());
    if (!head.initializer.empty()) output.attributes["initializer"] = head.initializer;
    output.frozen = head.frozen;
    output.learning_rate_scale = head.learning_rate_scale;
    Add(output, prefix + kHeadOutputName, {before}, index);

    GraphHead graph_head;
    graph_head.name = head.name;
    graph_head.task = head.task;
    graph_head.initializer = head.initializer;
    graph_head.output = static_cast<int>(result_.layers.size()) - 1;
    result_.heads.push_back(std::move(graph_head));
  }

  void Add(const LayerSpec& layer, const std::string& name, std::vector<std::string> inputs,
           int head) {
    if (inputs.size() > kMaxLayerInputs) {
      Fail(ErrorCode::kInvalidArgument, "layer '", name, "': expected at most ", kMaxLayerInputs,
           " inputs, got ", inputs.size());
    }
    taken_.insert(name);
    value_of_.emplace(name, ValueOf(result_.layers.size()));
    ExpandedLayer expanded{.spec = layer, .inputs = {}, .head = head};
    expanded.spec.name = name;
    expanded.spec.inputs = std::move(inputs);
    result_.layers.push_back(std::move(expanded));
  }

  void ResolveInputs() {
    for (std::size_t i = 0; i < result_.layers.size(); ++i) {
      ExpandedLayer& layer = result_.layers[i];
      for (const std::string& input : layer.spec.inputs) {
        layer.inputs.push_back(Resolve(Concat("layer '", layer.spec.name, "'"), input, ValueOf(i)));
      }
    }
    for (std::size_t h = 0; h < result_.heads.size(); ++h) {
      GraphHead& head = result_.heads[h];
      // The output layer stands after all that the head may stand on.
      head.from = Resolve(Concat("head '", head.name, "'"), from_[h],
                          ValueOf(static_cast<std::size_t>(head.output)));
    }
  }

  int Resolve(const std::string& user, const std::string& input, int before) const {
    const auto found = value_of_.find(input);
    if (found == value_of_.end()) {
      std::vector<std::string> known;
      for (const InputSpec& network_input : spec_.inputs) known.push_back(network_input.name);
      for (const ExpandedLayer& layer : result_.layers) {
        if (static_cast<int>(known.size()) == before) break;
        known.push_back(layer.spec.name);
      }
      Fail(ErrorCode::kInvalidArgument, user, ": expected an earlier layer as input, got '", input,
           "', which no layer is named", NamesInstead(input, known));
    }
    if (found->second >= before) {
      Fail(ErrorCode::kInvalidArgument, user, ": expected an earlier layer as input, got '", input,
           "', which ", found->second == before ? "is the layer itself" : "stands later");
    }
    return found->second;
  }

  int ValueOf(std::size_t layer) const { return static_cast<int>(result_.input_count + layer); }

  const NetworkSpec& spec_;
  ExpandedSpec result_;
  std::string backbone_end_;       // its last layer that takes inputs, or the first input
  std::vector<std::string> from_;  // by head
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> value_of_;  // by name of a layer or an input
};

bool HasInitializer(const std::string& kind) {
  return kind == "dense" || kind == "conv2d" || kind == "depthwise_conv2d" || kind == "conv1d" ||
         kind == "conv_transpose2d";
}

// Output layers start at zeros where only the head learns; from zeros, a backbone that learns
// would find worse features in few steps.
void ChooseOutputInitializers(ExpandedSpec& spec) {
  // By value: the layer that makes it, or one that it is computed from, learns.
  std::vector<char> learns(spec.input_count, 0);
  for (const ExpandedLayer& layer : spec.layers) {
    learns.push_back(
        static_cast<char>((HasInitializer(layer.spec.kind) && !layer.spec.frozen) ||
                          std::any_of(layer.inputs.begin(), layer.inputs.end(), [&](int input) {
                            return learns[static_cast<std::size_t>(input)] != 0;
                          })));
  }
  for (const GraphHead& head : spec.heads) {
    Attributes& attributes = spec.layers[static_cast<std::size_t>(head.output)].spec.attributes;
    const bool is_on_learning = learns[static_cast<std::size_t>(head.from)] != 0;
    attributes.emplace("initializer", std::string(is_on_learning ? "standard_uniform" : "zeros"));
  }
}

bool PassesActivationThrough(const std::string& kind) {
  return kind == "batch_norm" || kind == "layer_norm" || kind == "group_norm" ||
         kind == "instance_norm" || kind == "dropout" || kind == "flatten" || kind == "reshape";
}

}  // namespace

ExpandedSpec ExpandSpec(const NetworkSpec& spec) {
  ExpandedSpec expanded = Expansion(spec).Run();
  ChooseInitializers(expanded);
  return expanded;
}

void ChooseInitializers(ExpandedSpec& spec) {
  ChooseOutputInitializers(spec);
  // From the last layer to the first: what saturates each layer's output is then known
  // from its consumers.
  std::vector<char> saturates(spec.input_count + spec.layers.size(), 0);  // by value
  for (std::size_t i = spec.layers.size(); i-- > 0;) {
    ExpandedLayer& layer = spec.layers[i];
    const bool is_saturated = saturates[spec.input_count + i] != 0;
    const std::string& kind = layer.spec.kind;
    if (HasInitializer(kind) && !layer.spec.attributes.contains("initializer")) {
      layer.spec.attributes["initializer"] =
          std::string(is_saturated ? "glorot_uniform" : "he_normal");
    }
    const bool is_saturating = kind == "sigmoid" || kind == "tanh" || kind == "hard_sigmoid" ||
                               (PassesActivationThrough(kind) && is_saturated);
    for (const int input : layer.inputs) {
      if (is_saturating) saturates[static_cast<std::size_t>(input)] = 1;
    }
  }
}

}  // namespace espalier
