// SPDX-License-Identifier: Apache-2.0
#include "import/folding.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "import/dequantization.h"
#include "import/fold_arithmetic.h"
#include "import/folded_array.h"
#include "import/node_facts.h"
#include "import/onnx_tensor.h"
#include "import/operators.h"
#include "import/rearrangement.h"

namespace espalier {
namespace {

// Of one constant. In all folding reads and makes this many, and twice as many as the file has
// constants: the rest is left to the network, or refused.
constexpr std::int64_t kMostElements = std::int64_t{1} << 25;
// Symbols take sixteen bytes each.
constexpr std::int64_t kMostIntegers = std::int64_t{1} << 22;

class Folder {
 public:
  Folder(ForeignGraph& graph, ImportReport& report)
      : graph_(graph), report_(report), left_(kMostElements + 2 * graph.ConstantElements()) {}

  UnknownReasons Run() {
    for (auto node = graph_.nodes().begin(); node != graph_.nodes().end(); ++node) {
      try {
        if (FoldNode(*node)) {
          ++report_.folded;
        } else {
          Infer(*node);
        }
      } catch (const Error& error) {
        reasons_[&*node] = MessageOf(error);
      }
    }
    return std::move(reasons_);
  }

 private:
  bool FoldNode(const ForeignNode& node) {
    if (!node.domain.empty() || node.outputs.empty()) return false;
    if (node.kind == "Constant") return FoldConstant(node);
    if (node.kind == "Shape" || node.kind == "Size") return FoldShape(node);
    if (FoldAlias(node)) return true;
    return left_ > 0 && (FoldRearrangement(node) || FoldDequantization(node) || FoldComputed(node));
  }

  void Infer(const ForeignNode& node) {
    const ForeignOperator* row = FindOperator(node.domain, node.kind, node.version);
    if (row == nullptr) Refuse("no layer here computes it");
    NodeFacts facts(graph_, node);
    row->infer(facts);
  }

  bool FoldConstant(const ForeignNode& node) {
    const auto integers = [](std::vector<std::int64_t> dimensions, std::vector<std::int64_t> list) {
      return ForeignTensor::OfIntegers(std::move(dimensions), std::move(list));
    };
    const auto floats = [](std::vector<std::int64_t> dimensions, std::vector<float> list) {
      return ForeignTensor::OfFloats(std::move(dimensions), std::move(list));
    };
    const std::string value = node.outputs[0];
    if (value.empty()) return true;
    if (const auto found = node.attributes.find("value"); found != node.attributes.end()) {
      const auto* tensor = std::get_if<ForeignTensor>(&found->second);
      if (tensor == nullptr) Refuse("expected a constant of numbers");
      graph_.MakeConstant(value, *tensor);
    } else if (node.HasAttribute("value_float")) {
      graph_.MakeConstant(value, floats({}, {node.Float("value_float", 0)}));
    } else if (node.HasAttribute("value_int")) {
      graph_.MakeConstant(value, integers({}, {node.Integer("value_int", 0)}));
    } else if (node.HasAttribute("value_floats")) {
      std::vector<float> list = node.Floats("value_floats");
      graph_.MakeConstant(value, floats({static_cast<std::int64_t>(list.size())}, list));
    } else if (node.HasAttribute("value_ints")) {
      std::vector<std::int64_t> list = node.Integers("value_ints");
      graph_.MakeConstant(value, integers({static_cast<std::int64_t>(list.size())}, list));
    } else {
      Refuse("expected a constant of numbers");
    }
    return true;
  }

  bool FoldShape(const ForeignNode& node) {
    const ForeignDimensions& dimensions = NodeFacts(graph_, node).Dimensions(0);
    const auto rank = static_cast<std::int64_t>(dimensions.size());
    FoldedArray array{.type = ForeignType::kInt64};
    std::vector<Symbol> symbols;
    if (node.kind == "Size") {
      const ForeignDimension count = Product(dimensions);
      symbols.push_back(Symbol::Of(count));
    } else {
      const SliceRange range =
          ResolveSlice(node.Integer("start", 0), node.Integer("end", rank), 1, rank);
      for (std::int64_t i = 0; i < range.count; ++i) {
        symbols.push_back(Symbol::Of(dimensions[static_cast<std::size_t>(range.start + i)]));
      }
      array.dimensions = {range.count};
    }
    array.elements = std::move(symbols);
    WriteFolded(graph_, node.outputs[0], std::move(array));
    return true;
  }

  // What only hands its input on: readers read that.
  bool FoldAlias(const ForeignNode& node) {
    const std::string& input = node.Input(0);
    if (graph_.Constant(input) != nullptr || graph_.Value(input).elements ||
        node.outputs[0].empty())
      return false;
    if (node.kind == "Cast") {
      const ForeignType from = graph_.Value(input).type;
      const ForeignType to = ForeignTypeOfOnnx(node.Integer("to", 0));
      const auto group = [](ForeignType type) {
        return IsFloatType(type) ? 1 : type == ForeignType::kBool ? 2 : 3;
      };
      if (from == ForeignType::kUnknown || to == ForeignType::kUnknown ||
          group(from) != group(to)) {
        return false;
      }
    } else if (node.kind != "Identity") {
      return false;
    }
    const std::string source = input;
    graph_.ReplaceValue(node.outputs[0], source);
    return true;
  }

