// SPDX-License-Identifier: Apache-2.0

// Operators that choose, join, repeat and move elements.

#include <algorithm>
#include <array>
#include <numeric>

#include "import/lowered_shape.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Most places that a layer chooses.
constexpr std::int64_t kMostIndices = std::int64_t{1} << 20;

// Most elements of a dimension, far from overflow.
constexpr std::int64_t kMostSize = std::int64_t{1} << 40;

std::int64_t CheckedSize(std::int64_t size, std::int64_t factor = 1) {
  if (size < 0 || factor < 0 || (factor > 0 && size > kMostSize / factor)) {
    Refuse("expected dimensions of at most ", kMostSize, " elements");
  }
  return size * factor;
}

// --- Gather ---

void InferGather(NodeFacts& facts) {
  const ForeignDimensions& data = facts.Dimensions(0);
  const ForeignDimensions& indices = facts.Dimensions(1);
  const int axis = CountedFromFirst(facts.node().Integer("axis", 0), facts.Rank(0));
  ForeignDimensions result(data.begin(), data.begin() + axis);
  result.insert(result.end(), indices.begin(), indices.end());
  result.insert(result.end(), data.begin() + axis + 1, data.end());
  facts.SetOutput(0, facts.Type(0), std::move(result));
}

// A table whose rows the indices name.
void LowerLookup(NodeLowering& node, const ForeignTensor& table) {
  if (table.rank() < 1 || node.node().Integer("axis", 0) != 0 || table.element_count() == 0) {
    Refuse("expected indices into the first dimension of a table");
  }
  const std::int64_t count = table.dimensions()[0];
  const std::int64_t width = table.element_count() / count;
  const LoweredValue ids = node.Data(1, ElementType::kInt32);
  if (ids.shape.rank() != 1) {
    Refuse("expected indices of one dimension for each example, got ", ids.shape.ToString());
  }
  node.NameAfter(0);
  const LoweredValue rows = node.Add("embedding", {{"count", count}, {"width", width}}, ids);
  node.SetParameter(rows, "weight", table);
  node.SetOutput(0, AsOutput(node, rows));
}

void LowerGather(NodeLowering& node) {
  const ForeignTensor* const indices = node.Constant(1);
  if (indices == nullptr) {
    const ForeignTensor* const table = node.Constant(0);
    if (table == nullptr) Refuse("expected a constant table, or constant indices");
    return LowerLookup(node, *table);
  }
  const std::int64_t axis = node.Axis(0, node.node().Integer("axis", 0));
  const LoweredValue chosen = node.Add("gather", {{"indices", indices->Integers()}, {"axis", axis}},
                                       node.Data(0), "chosen");
  node.SetOutput(0, AsOutput(node, chosen));
}

void InferGatherElements(NodeFacts& facts) {
  facts.SetOutput(0, facts.Type(0), facts.Dimensions(1));
}

// Places among all elements, in order.
void LowerGatherElements(NodeLowering& node) {
  const ForeignTensor& indices = node.RequiredConstant(1, "indices");
  const LoweredValue x = node.Data(0);
  const int rank = x.shape.rank();
  const int axis = node.Axis(0, node.node().Integer("axis", 0));
  if (indices.rank() != rank) {
    Refuse("expected indices without a batch, got ", ToString(node.Dimensions(1)));
  }
  const Integers chosen = indices.Integers();
  Integers places;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i);
    std::int64_t place = 0;
    std::int64_t step = 1;
    for (int dimension = rank - 1; dimension >= 0; --dimension) {
      const std::int64_t size = indices.dimensions()[static_cast<std::size_t>(dimension)];
      std::int64_t at = rest % size;
      rest /= size;
      if (dimension == axis) at = chosen[i] < 0 ? chosen[i] + x.shape[axis] : chosen[i];
      if (at < 0 || at >= x.shape[dimension]) {
        Refuse("expected indices below ", x.shape[dimension], ", got ", at);
      }
      place += at * step;
      step *= x.shape[dimension];
    }
    places.push_back(place);
  }
  const LoweredValue flat = node.Add("reshape", {{"shape", Integers{-1}}}, x, "flat");
  const LoweredValue picked =
      node.Add("gather", {{"indices", places}, {"axis", std::int64_t{0}}}, flat, "chosen");
  node.SetOutput(0, AsOutput(node, picked));
}

