// SPDX-License-Identifier: Apache-2.0
#include "inference/compiled_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/text.h"
#include "inference/border_operation.h"
#include "inference/channel_operation.h"
#include "inference/convolution_operation.h"
#include "inference/dense_operation.h"
#include "inference/elementwise_operation.h"
#include "inference/folded_weights.h"
#include "inference/fusion.h"
#include "inference/layer_norm_operation.h"
#include "inference/layer_operation.h"
#include "layers/activations.h"
#include "layers/add.h"
#include "layers/batch_norm.h"
#include "layers/convolution.h"
#include "layers/dense.h"
#include "layers/layer_norm.h"
#include "layers/layout.h"

namespace espalier {
namespace {

class Compiler {
 public:
  Compiler(const NetworkState& network, const std::vector<int>& inputs,
           const std::vector<int>& outputs, PlanBorder border, Precision precision)
      : network_(network),
        inputs_(inputs),
        outputs_(outputs),
        border_(border),
        precision_(precision) {}

  CompiledPlan Run() {
    MarkLayers();
    const FusedGraph graph = FuseLayers(network_, is_needed_, is_given_, is_requested_);
    value_of_layer_.assign(network_.layers.size(), PlanOutput{.value = -1});
    AddInputs();
    AddSteps(graph);
    AddOutputs(graph);
    PlaceValues();
    return std::move(plan_);
  }

 private:
  const GraphLayer& layer(int index) const {
    return network_.layers[static_cast<std::size_t>(index)];
  }

  void CheckIndex(int index) const {
    if (index < kNetworkInput || index >= static_cast<int>(network_.layers.size())) {
      Fail(ErrorCode::kInvalidArgument, "inference plan: expected a layer's index below ",
           network_.layers.size(), ", got ", index);
    }
  }

  void MarkLayers() {
    is_needed_.assign(network_.layers.size(), 0);
    is_given_ = is_needed_;
    is_requested_ = is_needed_;
    for (const int input : inputs_) {
      CheckIndex(input);
      if (input == kNetworkInput) {
        is_input_given_ = true;
      } else {
        is_given_[static_cast<std::size_t>(input)] = 1;
      }
    }
    for (const int output : outputs_) {
      CheckIndex(output);
      if (output == kNetworkInput) {
        is_input_needed_ = true;
      } else {
        is_requested_[static_cast<std::size_t>(output)] = 1;
        is_needed_[static_cast<std::size_t>(output)] = 1;
      }
    }
    for (std::size_t i = network_.layers.size(); i-- > 0;) {
      if (is_needed_[i] != 0 && is_given_[i] == 0) {
        for (const int input : network_.layers[i].inputs) {
          if (input == kNetworkInput) {
            is_input_needed_ = true;
          } else {
            is_needed_[static_cast<std::size_t>(input)] = 1;
          }
        }
      }
    }
    if (is_input_needed_ && !is_input_given_ && !inputs_.empty()) {
      Fail(ErrorCode::kInvalidArgument,
           "inference plan: expected inputs that outputs can be computed from, got some that also "
           "need the network's input");
    }
  }

  int AddValue(std::int64_t floats) {
    plan_.values.push_back({.floats = floats, .is_input = false, .offset = 0, .outputs = {}});
    return static_cast<int>(plan_.values.size()) - 1;
  }

  int AddInput(const Shape& shape) {
    plan_.inputs.push_back(AddValue(shape.element_count()));
    plan_.values.back().is_input = true;
    return plan_.inputs.back();
  }

  void AddInputs() {
    for (const int input : inputs_) {
      const Shape& shape = ShapeOf(input);
      int value = AddInput(shape);
      if (border_ == PlanBorder::kOutside && !LiesAsOutside(shape)) {
        value = AddEntry(shape, value, {});
      }
      if (input == kNetworkInput) {
        network_input_value_ = value;
      } else {
        SetValue(input, {.value = value, .offset = 0, .floats = shape.element_count()});
      }
    }
    if (inputs_.empty()) {
      const Shape& shape = network_.input;
      network_input_value_ = AddInput(shape);
      if (is_input_needed_ && (network_.normalization || !LiesAsOutside(shape))) {
        network_input_value_ = AddEntry(shape, network_input_value_, network_.normalization);
      }
    }
  }

  int AddEntry(const Shape& shape, int value, const std::optional<Normalization>& normalization) {
    AddStep(std::make_unique<EnterOperation>(shape, normalization), {value}, shape.element_count(),
            normalization ? "normalize" : "channels last");
    return plan_.steps.back().output;
  }