  bool FoldRearrangement(const ForeignNode& node) {
    const std::string& first = node.Input(0);
    if (!KnownElements(graph_, first)) return false;
    if (node.kind == "Concat") {
      for (const std::string& input : node.inputs) {
        if (!KnownElements(graph_, input)) return false;
      }
    }
    std::vector<Rearrangement> moves = Rearrange(graph_, node, std::min(left_, kMostElements));
    if (moves.empty()) return false;
    for (std::size_t i = 0; i < moves.size() && i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      const std::string output = node.outputs[i];
      left_ -= static_cast<std::int64_t>(moves[i].sources.size());
      if (!MoveConstants(node, moves[i], output)) MoveSymbols(node, moves[i], output);
    }
    return true;
  }

  // Constants of one type are moved as bytes.
  bool MoveConstants(const ForeignNode& node, const Rearrangement& move,
                     const std::string& output) {
    std::vector<const ForeignTensor*> tensors;
    for (std::size_t i = 0; i < (move.of_all ? node.inputs.size() : 1); ++i) {
      const ForeignTensor* tensor = graph_.Constant(node.inputs[i]);
      if (tensor == nullptr || tensor->type() != graph_.Value(node.Input(0)).type) return false;
      tensors.push_back(tensor);
    }
    if (move.in_order) {
      graph_.MakeConstant(output, tensors[0]->Reshaped(move.dimensions));
      return true;
    }
    const ForeignType type = tensors[0]->type();
    const auto width = static_cast<std::size_t>(ForeignTypeBytes(type));
    std::vector<std::byte> joined;
    std::span<const std::byte> from = tensors[0]->bytes();
    if (move.of_all) {
      for (const ForeignTensor* tensor : tensors) {
        joined.insert(joined.end(), tensor->bytes().begin(), tensor->bytes().end());
      }
      from = joined;
    }
    std::vector<std::byte> bytes(move.sources.size() * width);
    for (std::size_t i = 0; i < move.sources.size(); ++i) {
      std::memcpy(bytes.data() + i * width,
                  from.data() + static_cast<std::size_t>(move.sources[i]) * width, width);
    }
    graph_.MakeConstant(output, ForeignTensor::OfBytes(type, move.dimensions, std::move(bytes)));
    return true;
  }

  void MoveSymbols(const ForeignNode& node, const Rearrangement& move, const std::string& output) {
    std::vector<Symbol> from;
    FoldedArray result{.type = graph_.Value(node.Input(0)).type, .dimensions = move.dimensions};
    for (std::size_t i = 0; i < (move.of_all ? node.inputs.size() : 1); ++i) {
      const std::optional<FoldedArray> array = ReadFolded(graph_, node.inputs[i]);
      if (!array || array->holds_floats()) Refuse("expected integers alone");
      left_ -= static_cast<std::int64_t>(array->size());
      from.insert(from.end(), array->symbols().begin(), array->symbols().end());
    }
    if (move.in_order) {
      result.elements = std::move(from);
    } else {
      std::vector<Symbol> moved;
      for (const std::int64_t source : move.sources) {
        moved.push_back(from[static_cast<std::size_t>(source)]);
      }
      result.elements = std::move(moved);
    }
    if (ForeignElementCount(result.dimensions) != static_cast<std::int64_t>(result.size())) {
      Refuse("expected a shape of ", result.size(), " elements, got [",
             Join(result.dimensions, ", "), "]");
    }
    WriteFolded(graph_, output, std::move(result));
  }

  bool FoldDequantization(const ForeignNode& node) {
    if (node.kind != "DequantizeLinear" || node.Integer("block_size", 0) != 0 ||
        node.outputs[0].empty()) {
      return false;
    }
    const ForeignTensor* x = graph_.Constant(node.Input(0));
    const ForeignTensor* scale = graph_.Constant(node.Input(1));
    const ForeignTensor* zero = graph_.Constant(node.Input(2));
    if (x == nullptr || scale == nullptr || (node.HasInput(2) && zero == nullptr)) return false;
    left_ -= x->element_count();
    graph_.MakeConstant(node.outputs[0], Dequantized(*x, *scale, zero, node.Integer("axis", 1)));
    return true;
  }

  bool FoldComputed(const ForeignNode& node) {
    if (!IsFoldable(node)) return false;
    std::vector<std::optional<FoldedArray>> inputs;
    for (const std::string& input : node.inputs) {
      const std::optional<std::int64_t> count = KnownElements(graph_, input);
      if (!input.empty() && !count) return false;
      const std::int64_t most =
          IsFloatType(graph_.Value(input).type) ? kMostElements : kMostIntegers;
      if (count && *count > std::min(most, left_)) return false;
      left_ -= count.value_or(0);
      inputs.push_back(input.empty() ? std::nullopt : ReadFolded(graph_, input));
    }
    if (inputs.empty()) return false;
    std::optional<FoldedArray> result =
        FoldArithmetic(node, inputs, std::min(left_, kMostIntegers));
    if (!result) return false;
    left_ -= static_cast<std::int64_t>(result->size());
    const std::string output = node.outputs[0];
    WriteFolded(graph_, output, std::move(*result));
    return true;
  }

  static ForeignDimension Product(const ForeignDimensions& dimensions) {
    std::int64_t product = 1;
    bool has_batch = false;
    for (const ForeignDimension& dimension : dimensions) {
      if ((dimension.is_batch() && has_batch) ||
          dimension.kind == ForeignDimension::Kind::kUnknown ||
          __builtin_mul_overflow(product, dimension.size, &product)) {
        return {};
      }
      has_batch = has_batch || dimension.is_batch();
    }
    return has_batch ? ForeignDimension::Batch(product) : ForeignDimension::Fixed(product);
  }

  ForeignGraph& graph_;
  ImportReport& report_;
  UnknownReasons reasons_;
  std::int64_t left_;
};

}  // namespace

UnknownReasons Fold(ForeignGraph& graph, ImportReport& report) {
  return Folder(graph, report).Run();
}

}  // namespace espalier