// --- Slice and Split ---

struct AxisSlice {
  int axis = 0;  // of the graph's value
  std::int64_t start = 0, end = 0, step = 1;
};

template <class Node>
std::vector<AxisSlice> SlicesOf(const Node& node, int rank) {
  const auto starts = node.IntegersOf("starts", 1);
  const auto ends = node.IntegersOf("ends", 2);
  const auto axes = node.IntegersOf("axes", 3);
  const auto steps = node.IntegersOf("steps", 4);
  if (!starts.has_value() || !ends.has_value() || starts->size() != ends->size() ||
      (axes.has_value() && axes->size() != starts->size()) ||
      (steps.has_value() && steps->size() != starts->size())) {
    Refuse("expected as many ends, axes and steps as starts");
  }
  std::vector<AxisSlice> slices;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::int64_t axis = axes.has_value() ? (*axes)[i] : static_cast<std::int64_t>(i);
    slices.push_back({.axis = CountedFromFirst(axis, rank),
                      .start = (*starts)[i],
                      .end = (*ends)[i],
                      .step = steps.has_value() ? (*steps)[i] : 1});
  }
  return slices;
}

bool IsWhole(const AxisSlice& slice) {
  constexpr std::int64_t kEndless = (std::int64_t{1} << 31) - 1;
  return slice.start == 0 && slice.end >= kEndless && slice.step == 1;
}

void InferSlice(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  for (const AxisSlice& slice : SlicesOf(facts, facts.Rank(0))) {
    ForeignDimension& own = dimensions[static_cast<std::size_t>(slice.axis)];
    if (IsWhole(slice)) continue;
    if (!own.is_fixed())
      Refuse("expected to slice a dimension that is known, not ", ToString({own}));
    own.size = ResolveSlice(slice.start, slice.end, slice.step, own.size).count;
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

// Those places of an axis, in that order.
LoweredValue Choose(NodeLowering& node, const LoweredValue& x, int axis, Integers places) {
  return node.Add("gather",
                  {{"indices", std::move(places)}, {"axis", static_cast<std::int64_t>(axis)}}, x,
                  "chosen");
}

LoweredValue SliceAxis(NodeLowering& node, const LoweredValue& x, int axis,
                       const SliceRange& range) {
  if (range.count == 0) Refuse("expected to keep something of each dimension");
  if (range.count == x.shape[axis] && range.step == 1) return x;
  if (range.step < 0) {
    if (range.count > kMostIndices) Refuse("expected at most ", kMostIndices, " places");
    Integers places(static_cast<std::size_t>(range.count));
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = range.start + static_cast<std::int64_t>(i) * range.step;
    }
    return Choose(node, x, axis, std::move(places));
  }
  const auto rank = static_cast<std::size_t>(x.shape.rank());
  Integers begin(rank, 0), end(x.shape.dimensions().begin(), x.shape.dimensions().end()),
      step(rank, 1);
  const auto at = static_cast<std::size_t>(axis);
  begin[at] = range.start;
  end[at] = range.start + (range.count - 1) * range.step + 1;
  step[at] = range.step;
  return node.Add("slice", {{"begin", begin}, {"end", end}, {"step", step}}, x, "part");
}

void LowerSlice(NodeLowering& node) {
  LoweredValue x = node.Data(0);
  for (const AxisSlice& slice : SlicesOf(node, node.Rank(0))) {
    if (IsWhole(slice)) continue;
    const int axis = node.Axis(0, slice.axis);
    x = SliceAxis(node, x, axis, ResolveSlice(slice.start, slice.end, slice.step, x.shape[axis]));
  }
  node.SetOutput(0, x);
}

Integers PartsOf(const std::optional<Integers>& told, const ForeignNode& node,
                 const ForeignDimension& whole) {
  if (!whole.is_fixed()) Refuse("expected to split a dimension that is known");
  return ResolveSplit(told.value_or(Integers()), node.outputs.size(), whole.size);
}

void InferSplit(NodeFacts& facts) {
  const auto axis =
      static_cast<std::size_t>(CountedFromFirst(facts.node().Integer("axis", 0), facts.Rank(0)));
  const Integers parts =
      PartsOf(facts.IntegersOf("split", 1), facts.node(), facts.Dimensions(0)[axis]);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ForeignDimensions dimensions = facts.Dimensions(0);
    dimensions[axis] = ForeignDimension::Fixed(parts[i]);
    facts.SetOutput(i, facts.Type(0), std::move(dimensions));
  }
}

