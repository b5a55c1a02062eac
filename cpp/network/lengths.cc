// SPDX-License-Identifier: Apache-2.0
#include "network/lengths.h"

#include <numeric>
#include <vector>

#include "network/network_state.h"

namespace espalier {
namespace {

std::size_t Index(int i) { return static_cast<std::size_t>(i); }

// Values that must be of one length are one set: those that a layer reads and makes position by
// position. A set has a length of its own unless something needs, or makes, all of its positions.
class Finder {
 public:
  explicit Finder(NetworkState& network)
      : network_(network),
        parent_(network.values.size()),
        counter_(network.values.size(), kNone),
        is_whole_(network.values.size(), 0) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  void Run() {
    for (const GraphLayer& layer : network_.layers) Join(layer);
    for (const GraphLayer& layer : network_.layers) Look(layer);
    for (std::size_t v = 0; v < network_.values.size(); ++v) CheckShape(static_cast<int>(v));
    for (std::size_t v = 0; v < network_.values.size(); ++v) {
      const int set = SetOf(static_cast<int>(v));
      GraphValue& value = network_.values[v];
      value.length = {.input = is_whole_[Index(set)] != 0 ? kNone : counter_[Index(set)],
                      .all = value.shape[0]};
    }
  }

 private:
  static constexpr int kNone = -1;

  int SetOf(int value) {
    while (parent_[Index(value)] != value) {
      // Each look halves the way, so that chains of many layers take time in proportion.
      parent_[Index(value)] = parent_[Index(parent_[Index(value)])];
      value = parent_[Index(value)];
    }
    return value;
  }

  static PositionUse UseOf(const GraphLayer& layer, std::size_t input) {
    if (layer.inputs.size() > kMostVaryingInputs) return PositionUse::kAll;
    return layer.layer->InputPositions(input, layer.input_shapes);
  }

  static bool IsSame(PositionUse use) {
    return use == PositionUse::kSame || use == PositionUse::kSameAndValid;
  }

  void Join(const GraphLayer& layer) {
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      if (IsSame(UseOf(layer, i))) parent_[Index(SetOf(layer.inputs[i]))] = SetOf(layer.output);
    }
  }

  void Look(const GraphLayer& layer) {
    bool goes_by_position = layer.inputs.empty();  // makes the first positions, however many
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      const int set = SetOf(layer.inputs[i]);
      const PositionUse use = UseOf(layer, i);
      goes_by_position = goes_by_position || IsSame(use);
      switch (use) {
        case PositionUse::kSame:
          break;
        case PositionUse::kAll:
          is_whole_[Index(set)] = 1;
          break;
        case PositionUse::kValid:
        case PositionUse::kSameAndValid:
          Count(set, layer.inputs.back());
      }
    }
    if (!goes_by_position) is_whole_[Index(SetOf(layer.output))] = 1;
  }

  // The set's positions are counted by that value.
  void Count(int set, int value) {
    int& counter = counter_[Index(set)];
    if (!network_.is_input(value) || (counter != kNone && counter != value)) {
      is_whole_[Index(set)] = 1;
    }
    counter = value;
  }

  // Where positions do not lie one after the other, or sets have values of several lengths, a part
  // of them cannot be cut off.
  void CheckShape(int value) {
    const GraphValue& graph_value = network_.value(value);
    const int set = SetOf(value);
    const bool is_in_rows =
        graph_value.shape.rank() == 1 || graph_value.layout == Layout::kRowMajor;
    if (!is_in_rows || graph_value.shape[0] != network_.value(set).shape[0]) {
      is_whole_[Index(set)] = 1;
    }
  }

  NetworkState& network_;
  std::vector<int> parent_;     // by value
  std::vector<int> counter_;    // by set, which is a value
  std::vector<char> is_whole_;  // by set
};

}  // namespace

Shape Length::Cut(const Shape& shape, const BatchLengths* lengths) const {
  if (!varies() || lengths == nullptr) return shape;
  std::array<std::int64_t, Shape::kMaxRank> dimensions{};
  std::copy(shape.dimensions().begin(), shape.dimensions().end(), dimensions.begin());
  dimensions[0] = In(lengths);
  return Shape(std::span<const std::int64_t>(dimensions.data(), shape.dimensions().size()));
}

void FindLengths(NetworkState& network) { Finder(network).Run(); }

}  // namespace espalier
