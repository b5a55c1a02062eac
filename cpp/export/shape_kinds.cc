// SPDX-License-Identifier: Apache-2.0

// The same elements in another shape or order, parts of them, and reductions.

#include <array>

#include "export/layer_export.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// [1, 2, …], the dimensions of an example.
Integers AllAxes(int rank) {
  Integers axes;
  for (int i = 1; i <= rank; ++i) axes.push_back(i);
  return axes;
}

void WriteReshape(LayerExport& layer) { layer.ResultReshaped(layer.Input()); }

void WriteFlatten(LayerExport& layer) {
  layer.Result("Flatten", {layer.Input()}, {{"axis", std::int64_t{1}}});
}

void WriteTranspose(LayerExport& layer) {
  Integers order = {0};
  for (const std::int64_t axis : layer.List("order")) order.push_back(axis + 1);
  layer.Result("Transpose", {layer.Input()}, {{"perm", order}});
}

// Missing dimensions first, then repeated along those of 1.
void WriteExpand(LayerExport& layer) {
  Integers shape(layer.OutputShape().dimensions().begin(), layer.OutputShape().dimensions().end());
  shape.insert(shape.begin(), 1);
  layer.Result("Expand", {layer.InputOfOutputRank(0), layer.Integers("shape", shape)});
}

void WriteConcat(LayerExport& layer) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < layer.InputCount(); ++i) inputs.push_back(layer.Input(i));
  layer.Result("Concat", inputs,
               {{"axis", AxisBehindBatch(layer.Whole("axis"), layer.OutputShape().rank())}});
}

void WriteSlice(LayerExport& layer) {
  layer.Result("Slice", {layer.Input(), layer.Integers("begin", layer.List("begin")),
                         layer.Integers("end", layer.List("end")),
                         layer.Integers("axes", AllAxes(layer.OutputShape().rank())),
                         layer.Integers("step", layer.List("step"))});
}

void WriteGather(LayerExport& layer) {
  layer.Result("Gather", {layer.Input(), layer.Integers("indices", layer.List("indices"))},
               {{"axis", AxisBehindBatch(layer.Whole("axis"), layer.OutputShape().rank())}});
}

void WritePad(LayerExport& layer) {
  Integers pads = {0};
  pads.insert(pads.end(), layer.List("before").begin(), layer.List("before").end());
  pads.push_back(0);
  pads.insert(pads.end(), layer.List("after").begin(), layer.List("after").end());
  std::vector<std::string> inputs = {layer.Input(), layer.Integers("pads", pads)};
  if (layer.Text("mode") == "constant") {
    inputs.push_back(layer.Scalar("value", layer.Real("value")));
  }
  layer.Result("Pad", inputs, {{"mode", layer.Text("mode")}});
}

// Without dimensions an example's result would be no [1].
void WriteReduced(LayerExport& layer, const char* operation, std::vector<std::string> inputs,
                  OnnxAttributes attributes, bool keeps_dimensions, bool leaves_none) {
  attributes.emplace_back("keepdims", static_cast<std::int64_t>(keeps_dimensions));
  if (leaves_none && !keeps_dimensions) {
    layer.ResultReshaped(layer.Node("reduced", operation, inputs, attributes));
  } else {
    layer.Result(operation, inputs, attributes);
  }
}

void WriteReduce(LayerExport& layer) {
  static constexpr std::pair<std::string_view, const char*> kOperations[] = {{"mean", "ReduceMean"},
                                                                             {"sum", "ReduceSum"},
                                                                             {"max", "ReduceMax"},
                                                                             {"min", "ReduceMin"},
                                                                             {"l2", "ReduceL2"}};
  const int rank = layer.InputShape().rank();
  Integers axes;
  for (const std::int64_t axis : layer.List("axes")) axes.push_back(AxisBehindBatch(axis, rank));
  if (axes.empty()) axes = AllAxes(rank);
  const char* operation = nullptr;
  for (const auto& [name, candidate] : kOperations) {
    if (name == layer.Text("reduction")) operation = candidate;
  }
  std::vector<std::string> inputs = {layer.Input()};
  OnnxAttributes attributes;
  layer.AddAxes(operation, axes, inputs, attributes);
  WriteReduced(layer, operation, inputs, attributes, layer.Flag("keep_dimensions"),
               static_cast<int>(axes.size()) == rank);
}

void WriteArgMax(LayerExport& layer) {
  const int rank = layer.InputShape().rank();
  WriteReduced(layer, "ArgMax", {layer.Input()},
               {{"axis", AxisBehindBatch(layer.Whole("axis"), rank)}},
               layer.Flag("keep_dimensions"), rank == 1);
}

void WriteTopOf(LayerExport& layer, std::size_t output) {
  const OnnxAttributes attributes = {
      {"axis", AxisBehindBatch(layer.Whole("axis"), layer.OutputShape().rank())},
      {"largest", static_cast<std::int64_t>(layer.Flag("largest"))}};
  const std::vector<std::int64_t> count = {layer.Whole("k")};
  layer.Result("Identity",
               {layer.NodeOutput("chosen", "TopK", {layer.Input(), layer.Integers("k", count)},
                                 output, attributes, 2)});
}

void WriteTopK(LayerExport& layer) { WriteTopOf(layer, 0); }
void WriteTopKIndices(LayerExport& layer) { WriteTopOf(layer, 1); }

}  // namespace

std::span<const KindExport> ShapeKinds() {
  static constexpr std::array kKinds = {
      KindExport{"arg_max", WriteArgMax},      KindExport{"concat", WriteConcat},
      KindExport{"expand", WriteExpand},       KindExport{"flatten", WriteFlatten},
      KindExport{"gather", WriteGather},       KindExport{"pad", WritePad},
      KindExport{"reduce", WriteReduce},       KindExport{"reshape", WriteReshape},
      KindExport{"slice", WriteSlice},         KindExport{"squeeze", WriteReshape},
      KindExport{"top_k", WriteTopK},          KindExport{"top_k_indices", WriteTopKIndices},
      KindExport{"transpose", WriteTranspose}, KindExport{"unsqueeze", WriteReshape}};
  return kKinds;
}

}  // namespace espalier
