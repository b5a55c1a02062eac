// SPDX-License-Identifier: Apache-2.0
#include "import/rearrangement.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "import/node_facts.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

Integers DimensionsOf(const ForeignGraph& graph, const std::string& value) {
  const std::optional<ForeignDimensions>& dimensions = graph.Value(value).dimensions;
  if (!dimensions) Refuse("the dimensions of '", value, "' are not known");
  Integers result;
  for (const ForeignDimension& dimension : *dimensions) result.push_back(dimension.size);
  return result;
}

Integers StridesOf(const Integers& dimensions) {
  Integers strides(dimensions.size());
  std::int64_t stride = 1;
  for (std::size_t i = dimensions.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dimensions[i];
  }
  return strides;
}

class Rearranger {
 public:
  Rearranger(const ForeignGraph& graph, const ForeignNode& node, std::int64_t most_elements)
      : graph_(graph),
        node_(node),
        most_elements_(most_elements),
        dimensions_(DimensionsOf(graph, node.Input(0))) {}

  std::vector<Rearrangement> Result() {
    if (node_.Is("Identity")) return {InOrder(dimensions_)};
    if (node_.Is("Reshape")) return Reshape();
    if (node_.Is("Flatten")) return Flatten();
    if (node_.Is("Squeeze")) return Squeeze();
    if (node_.Is("Unsqueeze")) return Unsqueeze();
    if (node_.Is("Transpose")) return Transpose();
    if (node_.Is("Slice")) return Slice();
    if (node_.Is("Gather")) return Gather();
    if (node_.Is("Expand")) return Expand();
    if (node_.Is("Tile")) return Tile();
    if (node_.Is("Concat")) return Concat();
    if (node_.Is("Split")) return Split();
    return {};
  }

 private:
  int Axis(std::int64_t axis) const {
    return CountedFromFirst(axis, static_cast<int>(dimensions_.size()));
  }

  std::int64_t Count(const Integers& dimensions) const {
    const std::int64_t count = ForeignElementCount(dimensions);
    if (count > most_elements_) {
      Refuse("expected a constant of at most ", most_elements_, " elements, got ", count);
    }
    return count;
  }

  static Rearrangement InOrder(Integers dimensions) {
    return {.dimensions = std::move(dimensions), .in_order = true};
  }

  // Elements at offset + the sum of index * stride.
  Rearrangement Strided(Integers dimensions, const Integers& strides, std::int64_t offset) const {
    Rearrangement result;
    const std::int64_t count = Count(dimensions);
    result.sources.reserve(static_cast<std::size_t>(count));
    Integers index(dimensions.size(), 0);
    std::int64_t source = offset;
    for (std::int64_t i = 0; i < count; ++i) {
      result.sources.push_back(source);
      for (std::size_t axis = dimensions.size(); axis-- > 0;) {
        source += strides[axis];
        if (++index[axis] < dimensions[axis]) break;
        source -= strides[axis] * dimensions[axis];
        index[axis] = 0;
      }
    }
    result.dimensions = std::move(dimensions);
    return result;
  }

  // Integers that the node is told; none if they are not known.
  std::optional<Integers> Told(const char* attribute, std::size_t input) const {
    if (node_.HasAttribute(attribute)) return node_.Integers(attribute);
    if (!node_.HasInput(input)) return Integers();
    const ForeignTensor* constant = graph_.Constant(node_.Input(input));
    if (constant == nullptr) return std::nullopt;
    return constant->Integers();
  }

