// SPDX-License-Identifier: Apache-2.0
#include "inference/plan_compiler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/arena_layout.h"
#include "core/checked.h"
#include "core/text.h"
#include "inference/border_operation.h"
#include "inference/channel_operation.h"
#include "inference/constant_operation.h"
#include "inference/constants.h"
#include "inference/convolution_operation.h"
#include "inference/copy_operation.h"
#include "inference/dense_operation.h"
#include "inference/elementwise_operation.h"
#include "inference/embedding_operation.h"
#include "inference/folded_weights.h"
#include "inference/fusion.h"
#include "inference/layer_norm_operation.h"
#include "inference/layer_operation.h"
#include "inference/position_dense_operation.h"
#include "inference/strip_operation.h"
#include "layers/layout.h"
#include "layers/positions.h"
#include "network/int8_weights.h"

namespace espalier {
namespace {

// Multiply-adds below which an operation stays on the caller's thread: waking a worker and waiting
// for it costs about as long as these take alone.
constexpr std::int64_t kSharedWork = 1'000'000;

class Compiler {
 public:
  Compiler(const NetworkState& network, const std::vector<int>& inputs,
           const std::vector<int>& outputs, const PlanOptions& options)
      : network_(network), inputs_(inputs), outputs_(outputs), options_(options) {}

  PlanSteps Run() {
    MarkValues();
    FindConstants();
    const FusedGraph graph = FuseLayers(network_, is_needed_, is_given_, is_requested_);
    part_of_value_.assign(network_.values.size(), ValuePart{.value = -1});
    AddInputs();
    AddSteps(graph);
    AddOutputs(graph);
    PlaceValues();
    ListInputUses();
    return std::move(plan_);
  }

 private:
  // Of a value, floats [offset, offset + floats).
  struct ValuePart {
    int value = 0;
    std::int64_t offset = 0;
    std::int64_t floats = 0;
  };

  const GraphLayer& layer(int index) const {
    return network_.layers[static_cast<std::size_t>(index)];
  }

  void CheckIndex(int index) const {
    if (index < 0 || index >= static_cast<int>(network_.values.size())) {
      Fail(ErrorCode::kInvalidArgument, "inference plan: expected a value's index below ",
           network_.values.size(), ", got ", index);
    }
  }

  void MarkValues() {
    is_needed_.assign(network_.values.size(), 0);
    is_given_ = is_needed_;
    is_requested_ = is_needed_;
    for (const int input : inputs_) {
      CheckIndex(input);
      is_given_[static_cast<std::size_t>(input)] = 1;
    }
    for (const int output : outputs_) {
      CheckIndex(output);
      is_requested_[static_cast<std::size_t>(output)] = 1;
      is_needed_[static_cast<std::size_t>(output)] = 1;
    }
    for (std::size_t i = network_.layers.size(); i-- > 0;) {
      const std::size_t output = static_cast<std::size_t>(network_.layers[i].output);
      if (is_needed_[output] == 0 || is_given_[output] != 0) continue;
      for (const int input : network_.layers[i].inputs) {
        is_needed_[static_cast<std::size_t>(input)] = 1;
      }
    }
    for (std::size_t i = 0; i < network_.inputs.size() && !inputs_.empty(); ++i) {
      if (is_needed_[i] != 0 && is_given_[i] == 0) {
        Fail(ErrorCode::kInvalidArgument,
             "inference plan: expected inputs that outputs can be computed from, got some that "
             "also need the network's input '",
             network_.inputs[i].name, "'");
      }
    }
  }

  // To all others they are given.
  void FindConstants() {
    constants_.emplace(network_, is_needed_, is_given_);
    for (const auto& [value, floats] : constants_->values()) {
      is_given_[static_cast<std::size_t>(value)] = 1;
    }
  }

  int AddValue(std::int64_t floats, const Length& length) {
    plan_.values.push_back({.floats = floats, .length = length, .offset = 0});
    plan_.varies = plan_.varies || length.varies();
    return static_cast<int>(plan_.values.size()) - 1;
  }

  int AddInput(const GraphValue& value) {
    plan_.inputs.push_back(AddValue(value.shape.element_count(), value.length));
    return plan_.inputs.back();
  }

