// SPDX-License-Identifier: Apache-2.0

// Quantized models as the real ones that they stand for. What a model rounds only to compute in
// integers is not rounded:
//   MatMulInteger or ConvInteger of DynamicQuantizeLinear(x) and constants is MatMul or Conv of x
//   and real weights; the scale behind it belongs to the weights;
//   DequantizeLinear of QuantizeLinear(x), by one scale and zero point, is x;
//   rows of a quantized table are rows of the real one, also where each has a scale: Gather of
//   bytes, cast, times Gather of scales.

#include <algorithm>
#include <set>

#include "core/text.h"
#include "import/composites.h"
#include "import/dequantization.h"
#include "import/folding.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

using Node = ForeignGraph::Node;

class QuantizedReader {
 public:
  QuantizedReader(ForeignGraph& graph, ImportReport& report) : graph_(graph), report_(report) {}

  void Read() {
    for (auto node = graph_.nodes().begin(); node != graph_.nodes().end(); ++node) {
      if (node->Is("DynamicQuantizeLinear")) ReadDynamic(node);
      if (node->Is("DequantizeLinear")) ReadDequantized(node);
      if (node->Is("Mul")) ReadScaledRows(node);
    }
    for (auto node = graph_.nodes().begin(); node != graph_.nodes().end();) {
      const auto product = node++;
      if (IsIntegerProduct(*product)) ReadInteger(product);
    }
    if (count_ == 0) return;
    graph_.RemoveDead();
    Fold(graph_, report_);  // products of scales
    graph_.RemoveDead();
    std::vector<std::string> products(products_.begin(), products_.end());
    for (const std::string& product : products) MoveScale(product);
    report_.notes.push_back({"", Concat("quantized: ", count_,
                                        " operators are computed in real numbers, not rounded")});
  }

 private:
  bool IsIntegerProduct(const ForeignNode& node) const {
    return (node.Is("MatMulInteger") || node.Is("ConvInteger")) && node.HasInput(1) &&
           graph_.Constant(node.Input(1)) != nullptr &&
           (!node.HasInput(3) || graph_.Constant(node.Input(3)) != nullptr);
  }

  // Where it quantizes for integer products alone.
  void ReadDynamic(Node node) {
    if (node->outputs.size() != 3) return;
    const std::string quantized = node->outputs[0];
    const std::string scale = node->outputs[1];
    const std::string zero_point = node->outputs[2];
    const std::vector<Node> readers = graph_.Consumers(quantized);
    const bool is_for_products =
        !graph_.IsOutput(quantized) && !graph_.IsOutput(scale) && !graph_.IsOutput(zero_point) &&
        std::all_of(readers.begin(), readers.end(), [&](const Node& reader) {
          return IsIntegerProduct(*reader) && reader->Input(0) == quantized &&
                 reader->Input(2) == zero_point && reader->Input(1) != quantized;
        });
    const std::vector<Node> shifted = graph_.Consumers(zero_point);
    if (!is_for_products || shifted.size() != readers.size()) return;
    for (const Node& reader : readers) ReadProduct(reader, node->Input(0));
    graph_.MakeConstant(scale, ForeignTensor::OfFloats({}, {1.0f}));
    ++count_;
  }

  // Of integers that come from elsewhere: less their zero point.
  void ReadInteger(Node product) {
    std::string x = product->Input(0);
    if (product->HasInput(2)) {
      const ForeignTensor* const zero_point = graph_.Constant(product->Input(2));
      if (zero_point == nullptr || zero_point->element_count() != 1) return;
      const std::string shift = graph_.NewName(product->Input(2));
      graph_.AddConstant(shift, ForeignTensor::OfFloats({}, {zero_point->FloatAt(0)}));
      ForeignValue what = graph_.Value(x);
      what.type = ForeignType::kFloat32;
      const std::string shifted = graph_.NewName(x);
      graph_.InsertBefore(product, {.name = product->name,
                                    .kind = "Sub",
                                    .version = kArithmeticVersion,
                                    .inputs = {x, shift},
                                    .outputs = {shifted}});
      graph_.Describe(shifted, std::move(what));
      x = shifted;
    }
    ReadProduct(product, x);
  }

  // Of x and the weights less their zero point.
  void ReadProduct(Node product, const std::string& x) {
    const ForeignTensor& weights = *graph_.Constant(product->Input(1));
    const bool is_convolution = product->Is("ConvInteger");
    const std::int64_t parts =
        product->HasInput(3) ? graph_.Constant(product->Input(3))->element_count() : 1;
    const ForeignTensor ones =
        ForeignTensor::OfFloats({parts}, std::vector<float>(static_cast<std::size_t>(parts), 1.0f));
    const ForeignTensor* const zero_point =
        product->HasInput(3) ? graph_.Constant(product->Input(3)) : nullptr;
    const std::string name = graph_.NewName(product->Input(1));
    graph_.AddConstant(name, Dequantized(weights, ones, zero_point, is_convolution ? 0 : -1));
    ForeignNode real = {.name = product->name,
                        .kind = is_convolution ? "Conv" : "MatMul",
                        .version = product->version,
                        .inputs = {x, name},
                        .outputs = product->outputs,
                        .attributes = product->attributes};
    const std::string output = product->outputs[0];
    graph_.Replace(product, std::move(real));
    ForeignValue what = graph_.Value(output);
    what.type = ForeignType::kFloat32;
    graph_.Describe(output, std::move(what));
    products_.insert(output);
    ++count_;
  }