void LowerSplit(NodeLowering& node) {
  const std::int64_t counted = node.node().Integer("axis", 0);
  const auto place = static_cast<std::size_t>(CountedFromFirst(counted, node.Rank(0)));
  const Integers parts =
      PartsOf(node.IntegersOf("split", 1), node.node(), node.Dimensions(0)[place]);
  const int axis = node.Axis(0, counted);
  const LoweredValue x = node.Data(0);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!node.node().outputs[i].empty()) {
      node.SetOutput(i, SliceAxis(node, x, axis, {.start = start, .count = parts[i]}));
    }
    start += parts[i];
  }
}

// --- Pad ---

struct AxisPad {
  int axis = 0;  // of the graph's value
  std::int64_t before = 0, after = 0;
};

template <class Node>
std::vector<AxisPad> PadsOf(const Node& node, int rank) {
  auto pads = node.IntegersOf("pads", 1);
  if (!pads.has_value()) pads = node.IntegersOf("paddings", 1);
  if (!pads.has_value()) Refuse("expected constant pads");
  const auto axes = node.IntegersOf("axes", 3);
  const std::size_t count = axes.has_value() ? axes->size() : static_cast<std::size_t>(rank);
  if (pads->size() != 2 * count) {
    Refuse("expected ", 2 * count, " pads, got ", pads->size());
  }
  std::vector<AxisPad> result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t axis = axes.has_value() ? (*axes)[i] : static_cast<std::int64_t>(i);
    if ((*pads)[i] == 0 && (*pads)[count + i] == 0) continue;
    for (const std::int64_t pad : {(*pads)[i], (*pads)[count + i]}) {
      if (pad < -kMostIndices || pad > kMostIndices) {
        Refuse("expected pads of at most ", kMostIndices, ", got ", pad);
      }
    }
    result.push_back({CountedFromFirst(axis, rank), (*pads)[i], (*pads)[count + i]});
  }
  return result;
}