  void AddInputs() {
    for (const int input : inputs_) {
      const GraphValue& graph_value = network_.value(input);
      int value = AddInput(graph_value);
      if (options_.border == PlanBorder::kOutside && !LiesAsOutside(graph_value)) {
        value = AddEntry(graph_value, value, {});
      }
      SetWhole(input, value);
    }
    for (std::size_t i = 0; i < network_.inputs.size() && inputs_.empty(); ++i) {
      const GraphValue& graph_value = network_.values[i];
      const std::optional<Normalization>& normalization = network_.inputs[i].normalization;
      int value = AddInput(graph_value);
      if (is_needed_[i] != 0 && (normalization || !LiesAsOutside(graph_value))) {
        value = AddEntry(graph_value, value, normalization);
      }
      SetWhole(static_cast<int>(i), value);
    }
  }

  int AddEntry(const GraphValue& graph_value, int value,
               const std::optional<Normalization>& normalization) {
    AddStep(std::make_unique<EnterOperation>(graph_value, normalization), {value},
            graph_value.shape.element_count(), normalization ? "normalize" : "channels last",
            graph_value.length);
    return plan_.steps.back().output;
  }

  const Shape& ShapeOf(int value) const { return network_.value(value).shape; }

  void SetPart(int value, const ValuePart& part) {
    part_of_value_[static_cast<std::size_t>(value)] = part;
  }

  void SetWhole(int graph_value, int value) {
    SetPart(graph_value,
            {.value = value, .offset = 0, .floats = ShapeOf(graph_value).element_count()});
  }

  void AddStep(std::unique_ptr<const Operation> operation, std::vector<int> inputs,
               std::int64_t floats, std::string name, const Length& length = {}) {
    const int output = AddValue(floats, length);
    const std::int64_t work = operation->work();
    const Length step_length = LengthOfStep(length, inputs);
    plan_.steps.push_back({.operation = std::move(operation),
                           .inputs = std::move(inputs),
                           .output = output,
                           .place = {},
                           .work = work,
                           .shared_batch = kSharedWork / SaturatedAdd(work, 1) + 1,
                           .length = step_length,
                           .name = std::move(name)});
  }

  void AddSteps(const FusedGraph& graph) {
    // Groups that are joined stand where the last of them stands.
    std::vector<char> is_joined(graph.groups.size(), 0);
    std::vector<const std::vector<int>*> product_at(graph.groups.size(), nullptr);
    std::vector<const std::vector<int>*> strip_at(graph.groups.size(), nullptr);
    const auto join = [&](const std::vector<std::vector<int>>& lists, auto& at) {
      for (const std::vector<int>& list : lists) {
        for (const int group : list) is_joined[static_cast<std::size_t>(group)] = 1;
        at[static_cast<std::size_t>(list.back())] = &list;
      }
    };
    join(graph.head_products, product_at);
    join(graph.strips, strip_at);
    for (std::size_t g = 0; g < graph.groups.size(); ++g) {
      if (product_at[g] != nullptr) {
        AddHeads(graph, *product_at[g]);
      } else if (strip_at[g] != nullptr) {
        AddStrip(graph, *strip_at[g]);
      } else if (is_joined[g] == 0) {
        AddGroup(graph, graph.groups[g]);
      }
    }
  }

  void AddGroup(const FusedGraph& graph, const FusedGroup& group) {
    AddResult(graph, group.layers[0], group, MakeOperation(graph, group), NameOf(group));
  }

  void AddStrip(const FusedGraph& graph, const std::vector<int>& groups) {
    std::vector<std::unique_ptr<const RowOperation>> stages;
    std::vector<std::string> names;
    const bool is_int8 = options_.precision == Precision::kInt8;
    for (const int index : groups) {
      const FusedGroup& group = graph.groups[static_cast<std::size_t>(index)];
      stages.push_back(
          MakeConvolution(group, is_int8 ? PrecisionOf(group.layers[0]) : Precision::kFp32));
      names.push_back(NameOf(group));
    }
    auto strip = std::make_unique<StripOperation>(std::move(stages));
    if (is_int8) strip->NoteStages();
    if (options_.precision == Precision::kBf16Weights) strip->NoteFloatWeights();
    AddResult(graph, graph.groups[static_cast<std::size_t>(groups.front())].layers[0],
              graph.groups[static_cast<std::size_t>(groups.back())], std::move(strip),
              Join(names, " > "));
  }

  // A step that reads what layer `first` reads, and whose result is that of the group `last`.
  void AddResult(const FusedGraph& graph, int first, const FusedGroup& last,
                 std::unique_ptr<const Operation> operation, std::string name) {
    std::vector<int> inputs = InputValues(graph, first);
    const GraphLayer& result = layer(last.last());
    if (last.residual) {
      inputs.push_back(ValueIn(graph, *last.residual, network_.value(result.output).layout));
    }
    AddStep(std::move(operation), std::move(inputs), result.output_shape.element_count(),
            std::move(name), network_.value(result.output).length);
    SetWhole(result.output, plan_.steps.back().output);
  }

