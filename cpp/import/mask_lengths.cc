// SPDX-License-Identifier: Apache-2.0
#include "import/mask_lengths.h"

#include <numeric>
#include <vector>

#include "core/text.h"
#include "import/composites.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// ONNX's number of a type that a mask may have.
std::int64_t OnnxNumberOf(ForeignType type) {
  switch (type) {
    case ForeignType::kInt64:
      return 7;
    case ForeignType::kInt32:
      return 6;
    case ForeignType::kBool:
      return 9;
    default:
      return 1;  // real numbers
  }
}

// lengths > 0 1 2 …, in the mask's type.
std::string MaskOf(ForeignGraph& graph, const std::string& mask, const std::string& lengths) {
  const ForeignValue what = graph.Value(mask);
  const std::int64_t length = SizeOf(graph, mask, 1);
  std::vector<std::int64_t> places(static_cast<std::size_t>(length));
  std::iota(places.begin(), places.end(), 0);
  const std::string range = graph.NewName("positions");
  graph.AddConstant(range, ForeignTensor::OfIntegers({1, length}, std::move(places)));
  const std::string valid = graph.NewName(Concat(mask, ".valid"));
  const std::string result = graph.NewName(mask);
  const auto place = graph.nodes().begin();
  graph.InsertBefore(place, {.kind = "Greater",
                             .version = kArithmeticVersion,
                             .inputs = {lengths, range},
                             .outputs = {valid}});
  graph.Describe(valid, {.type = ForeignType::kBool, .dimensions = what.dimensions});
  ForeignNode cast = {
      .kind = "Cast", .version = kArithmeticVersion, .inputs = {valid}, .outputs = {result}};
  cast.attributes["to"] = OnnxNumberOf(what.type);
  graph.InsertBefore(place, std::move(cast));
  graph.Describe(result, what);
  return result;
}

}  // namespace

std::string AddLengths(ForeignGraph& graph, const std::string& mask) {
  std::string name = graph.Knows("lengths") ? graph.NewName(Concat(mask, ".lengths")) : "lengths";
  graph.AddInput(name, {.type = ForeignType::kInt32,
                        .dimensions = ForeignDimensions{ForeignDimension::Batch(),
                                                        ForeignDimension::Fixed(1)}});
  return name;
}

void ReplaceMask(ForeignGraph& graph, ImportReport& report, const std::string& mask,
                 const std::string& lengths) {
  graph.RemoveDead();
  if (graph.IsOutput(mask) || !graph.Consumers(mask).empty()) {
    graph.ReplaceValue(mask, MaskOf(graph, mask, lengths));
  }
  graph.RemoveInput(mask);
  report.notes.push_back(
      {"", Concat("input '", mask, "' became '", lengths,
                  "', the number of its ones: only masks of ones, then zeros, are meant")});
}

}  // namespace espalier