  const Shape& ShapeOf(int index) const {
    return index == kNetworkInput ? network_.input : layer(index).output_shape;
  }

  void SetValue(int index, const PlanOutput& output) {
    value_of_layer_[static_cast<std::size_t>(index)] = output;
  }

  void AddStep(std::unique_ptr<const Operation> operation, std::vector<int> inputs,
               std::int64_t floats, std::string name) {
    const int output = AddValue(floats);
    plan_.steps.push_back({.operation = std::move(operation),
                           .inputs = std::move(inputs),
                           .output = output,
                           .name = std::move(name)});
  }

  void AddSteps(const FusedGraph& graph) {
    // A product of several heads stands where the last of them stands.
    std::vector<char> is_joined(graph.groups.size(), 0);
    std::vector<int> product_at(graph.groups.size(), -1);
    for (std::size_t p = 0; p < graph.head_products.size(); ++p) {
      for (const int group : graph.head_products[p]) {
        is_joined[static_cast<std::size_t>(group)] = 1;
      }
      product_at[static_cast<std::size_t>(graph.head_products[p].back())] = static_cast<int>(p);
    }
    for (std::size_t g = 0; g < graph.groups.size(); ++g) {
      if (product_at[g] >= 0) {
        AddHeads(graph, graph.head_products[static_cast<std::size_t>(product_at[g])]);
      } else if (is_joined[g] == 0) {
        AddGroup(graph, graph.groups[g]);
      }
    }
  }

  void AddGroup(const FusedGraph& graph, const FusedGroup& group) {
    std::vector<std::string> names;
    for (const int index : group.layers) {
      names.push_back(layer(index).name);
    }
    const std::int64_t floats = layer(group.last()).output_shape.element_count();
    AddStep(MakeOperation(graph, group), InputValues(graph, group.layers[0]), floats,
            Join(names, " + "));
    SetValue(group.last(), {.value = plan_.steps.back().output, .offset = 0, .floats = floats});
  }

  std::unique_ptr<const Operation> MakeOperation(const FusedGraph& graph,
                                                 const FusedGroup& group) const {
    const int first = group.layers[0];
    const Layer& kind = *layer(first).layer;
    if (dynamic_cast<const Dense*>(&kind) != nullptr) {
      std::vector<FoldedWeights> parts;
      parts.push_back(FoldDense(graph, first, group.norm));
      return std::make_unique<DenseOperation>(layer(first).input_shapes[0].element_count(), parts,
                                              group.activation, precision_);
    }
    if (const auto* convolution = dynamic_cast<const Convolution*>(&kind)) {
      return std::make_unique<ConvolutionOperation>(
          convolution->Geometry(layer(first).input_shapes),
          FoldWeights(network_, first, group.norm), group.activation, group.is_pooled);
    }
    if (dynamic_cast<const BatchNorm*>(&kind) != nullptr) {
      return std::make_unique<ChannelOperation>(network_, first, group.activation);
    }
    if (dynamic_cast<const Add*>(&kind) != nullptr ||
        dynamic_cast<const ActivationLayer*>(&kind) != nullptr) {
      return std::make_unique<ElementwiseOperation>(layer(first).output_shape.element_count(),
                                                    group.activation);
    }
    if (dynamic_cast<const LayerNorm*>(&kind) != nullptr) {
      return std::make_unique<LayerNormOperation>(network_, first);
    }
    return std::make_unique<LayerOperation>(network_, first);
  }

  // A dense layer takes its input as it lies: flattened, but channels last.
  FoldedWeights FoldDense(const FusedGraph& graph, int index, int norm) const {
    FoldedWeights folded = FoldWeights(network_, index, norm);
    MoveColumnsInside(ShapeOf(SourceOf(graph, layer(index).inputs[0])), folded);
    return folded;
  }

  void AddHeads(const FusedGraph& graph, const std::vector<int>& groups) {
    std::vector<FoldedWeights> parts;
    std::vector<std::string> names;
    std::vector<int> heads;
    std::int64_t width = 0;
    for (const int group : groups) {
      const int head = graph.groups[static_cast<std::size_t>(group)].layers[0];
      heads.push_back(head);
      parts.push_back(FoldDense(graph, head, -1));
      names.push_back(layer(head).name);
      width += layer(head).output_shape.element_count();
    }
    AddStep(std::make_unique<DenseOperation>(layer(heads[0]).input_shapes[0].element_count(), parts,
                                             FusedActivation{}, precision_),
            InputValues(graph, heads[0]), width, Join(names, " + "));
    std::int64_t offset = 0;
    for (const int head : heads) {
      const std::int64_t floats = layer(head).output_shape.element_count();
      SetValue(head, {.value = plan_.steps.back().output, .offset = offset, .floats = floats});
      offset += floats;
    }
  }