  const Length& LengthOf(int index) const { return network_.value(layer(index).output).length; }

  // What a step's work grows with: the length of its output, or of what it reads.
  Length LengthOfStep(const Length& output, const std::vector<int>& inputs) const {
    if (output.varies()) return output;
    for (const int input : inputs) {
      const Length& length = plan_.values[static_cast<std::size_t>(input)].length;
      if (length.varies()) return length;
    }
    return output;
  }

  std::string NameOf(const FusedGroup& group) const {
    std::vector<std::string> names;
    for (const int index : group.layers) names.push_back(layer(index).name);
    return Join(names, " + ");
  }

  std::unique_ptr<const ConvolutionOperation> MakeConvolution(const FusedGroup& group,
                                                              Precision precision) const {
    const int first = group.layers[0];
    return std::make_unique<ConvolutionOperation>(*TraitsOf(layer(first)).convolution,
                                                  Fold(first, group.norm), group.activation,
                                                  group.is_pooled, precision);
  }

  std::unique_ptr<const Operation> MakeOperation(const FusedGraph& graph,
                                                 const FusedGroup& group) const {
    const int first = group.layers[0];
    const LayerTraits traits = TraitsOf(layer(first));
    if (traits.product == LayerProduct::kExample) {
      std::vector<FoldedWeights> parts;
      parts.push_back(FoldDense(graph, first, group.norm));
      return std::make_unique<DenseOperation>(layer(first).input_shapes[0].element_count(), parts,
                                              group.activation, PrecisionOf(first));
    }
    if (traits.product == LayerProduct::kPosition) {
      const Shape& input = layer(first).input_shapes[0];
      return std::make_unique<PositionDenseOperation>(PositionsOf(input), LengthOf(first),
                                                      WidthOf(input), Fold(first, -1),
                                                      group.activation, PrecisionOf(first));
    }
    if (traits.convolution) {
      return MakeConvolution(group, PrecisionOf(first));
    }
    if (traits.normalizes_channels) {
      return std::make_unique<ChannelOperation>(network_, first, group.activation);
    }
    if (traits.sums || traits.activation) {
      return std::make_unique<ElementwiseOperation>(layer(first).output_shape.element_count(),
                                                    LengthOf(first), group.activation);
    }
    if (traits.normalizes_examples) return std::make_unique<LayerNormOperation>(network_, first);
    if (HasInt8(first) && layer(first).layer->HasTableGradient()) {
      return std::make_unique<EmbeddingOperation>(network_, first);
    }
    return std::make_unique<LayerOperation>(network_, first);
  }

  bool IsHead(int index) const {
    return std::any_of(network_.heads.begin(), network_.heads.end(), [&](const GraphHead& head) {
      return network_.logits(head) == layer(index).output;
    });
  }

  // What heads make is answered as it is, and they take little time.
  Precision PrecisionOf(int index) const {
    const std::vector<int>& kept = options_.keep_float;
    const bool is_kept = std::find(kept.begin(), kept.end(), index) != kept.end();
    if (is_kept || (options_.precision == Precision::kInt8 && IsHead(index))) {
      return Precision::kFp32;
    }
    return options_.precision;
  }

  bool HasInt8(int index) const {
    return PrecisionOf(index) == Precision::kInt8 && HasInt8Weights(network_, index);
  }

  FoldedWeights Fold(int index, int norm) const {
    return (HasInt8(index) ? FoldBesideWeights : FoldWeights)(network_, index, norm);
  }

  // A dense layer takes its input as it lies, flattened, but perhaps channels last.
  FoldedWeights FoldDense(const FusedGraph& graph, int index, int norm) const {
    FoldedWeights folded = Fold(index, norm);
    const GraphValue& source = network_.value(SourceOf(graph, layer(index).inputs[0]));
    if (!LiesAsOutside(source)) MoveColumnsInside(source.shape, folded);
    return folded;
  }