  // A number, or one for each column, by which a product is multiplied belongs to its weights.
  void MoveScale(const std::string& product) {
    std::string value = product;
    while (graph_.HasOneUse(value) && graph_.Consumers(value)[0]->Is("Cast")) {
      value = graph_.Consumers(value)[0]->outputs[0];
    }
    const Node made = graph_.Producer(product);
    if (made == graph_.nodes().end() || !made->Is("MatMul") || !graph_.HasOneUse(value)) return;
    const Node scaling = graph_.Consumers(value)[0];
    if (!scaling->Is("Mul") || scaling->inputs.size() != 2) return;
    const std::string& factor = scaling->Input(scaling->Input(0) == value ? 1 : 0);
    const ForeignTensor* const scales = graph_.Constant(factor);
    const ForeignTensor& weights = *graph_.Constant(made->Input(1));
    if (scales == nullptr || weights.rank() != 2 ||
        (scales->element_count() != 1 &&
         (scales->rank() != 1 || scales->element_count() != weights.dimensions()[1])) ||
        scales->rank() > RankOf(graph_, product)) {
      return;
    }
    const std::string name = graph_.NewName(made->Input(1));
    const std::int64_t count = scales->element_count();
    graph_.AddConstant(name, Dequantized(weights, scales->Reshaped({count}), nullptr, -1));
    ForeignNode scaled = *made;
    scaled.inputs[1] = name;
    const std::string result = scaling->outputs[0];
    graph_.Replace(made, std::move(scaled));
    graph_.ReplaceValue(result, product);
    graph_.Remove(scaling);
  }

  void ReadDequantized(Node node) {
    const ForeignTensor* const scale = graph_.Constant(node->Input(1));
    if (scale == nullptr) return;
    const Node made = graph_.Producer(node->Input(0));
    if (made == graph_.nodes().end()) return;
    if (made->Is("QuantizeLinear") && made->Input(1) == node->Input(1) &&
        made->Input(2) == node->Input(2)) {
      graph_.ReplaceValue(node->outputs[0], made->Input(0));
      ++count_;
      return;
    }
    const ForeignTensor* const table =
        made->Is("Gather") ? graph_.Constant(made->Input(0)) : nullptr;
    const ForeignTensor* const zero_point =
        node->HasInput(2) ? graph_.Constant(node->Input(2)) : nullptr;
    if (table == nullptr || scale->element_count() != 1 ||
        (node->HasInput(2) && zero_point == nullptr)) {
      return;
    }
    const std::string name = graph_.NewName(made->Input(0));
    graph_.AddConstant(name, Dequantized(*table, *scale, zero_point, 0));
    ForeignNode rows = *made;
    rows.inputs[0] = name;
    rows.outputs = {graph_.NewName(node->outputs[0])};
    const std::string output = rows.outputs[0];
    graph_.InsertBefore(node, std::move(rows));
    graph_.Describe(output, graph_.Value(node->outputs[0]));
    graph_.ReplaceValue(node->outputs[0], output);
    ++count_;
  }

  // Rows of bytes, and of a column of scales, by the same numbers.
  void ReadScaledRows(Node scaling) {
    const auto maker = [&](const std::string& value, const char* kind) {
      const Node made = graph_.Producer(value);
      return made != graph_.nodes().end() && made->Is(kind) ? made : graph_.nodes().end();
    };
    for (const std::size_t first : {0, 1}) {
      const Node cast = maker(scaling->Input(first), "Cast");
      const Node scales = maker(scaling->Input(1 - first), "Gather");
      if (cast == graph_.nodes().end() || scales == graph_.nodes().end()) continue;
      const Node rows = maker(cast->Input(0), "Gather");
      if (rows == graph_.nodes().end() || rows->Input(1) != scales->Input(1)) continue;
      if (rows->Integer("axis", 0) != 0 || scales->Integer("axis", 0) != 0) continue;
      const ForeignTensor* const bytes = graph_.Constant(rows->Input(0));
      const ForeignTensor* const scale = graph_.Constant(scales->Input(0));
      if (bytes == nullptr || scale == nullptr || bytes->rank() != 2 || scale->rank() != 2 ||
          scale->dimensions()[0] != bytes->dimensions()[0] || scale->dimensions()[1] != 1) {
        continue;
      }
      const std::string name = graph_.NewName(rows->Input(0));
      graph_.AddConstant(
          name, Dequantized(*bytes, scale->Reshaped({scale->element_count()}), nullptr, 0));
      const std::string output = scaling->outputs[0];
      ForeignNode real = *rows;
      real.inputs[0] = name;
      real.outputs = {graph_.NewName(output)};
      const std::string real_output = real.outputs[0];
      graph_.InsertBefore(scaling, std::move(real));
      graph_.Describe(real_output, graph_.Value(output));
      graph_.ReplaceValue(output, real_output);
      ++count_;
      return;
    }
  }

  ForeignGraph& graph_;
  ImportReport& report_;
  std::set<std::string> products_;  // that were of integers
  std::int64_t count_ = 0;
};

}  // namespace

void ReadQuantized(ForeignGraph& graph, ImportReport& report) {
  QuantizedReader(graph, report).Read();
}

}  // namespace espalier