  std::vector<int> InputValues(const FusedGraph& graph, int index) const {
    std::vector<int> values;
    for (const int input : layer(index).inputs) {
      values.push_back(ValueOf(graph, input).value);
    }
    return values;
  }

  static int SourceOf(const FusedGraph& graph, int index) {
    return index == kNetworkInput ? kNetworkInput : graph.source[static_cast<std::size_t>(index)];
  }

  PlanOutput ValueOf(const FusedGraph& graph, int index) const {
    const int source = SourceOf(graph, index);
    return source == kNetworkInput ? PlanOutput{.value = network_input_value_,
                                                .offset = 0,
                                                .floats = network_.input.element_count()}
                                   : value_of_layer_[static_cast<std::size_t>(source)];
  }

  void AddOutputs(const FusedGraph& graph) {
    for (const int output : outputs_) {
      PlanOutput value = ValueOf(graph, output);
      // A layer that passes an image on as a vector passes it on as it lies outside.
      const Shape& shape = ShapeOf(SourceOf(graph, output));
      if (!LiesAsOutside(shape) &&
          (border_ == PlanBorder::kOutside || LiesAsOutside(ShapeOf(output)))) {
        AddStep(std::make_unique<LeaveOperation>(shape), {value.value}, value.floats,
                "channels first");
        value.value = plan_.steps.back().output;
      }
      plan_.outputs.push_back(value);
    }
  }

  void PlaceValues() {
    const int end = static_cast<int>(plan_.steps.size());
    std::vector<BufferRequest> lives(plan_.values.size());
    std::vector<char> is_read(plan_.values.size(), 0);
    for (int s = 0; s < end; ++s) {
      const PlanStep& step = plan_.steps[static_cast<std::size_t>(s)];
      BufferRequest& life = lives[static_cast<std::size_t>(step.output)];
      life = {.floats = plan_.values[static_cast<std::size_t>(step.output)].floats,
              .first = s,
              .last = s};
      for (const int input : step.inputs) {
        lives[static_cast<std::size_t>(input)].last = s;
        is_read[static_cast<std::size_t>(input)] = 1;
      }
    }
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o) {
      const std::size_t value = static_cast<std::size_t>(plan_.outputs[o].value);
      lives[value].last = end;
      if (is_read[value] == 0 && !plan_.values[value].is_input) {
        plan_.values[value].outputs.push_back(static_cast<int>(o));
      }
    }
    for (PlanValue& value : plan_.values) {
      KeepIfSideBySide(value);
    }
    const ArenaLayout layout = LayOutArena(lives);
    for (std::size_t v = 0; v < plan_.values.size(); ++v) {
      plan_.values[v].offset = layout.offsets[v];
    }
    plan_.arena_floats = layout.floats;
  }

  // An output asked for twice, or a product some of whose columns nobody wants, is copied.
  void KeepIfSideBySide(PlanValue& value) const {
    std::int64_t end = 0;
    for (const int output : value.outputs) {
      const PlanOutput& part = plan_.outputs[static_cast<std::size_t>(output)];
      if (part.offset != end) {
        value.outputs.clear();
        return;
      }
      end += part.floats;
    }
    if (end != value.floats) {
      value.outputs.clear();
    }
  }

  const NetworkState& network_;
  const std::vector<int>& inputs_;
  const std::vector<int>& outputs_;
  const PlanBorder border_;
  const Precision precision_;
  std::vector<char> is_needed_;
  std::vector<char> is_given_;
  std::vector<char> is_requested_;
  bool is_input_given_ = false;
  bool is_input_needed_ = false;
  int network_input_value_ = -1;
  std::vector<PlanOutput> value_of_layer_;  // by layer; set for those that are sources
  CompiledPlan plan_;
};

}  // namespace

bool CompiledPlan::CanUseWorkers(std::int64_t batch) const {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const PlanStep& step) { return step.IsShared(batch); });
}

CompiledPlan CompilePlan(const NetworkState& network, const std::vector<int>& inputs,
                         const std::vector<int>& outputs, PlanBorder border, Precision precision) {
  return Compiler(network, inputs, outputs, border, precision).Run();
}

}  // namespace espalier