void InferPad(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  for (const AxisPad& pad : PadsOf(facts, facts.Rank(0))) {
    ForeignDimension& own = dimensions[static_cast<std::size_t>(pad.axis)];
    if (!own.is_fixed()) Refuse("expected to pad a dimension that is known");
    own.size = CheckedSize(CheckedSize(own.size) + pad.before + pad.after);
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

double PadValue(NodeLowering& node) {
  if (!node.HasInput(2)) return static_cast<double>(node.node().Float("value", 0.0f));
  return static_cast<double>(node.RequiredConstant(2, "value").FloatAt(0));
}

// All around again: what is before the first is the last.
LoweredValue Wrap(NodeLowering& node, const LoweredValue& x, int axis, const AxisPad& pad) {
  const std::int64_t size = x.shape[axis];
  if (size + pad.before + pad.after > kMostIndices) {
    Refuse("expected at most ", kMostIndices, " places");
  }
  Integers places;
  for (std::int64_t i = -pad.before; i < size + pad.after; ++i) {
    places.push_back((i % size + size) % size);
  }
  return Choose(node, x, axis, std::move(places));
}

void LowerPad(NodeLowering& node) {
  LoweredValue x = node.Data(0);
  const std::string mode = node.node().Text("mode", "constant");
  const auto rank = static_cast<std::size_t>(x.shape.rank());
  Integers before(rank, 0), after(rank, 0);
  for (const AxisPad& pad : PadsOf(node, node.Rank(0))) {
    const int axis = node.Axis(0, pad.axis);
    if (mode == "wrap") {
      x = Wrap(node, x, axis, pad);
      continue;
    }
    const std::int64_t size = x.shape[axis];
    x = SliceAxis(node, x, axis,
                  ResolveSlice(std::max<std::int64_t>(0, -pad.before),
                               size - std::max<std::int64_t>(0, -pad.after), 1, size));
    before[static_cast<std::size_t>(axis)] = std::max<std::int64_t>(0, pad.before);
    after[static_cast<std::size_t>(axis)] = std::max<std::int64_t>(0, pad.after);
  }
  if (mode == "wrap") return node.SetOutput(0, x);
  Attributes attributes = {{"before", before}, {"after", after}, {"mode", mode}};
  if (mode == "constant") attributes["value"] = PadValue(node);
  node.Finish("pad", attributes, x);
}

// --- Expand and Tile ---

void InferExpand(NodeFacts& facts) {
  facts.SetOutput(0, facts.Type(0), BroadcastDimensions(facts.Dimensions(0), facts.Elements(1)));
}

void LowerExpand(NodeLowering& node) {
  const LoweredValue x = node.BroadcastData(0);
  const Shape shape = LoweredShape(node.OutputDimensions());
  if (x.shape == shape) return node.SetOutput(0, x);
  node.Finish("expand", {{"shape", Integers(shape.dimensions().begin(), shape.dimensions().end())}},
              x);
}

void InferTile(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const ForeignDimensions repeats = facts.Elements(1);
  if (repeats.size() != dimensions.size()) Refuse("expected a number for each dimension");
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i].is(1)) continue;
    if (dimensions[i].is(1)) {
      dimensions[i] = repeats[i];
    } else if (dimensions[i].is_fixed() && repeats[i].is_fixed()) {
      dimensions[i].size = CheckedSize(dimensions[i].size, repeats[i].size);
    } else {
      Refuse("expected to repeat dimensions that are known");
    }
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

void LowerTile(NodeLowering& node) {
  LoweredValue x = node.BroadcastData(0);
  const Shape shape = LoweredShape(node.OutputDimensions());
  if (x.shape.rank() != shape.rank()) Refuse("expected to repeat what differs between examples");
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t size = x.shape[axis];
    if (shape[axis] == size) continue;
    if (shape[axis] > kMostIndices) Refuse("expected at most ", kMostIndices, " places");
    Integers places(static_cast<std::size_t>(shape[axis]));
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = static_cast<std::int64_t>(i) % size;
    }
    x = Choose(node, x, axis, std::move(places));
  }
  node.SetOutput(0, x);
}

// --- Depth and space ---