  std::vector<Rearrangement> Reshape() const {
    const std::optional<Integers> told = Told("shape", 1);
    if (!told) return {};
    Integers shape = *told;
    std::int64_t known = 1;
    std::optional<std::size_t> rest;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0 && node_.Integer("allowzero", 0) == 0) {
        if (i >= dimensions_.size()) Refuse("expected a shape with zeros for dimensions there are");
        shape[i] = dimensions_[i];
      }
      if (shape[i] == -1) {
        rest = i;
      } else {
        known = ForeignElementCount(Integers{known, shape[i]});
      }
    }
    if (rest) shape[*rest] = known == 0 ? 0 : ForeignElementCount(dimensions_) / known;
    return {InOrder(std::move(shape))};
  }

  std::vector<Rearrangement> Flatten() const {
    const std::int64_t rank = static_cast<std::int64_t>(dimensions_.size());
    std::int64_t axis = node_.Integer("axis", 1);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) Refuse("expected an axis of at most ", rank, ", got ", axis);
    const auto middle = dimensions_.begin() + axis;
    return {InOrder({ForeignElementCount(Integers(dimensions_.begin(), middle)),
                     ForeignElementCount(Integers(middle, dimensions_.end()))})};
  }

  std::vector<Rearrangement> Squeeze() const {
    const std::optional<Integers> axes = Told("axes", 1);
    if (!axes) return {};
    std::vector<char> drop(dimensions_.size(), 0);
    for (const std::int64_t axis : *axes) drop[static_cast<std::size_t>(Axis(axis))] = 1;
    Integers dimensions;
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      const bool is_dropped = axes->empty() ? dimensions_[i] == 1 : drop[i] != 0;
      if (!is_dropped) dimensions.push_back(dimensions_[i]);
    }
    return {InOrder(std::move(dimensions))};
  }

  std::vector<Rearrangement> Unsqueeze() const {
    const std::optional<Integers> axes = Told("axes", 1);
    if (!axes) return {};
    const std::size_t rank = dimensions_.size() + axes->size();
    std::vector<char> is_new(rank, 0);
    for (const std::int64_t axis : *axes) {
      is_new[static_cast<std::size_t>(CountedFromFirst(axis, static_cast<int>(rank)))] = 1;
    }
    Integers dimensions;
    std::size_t next = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      if (is_new[i] == 0 && next == dimensions_.size()) Refuse("expected axes once each");
      dimensions.push_back(is_new[i] != 0 ? 1 : dimensions_[next++]);
    }
    return {InOrder(std::move(dimensions))};
  }

  std::vector<Rearrangement> Transpose() const {
    Integers order = node_.Integers("perm");
    if (order.empty()) {
      order.resize(dimensions_.size());
      std::iota(order.rbegin(), order.rend(), 0);
    }
    if (order.size() != dimensions_.size()) {
      Refuse("perm: expected ", dimensions_.size(), " axes, got ", order.size());
    }
    const Integers strides = StridesOf(dimensions_);
    Integers dimensions;
    Integers taken;
    for (const std::int64_t axis : order) {
      const auto from = static_cast<std::size_t>(Axis(axis));
      dimensions.push_back(dimensions_[from]);
      taken.push_back(strides[from]);
    }
    return {Strided(std::move(dimensions), taken, 0)};
  }

  std::vector<Rearrangement> Slice() const {
    const auto starts = Told("starts", 1);
    const auto ends = Told("ends", 2);
    auto axes = Told("axes", 3);
    auto steps = node_.HasAttribute("starts") ? Integers() : Told("steps", 4);
    if (!starts || !ends || !axes || !steps) return {};
    if (axes->empty()) {
      axes->resize(starts->size());
      std::iota(axes->begin(), axes->end(), 0);
    }
    if (steps->empty()) steps->assign(starts->size(), 1);
    if (ends->size() != starts->size() || axes->size() != starts->size() ||
        steps->size() != starts->size()) {
      Refuse("expected as many ends, axes and steps as starts");
    }
    Integers dimensions = dimensions_;
    Integers strides = StridesOf(dimensions_);
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < starts->size(); ++i) {
      const auto axis = static_cast<std::size_t>(Axis((*axes)[i]));
      const SliceRange range =
          ResolveSlice((*starts)[i], (*ends)[i], (*steps)[i], dimensions_[axis]);
      dimensions[axis] = range.count;
      if (range.count > 0) offset += strides[axis] * range.start;
      strides[axis] = range.count > 1 ? strides[axis] * range.step : 0;
    }
    return {Strided(std::move(dimensions), strides, offset)};
  }

  std::vector<Rearrangement> Gather() const {
    const ForeignTensor* indices = graph_.Constant(node_.Input(1));
    if (indices == nullptr) return {};
    const auto axis = static_cast<std::size_t>(Axis(node_.Integer("axis", 0)));
    const auto middle = dimensions_.begin() + static_cast<std::ptrdiff_t>(axis);
    Rearrangement result;
    result.dimensions.assign(dimensions_.begin(), middle);
    result.dimensions.insert(result.dimensions.end(), indices->dimensions().begin(),
                             indices->dimensions().end());
    result.dimensions.insert(result.dimensions.end(), middle + 1, dimensions_.end());
    Count(result.dimensions);
    const std::int64_t outer = ForeignElementCount(Integers(dimensions_.begin(), middle));
    const std::int64_t inner = ForeignElementCount(Integers(middle + 1, dimensions_.end()));
    const std::int64_t size = dimensions_[axis];
    Integers chosen = indices->Integers();
    for (std::int64_t& index : chosen) {
      if (index < 0) index += size;
      if (index < 0 || index >= size) Refuse("expected indices below ", size, ", got ", index);
    }
    for (std::int64_t i = 0; i < outer; ++i) {
      for (const std::int64_t index : chosen) {
        for (std::int64_t j = 0; j < inner; ++j) {
          result.sources.push_back((i * size + index) * inner + j);
        }
      }
    }
    return {std::move(result)};
  }

  std::vector<Rearrangement> Expand() const {
    const ForeignTensor* told = graph_.Constant(node_.Input(1));
    if (told == nullptr) return {};
    const Integers shape = told->Integers();
    const std::size_t rank = std::max(shape.size(), dimensions_.size());
    Integers dimensions(rank, 1);
    Integers strides(rank, 0);
    const Integers own = StridesOf(dimensions_);
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      dimensions[rank - dimensions_.size() + i] = dimensions_[i];
      strides[rank - dimensions_.size() + i] = dimensions_[i] == 1 ? 0 : own[i];
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::int64_t& dimension = dimensions[rank - shape.size() + i];
      if (dimension == 1) {
        dimension = shape[i];
      } else if (shape[i] != 1 && shape[i] != dimension) {
        Refuse("expected to expand ", dimension, ", got ", shape[i]);
      }
    }
    return {Strided(std::move(dimensions), strides, 0)};
  }

  std::vector<Rearrangement> Tile() const {
    const ForeignTensor* told = graph_.Constant(node_.Input(1));
    if (told == nullptr) return {};
    const Integers repeats = told->Integers();
    if (repeats.size() != dimensions_.size()) Refuse("expected a number of repeats a dimension");
    Rearrangement result;
    for (std::size_t i = 0; i < repeats.size(); ++i) {
      result.dimensions.push_back(ForeignElementCount(Integers{dimensions_[i], repeats[i]}));
    }
    const std::int64_t count = Count(result.dimensions);
    const Integers strides = StridesOf(dimensions_);
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rest = i;
      std::int64_t source = 0;
      for (std::size_t axis = dimensions_.size(); axis-- > 0;) {
        source += rest % result.dimensions[axis] % dimensions_[axis] * strides[axis];
        rest /= result.dimensions[axis];
      }
      result.sources.push_back(source);
    }
    return {std::move(result)};
  }

  std::vector<Rearrangement> Concat() const {
    const auto axis = static_cast<std::size_t>(Axis(node_.Integer("axis", 0)));
    Rearrangement result{.dimensions = dimensions_, .of_all = true};
    result.dimensions[axis] = 0;
    std::vector<Integers> parts;
    for (const std::string& input : node_.inputs) {
      Integers part = DimensionsOf(graph_, input);
      if (part.size() != dimensions_.size()) Refuse("expected inputs of one rank");
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (i != axis && part[i] != dimensions_[i]) Refuse("expected inputs of one shape");
      }
      result.dimensions[axis] += part[axis];
      parts.push_back(std::move(part));
    }
    Count(result.dimensions);
    const auto middle = dimensions_.begin() + static_cast<std::ptrdiff_t>(axis);
    const std::int64_t outer = ForeignElementCount(Integers(dimensions_.begin(), middle));
    const std::int64_t inner = ForeignElementCount(Integers(middle + 1, dimensions_.end()));
    for (std::int64_t i = 0; i < outer; ++i) {
      std::int64_t begin = 0;
      for (const Integers& part : parts) {
        const std::int64_t run = part[axis] * inner;
        for (std::int64_t j = 0; j < run; ++j) result.sources.push_back(begin + i * run + j);
        begin += outer * run;
      }
    }
    return {std::move(result)};
  }

  std::vector<Rearrangement> Split() const {
    const auto axis = static_cast<std::size_t>(Axis(node_.Integer("axis", 0)));
    const auto told = Told("split", 1);
    if (!told) return {};
    const Integers sizes = ResolveSplit(*told, node_.outputs.size(), dimensions_[axis]);
    const Integers strides = StridesOf(dimensions_);
    std::vector<Rearrangement> result;
    std::int64_t begin = 0;
    for (const std::int64_t size : sizes) {
      Integers dimensions = dimensions_;
      dimensions[axis] = size;
      result.push_back(Strided(std::move(dimensions), strides, begin * strides[axis]));
      begin += size;
    }
    return result;
  }

  const ForeignGraph& graph_;
  const ForeignNode& node_;
  std::int64_t most_elements_;
  Integers dimensions_;
};

}  // namespace

std::vector<Rearrangement> Rearrange(const ForeignGraph& graph, const ForeignNode& node,
                                     std::int64_t most_elements) {
  return Rearranger(graph, node, most_elements).Result();
}

}  // namespace espalier
