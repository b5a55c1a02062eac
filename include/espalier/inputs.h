// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace espalier {

/// Values of one input of a network for a batch: [batch, shape], of its element type.
using InputData = std::variant<std::span<const float>, std::span<const std::int32_t>>;

/// What a network reads for a batch: data of each of its inputs, in their order; of a network with
/// one input of floats, just these. Borrowed for a call.
class Inputs {
 public:
  template <std::convertible_to<std::span<const float>> Floats>
  Inputs(const Floats& floats)  // NOLINT(google-explicit-constructor)
      : only_(std::span<const float>(floats)), all_(&only_, 1) {}
  Inputs(const float* floats, std::size_t count) : Inputs(std::span(floats, count)) {}
  explicit Inputs(std::span<const InputData> all) : all_(all) {}

  /// Examples as rows of floats, [batch, elements of all inputs]: in a row all inputs one after
  /// another, integers as whole numbers.
  static Inputs SideBySide(std::span<const float> rows) { return {rows, SideBySideTag()}; }

  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  std::size_t size() const { return all_.size(); }
  const InputData& operator[](std::size_t index) const { return all_[index]; }
  bool is_side_by_side() const { return is_side_by_side_; }

 private:
  struct SideBySideTag {};
  Inputs(std::span<const float> rows, SideBySideTag) : Inputs(rows) { is_side_by_side_ = true; }

  InputData only_;
  std::span<const InputData> all_;
  bool is_side_by_side_ = false;
};

}  // namespace espalier