void InferDepthToSpace(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const std::int64_t block = facts.node().Integer("blocksize", 0);
  if (dimensions.size() != 4 || block < 1 || block > 1024) {
    Refuse("expected images and a blocksize of at least 1");
  }
  if (!dimensions[1].is_fixed() || !dimensions[2].is_fixed() || !dimensions[3].is_fixed() ||
      dimensions[1].size % (block * block) != 0) {
    Refuse("expected channels in blocks of ", block * block);
  }
  dimensions[1].size /= block * block;
  dimensions[2].size = CheckedSize(dimensions[2].size, block);
  dimensions[3].size = CheckedSize(dimensions[3].size, block);
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

void InferSpaceToDepth(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const std::int64_t block = facts.node().Integer("blocksize", 0);
  if (dimensions.size() != 4 || block < 1 || block > 1024) {
    Refuse("expected images and a blocksize of at least 1");
  }
  if (!dimensions[1].is_fixed() || !dimensions[2].is_fixed() || !dimensions[3].is_fixed() ||
      dimensions[2].size % block != 0 || dimensions[3].size % block != 0) {
    Refuse("expected height and width in blocks of ", block);
  }
  dimensions[1].size = CheckedSize(dimensions[1].size, block * block);
  dimensions[2].size /= block;
  dimensions[3].size /= block;
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

// An image as five dimensions or more, those in another order, and joined again.
void FinishBlocks(NodeLowering& node, const LoweredValue& image, Integers cut, Integers order) {
  const LoweredValue blocks = node.Add("reshape", {{"shape", std::move(cut)}}, image, "blocks");
  const LoweredValue moved = node.Add("transpose", {{"order", std::move(order)}}, blocks, "moved");
  node.SetOutput(0, AsOutput(node, moved));
}

// The image of one example.
LoweredValue ImageOf(NodeLowering& node) {
  node.ExpectBatchFirst(0);
  return node.Data(0);
}

void LowerDepthToSpace(NodeLowering& node) {
  const LoweredValue x = ImageOf(node);
  const std::int64_t block = node.node().Integer("blocksize", 1);
  const std::int64_t channels = x.shape[0] / (block * block);
  const std::string mode = node.node().Text("mode", "DCR");
  if (mode == "DCR") {
    FinishBlocks(node, x, {block, block, channels, x.shape[1], x.shape[2]}, {2, 3, 0, 4, 1});
  } else if (mode == "CRD") {
    FinishBlocks(node, x, {channels, block, block, x.shape[1], x.shape[2]}, {0, 3, 1, 4, 2});
  } else {
    Refuse("expected mode 'DCR' or 'CRD', got '", mode, "'");
  }
}

void LowerSpaceToDepth(NodeLowering& node) {
  const LoweredValue x = ImageOf(node);
  const std::int64_t block = node.node().Integer("blocksize", 1);
  FinishBlocks(node, x, {x.shape[0], x.shape[1] / block, block, x.shape[2] / block, block},
               {2, 4, 0, 1, 3});
}

// --- Concat ---

void InferConcat(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const auto axis =
      static_cast<std::size_t>(CountedFromFirst(facts.node().Integer("axis", 1), facts.Rank(0)));
  for (std::size_t i = 1; i < facts.node().inputs.size(); ++i) {
    const ForeignDimensions& more = facts.Dimensions(i);
    if (more.size() != dimensions.size()) Refuse("expected inputs of as many dimensions");
    for (std::size_t k = 0; k < more.size(); ++k) {
      if (k == axis) {
        if (!dimensions[k].is_fixed() || !more[k].is_fixed()) {
          Refuse("expected to join along a dimension that is known");
        }
        dimensions[k].size =
            CheckedSize(CheckedSize(dimensions[k].size) + CheckedSize(more[k].size));
      } else if (!(dimensions[k] == more[k])) {
        Refuse("expected inputs that fit, got ", ToString(dimensions), " and ", ToString(more));
      }
    }
  }
  facts.SetOutput(0, facts.Type(0), std::move(dimensions));
}

void LowerConcat(NodeLowering& node) {
  const ForeignDimensions& output = node.OutputDimensions();
  const int counted =
      CountedFromFirst(node.node().Integer("axis", 1), static_cast<int>(output.size()));
  const int axis = LoweredAxis(output, counted);
  std::vector<LoweredValue> parts;
  for (std::size_t i = 0; i < node.node().inputs.size(); ++i) {
    if (node.Dimensions(i)[static_cast<std::size_t>(counted)].is(0)) continue;
    parts.push_back(node.BroadcastData(i));
  }
  if (parts.empty()) Refuse("expected an input that is not empty");
  if (parts.size() == 1) return node.SetOutput(0, parts[0]);
  node.Finish("concat", {{"axis", static_cast<std::int64_t>(axis)}}, parts);
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Gather", .infer = InferGather, .lower = LowerGather},
    {.kind = "GatherElements", .infer = InferGatherElements, .lower = LowerGatherElements},
    {.kind = "Slice", .infer = InferSlice, .lower = LowerSlice},
    {.kind = "Split", .infer = InferSplit, .lower = LowerSplit},
    {.kind = "Pad", .infer = InferPad, .lower = LowerPad},
    {.kind = "Expand", .infer = InferExpand, .lower = LowerExpand},
    {.kind = "Tile", .first_version = 6, .infer = InferTile, .lower = LowerTile},
    {.kind = "DepthToSpace", .infer = InferDepthToSpace, .lower = LowerDepthToSpace},
    {.kind = "SpaceToDepth", .infer = InferSpaceToDepth, .lower = LowerSpaceToDepth},
    {.kind = "Concat", .infer = InferConcat, .lower = LowerConcat},
};

}  // namespace

std::span<const ForeignOperator> SelectionOperators() { return kOperators; }

}  // namespace espalier