  void AddHeads(const FusedGraph& graph, const std::vector<int>& groups) {
    std::vector<FoldedWeights> parts;
    std::vector<std::string> names;
    std::vector<int> heads;
    std::int64_t width = 0;
    Precision precision = options_.precision;
    for (const int group : groups) {
      const int head = graph.groups[static_cast<std::size_t>(group)].layers[0];
      heads.push_back(head);
      if (PrecisionOf(head) == Precision::kFp32) precision = Precision::kFp32;
      parts.push_back(FoldDense(graph, head, -1));
      names.push_back(layer(head).name);
      width += layer(head).output_shape.element_count();
    }
    AddStep(std::make_unique<DenseOperation>(layer(heads[0]).input_shapes[0].element_count(), parts,
                                             FusedActivation{}, precision),
            InputValues(graph, heads[0]), width, Join(names, " + "));
    std::int64_t offset = 0;
    for (const int head : heads) {
      const std::int64_t floats = layer(head).output_shape.element_count();
      SetPart(layer(head).output,
              {.value = plan_.steps.back().output, .offset = offset, .floats = floats});
      offset += floats;
    }
  }

  // What layer `index` reads, as it wants it.
  std::vector<int> InputValues(const FusedGraph& graph, int index) {
    std::vector<int> values;
    const bool takes_any = TraitsOf(layer(index)).product == LayerProduct::kExample;
    for (const int input : layer(index).inputs) {
      const Layout layout =
          network_.value(takes_any ? SourceOf(graph, input) : layer(index).output).layout;
      values.push_back(ValueIn(graph, input, layout));
    }
    return values;
  }

  // A graph's value in that layout, moved once if need be.
  int ValueIn(const FusedGraph& graph, int index, Layout layout) {
    const GraphValue& source = network_.value(SourceOf(graph, index));
    if (constants_->Has(index)) return ConstantIn(index, layout);
    const int value = PartOf(graph, index).value;
    // What was flattened of a row-major image lies as a vector does in both.
    const bool is_flat =
        source.layout == Layout::kRowMajor && LiesAsOutside(network_.value(index).shape);
    if (is_flat || LieAlike(source.shape, source.layout, layout)) return value;
    const auto [moved, is_new] = moved_values_.try_emplace(value, 0);
    if (is_new) {
      std::unique_ptr<const Operation> move;
      if (layout == Layout::kRowMajor) {
        move = std::make_unique<LeaveOperation>(source.shape);
      } else {
        move = std::make_unique<EnterOperation>(GraphValue{.shape = source.shape, .layout = layout},
                                                std::nullopt);
      }
      AddStep(std::move(move), {value}, source.shape.element_count(),
              layout == Layout::kRowMajor ? "row-major" : "channels last");
      moved->second = plan_.steps.back().output;
    }
    return moved->second;
  }

  // A constant for each example of a batch, from its first reader on.
  int ConstantIn(int index, Layout layout) {
    const GraphValue& value = network_.value(index);
    if (LiesAsOutside(value.shape)) layout = Layout::kRowMajor;
    const auto [placed, is_new] = placed_constants_.try_emplace({index, layout}, 0);
    if (is_new) {
      AddStep(std::make_unique<ConstantOperation>(constants_->In(index, layout), value.length), {},
              value.shape.element_count(), network_.value_name(index), value.length);
      placed->second = plan_.steps.back().output;
    }
    return placed->second;
  }

  static int SourceOf(const FusedGraph& graph, int value) {
    return graph.source[static_cast<std::size_t>(value)];
  }

  ValuePart PartOf(const FusedGraph& graph, int value) const {
    return part_of_value_[static_cast<std::size_t>(SourceOf(graph, value))];
  }

  // A step writes outputs in place where they lie as it writes them and nobody reads them; other
  // outputs are copied.
  void AddOutputs(const FusedGraph& graph) {
    std::vector<ValuePart> parts;
    for (const int output : outputs_) parts.push_back(LeavingPart(graph, output));
    const std::vector<OutputPlace> places = OutputPlaces(parts);
    std::vector<char> is_read(plan_.values.size(), 0);
    for (const PlanStep& step : plan_.steps) {
      for (const int input : step.inputs) is_read[static_cast<std::size_t>(input)] = 1;
    }
    std::vector<char> is_in_place(plan_.values.size(), 0);
    for (PlanStep& step : plan_.steps) {
      const std::size_t value = static_cast<std::size_t>(step.output);
      if (is_read[value] != 0) continue;
      step.place = PlaceFor(step, parts, places);
      is_in_place[value] = step.place.has_value();
    }
    for (std::size_t o = 0; o < parts.size(); ++o) {
      const ValuePart& part = parts[o];
      const std::size_t value = static_cast<std::size_t>(part.value);
      if (is_in_place[value] != 0) continue;
      const Length length = plan_.values[value].length;
      AddStep(std::make_unique<CopyOperation>(plan_.values[value].floats, part.offset, part.floats,
                                              length),
              {part.value}, part.floats, "copy of " + network_.value_name(outputs_[o]), length);
      plan_.steps.back().place = places[o];
    }
  }

