// SPDX-License-Identifier: Apache-2.0
#include "import/folded_array.h"

#include <algorithm>
#include <utility>

namespace espalier {

Symbol Symbol::Batch(std::int64_t factor) {
  return factor > 0 ? Symbol{Kind::kBatch, factor} : Symbol{};
}

Symbol Symbol::Of(const ForeignDimension& dimension) {
  if (dimension.is_fixed()) return Fixed(dimension.size);
  return dimension.is_batch() ? Batch(dimension.size) : Symbol{};
}

ForeignDimension Symbol::ToDimension() const {
  switch (kind) {
    case Kind::kFixed:
      return ForeignDimension::Fixed(value);
    case Kind::kBatch:
      return ForeignDimension::Batch(value);
    case Kind::kUnknown:
      break;
  }
  return {};
}

std::size_t FoldedArray::size() const {
  return holds_floats() ? floats().size() : symbols().size();
}

std::optional<std::int64_t> KnownElements(const ForeignGraph& graph, const std::string& value) {
  if (const ForeignTensor* constant = graph.Constant(value)) return constant->element_count();
  const auto& elements = graph.Value(value).elements;
  if (!elements) return std::nullopt;
  return static_cast<std::int64_t>(elements->size());
}

std::optional<FoldedArray> ReadFolded(const ForeignGraph& graph, const std::string& value) {
  if (const ForeignTensor* constant = graph.Constant(value)) {
    FoldedArray array{.type = constant->type(), .dimensions = constant->dimensions()};
    if (IsFloatType(constant->type())) {
      array.elements = constant->Floats();
    } else {
      std::vector<Symbol> symbols;
      symbols.reserve(static_cast<std::size_t>(constant->element_count()));
      for (const std::int64_t integer : constant->Integers()) {
        symbols.push_back(Symbol::Fixed(integer));
      }
      array.elements = std::move(symbols);
    }
    return array;
  }
  const ForeignValue& known = graph.Value(value);
  if (!known.elements || !known.dimensions) return std::nullopt;
  FoldedArray array{.type = known.type};
  for (const ForeignDimension& dimension : *known.dimensions) {
    array.dimensions.push_back(dimension.size);
  }
  std::vector<Symbol> symbols;
  for (const ForeignDimension& element : *known.elements) symbols.push_back(Symbol::Of(element));
  array.elements = std::move(symbols);
  return array;
}

void WriteFolded(ForeignGraph& graph, std::string value, FoldedArray array) {
  if (value.empty()) return;
  if (auto* floats = std::get_if<0>(&array.elements)) {
    graph.MakeConstant(value, ForeignTensor::OfFloats(array.dimensions, std::move(*floats)));
    return;
  }
  const auto symbols = array.symbols();
  if (std::ranges::all_of(symbols, &Symbol::is_fixed)) {
    std::vector<std::int64_t> integers;
    integers.reserve(symbols.size());
    for (const Symbol symbol : symbols) integers.push_back(symbol.value);
    if (array.type != ForeignType::kBool) {
      graph.MakeConstant(value, ForeignTensor::OfIntegers(array.dimensions, std::move(integers)));
      return;
    }
    std::vector<std::byte> bytes;
    for (const std::int64_t integer : integers) bytes.push_back(std::byte{integer != 0});
    graph.MakeConstant(value, ForeignTensor::OfBytes(ForeignType::kBool, array.dimensions, bytes));
    return;
  }
  ForeignValue known{.type = array.type};
  known.dimensions.emplace();
  for (const std::int64_t size : array.dimensions) {
    known.dimensions->push_back(ForeignDimension::Fixed(size));
  }
  known.elements.emplace();
  for (const Symbol symbol : symbols) known.elements->push_back(symbol.ToDimension());
  graph.Describe(value, std::move(known));
}

}  // namespace espalier