  ValuePart LeavingPart(const FusedGraph& graph, int output) {
    if (constants_->Has(output)) {
      const Layout layout = options_.border == PlanBorder::kOutside ? Layout::kRowMajor
                                                                    : network_.value(output).layout;
      return {.value = ConstantIn(output, layout),
              .offset = 0,
              .floats = ShapeOf(output).element_count()};
    }
    ValuePart part = PartOf(graph, output);
    // A layer that passes an image on as a vector passes it on as it lies outside.
    const GraphValue& source = network_.value(SourceOf(graph, output));
    if (!LiesAsOutside(source) &&
        (options_.border == PlanBorder::kOutside || LiesAsOutside(network_.value(output)))) {
      AddStep(std::make_unique<LeaveOperation>(source.shape), {part.value}, part.floats,
              "channels first");
      part.value = plan_.steps.back().output;
    }
    return part;
  }

  std::vector<OutputPlace> OutputPlaces(const std::vector<ValuePart>& parts) {
    std::vector<OutputPlace> places;
    if (options_.outputs == PlanOutputs::kSeparate) {
      for (const ValuePart& part : parts) {
        places.push_back({.index = places.size(), .offset = 0, .stride = part.floats});
      }
      plan_.output_count = parts.size();
    } else {
      std::int64_t width = 0;
      for (const ValuePart& part : parts) {
        places.push_back({.index = 0, .offset = width, .stride = 0});
        width += part.floats;
      }
      for (OutputPlace& place : places) place.stride = width;
      plan_.output_count = 1;
    }
    return places;
  }

  // Where the step may write its result; nowhere if some of it is no output, or lies elsewhere.
  std::optional<OutputPlace> PlaceFor(const PlanStep& step, const std::vector<ValuePart>& parts,
                                      const std::vector<OutputPlace>& places) const {
    std::optional<OutputPlace> first;
    std::int64_t end = 0;
    for (std::size_t o = 0; o < parts.size(); ++o) {
      if (parts[o].value != step.output) continue;
      if (!first) first = places[o];
      if (parts[o].offset != end || places[o].index != first->index ||
          places[o].offset != first->offset + end) {
        return std::nullopt;
      }
      end += parts[o].floats;
    }
    const std::int64_t floats = plan_.values[static_cast<std::size_t>(step.output)].floats;
    if (end != floats || (first->stride != floats && !step.operation->is_strided())) {
      return std::nullopt;
    }
    return first;
  }

  void PlaceValues() {
    std::vector<BufferRequest> lives(plan_.values.size());
    for (int s = 0; s < static_cast<int>(plan_.steps.size()); ++s) {
      const PlanStep& step = plan_.steps[static_cast<std::size_t>(s)];
      const std::size_t output = static_cast<std::size_t>(step.output);
      lives[output] = {
          .floats = step.place ? 0 : plan_.values[output].floats, .first = s, .last = s};
      for (const int input : step.inputs) {
        lives[static_cast<std::size_t>(input)].last = s;
      }
    }
    const ArenaLayout layout = LayOutArena(lives);
    for (std::size_t v = 0; v < plan_.values.size(); ++v) {
      plan_.values[v].offset = layout.offsets[v];
    }
    plan_.arena_floats = layout.floats;
  }

  void ListInputUses() {
    std::size_t reader = 0;
    for (const PlanStep& step : plan_.steps) {
      for (const int value : step.inputs) {
        for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
          if (plan_.inputs[i] == value) plan_.input_uses.push_back({.input = i, .reader = reader});
        }
        ++reader;
      }
    }
  }

  const NetworkState& network_;
  const std::vector<int>& inputs_;
  const std::vector<int>& outputs_;
  const PlanOptions& options_;
  std::vector<char> is_needed_;  // these by value of the graph
  std::vector<char> is_given_;
  std::vector<char> is_requested_;
  std::vector<ValuePart> part_of_value_;  // set for those that are sources
  std::map<int, int> moved_values_;       // the plan's values in the other layout, by the first
  std::optional<Constants> constants_;
  std::map<std::pair<int, Layout>, int> placed_constants_;  // the plan's values
  PlanSteps plan_;
};

}  // namespace

PlanSteps CompilePlan(const NetworkState& network, const std::vector<int>& inputs,
                      const std::vector<int>& outputs, const PlanOptions& options) {
  return Compiler(network, inputs, outputs, options).Run();
}

}  // namespace espalier
