// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/inputs.h"
#include "network/network_state.h"

namespace espalier {

/// What of a network's inputs calls need to check and cut batches.
struct InputFormat {
  std::string name;
  GraphValue value;
  std::int64_t floats = 0;  // an example
  IntegerRange range;       // of integers: what all layers take that read it
};
std::vector<InputFormat> InputFormats(const NetworkState& network);

/// Elements of all inputs of an example.
std::int64_t FloatsOf(const std::vector<InputFormat>& formats);

/// A batch of all inputs of a network, checked. An int32 lies in the place of a float.
class InputPointers {
 public:
  /// Throws Error: SHAPE_MISMATCH for data of another number, type or size; INVALID_ARGUMENT for a
  /// negative batch, or an integer out of range, naming its row. `what`: the call. `formats` must
  /// outlive this.
  InputPointers(const std::vector<InputFormat>& formats, const char* what, std::int64_t batch,
                const Inputs& inputs)
      : formats_(formats), what_(what) {
    if (!TakeOnly(batch, inputs)) [[unlikely]]
      TakeAll(batch, inputs);
  }

  /// True if examples are rows that have to be taken apart.
  bool must_split() const { return rows_ != nullptr; }

  /// Where example `example` of each input begins. Holds until the next call.
  std::span<const float* const> At(std::int64_t example) {
    for (std::size_t i = 0; i < count(); ++i) at_[i] = first_[i] + example * formats_[i].floats;
    return {at_.data(), count()};
  }

  /// How many positions examples [first, first + examples) have.
  BatchLengths LengthsOf(std::int64_t first, std::int64_t examples) const;
  BatchLengths LengthsOf(std::span<const std::int64_t> examples) const;

  /// Positions of an example, of all inputs whose length varies.
  std::int64_t PositionsOf(std::int64_t example) const;

  /// True if examples have to be copied to lie side by side: Copy is for these, At for all others.
  bool MustCopy(std::int64_t examples, const BatchLengths* lengths) const;

  /// Each input of examples [first, first + examples), put into `room` for FloatsOf(formats) floats
  /// an example; of those whose length varies, the positions that `lengths` has (null: all). Throws
  /// Error: INVALID_ARGUMENT for an integer that is not whole or out of range.
  std::span<const float* const> Copy(std::int64_t first, std::int64_t examples,
                                     const BatchLengths* lengths, float* room);

  /// The same for these examples, in this order.
  std::span<const float* const> Copy(std::span<const std::int64_t> examples,
                                     const BatchLengths* lengths, float* room);

  const std::vector<InputFormat>& formats() const { return formats_; }
  /// Null unless must_split.
  const float* rows() const { return rows_; }

 private:
  std::size_t count() const { return formats_.size(); }
  // The one input of floats that most networks have, if that is all and fits: calls of 50 ns notice
  // the difference. False if there is more to it.
  bool TakeOnly(std::int64_t batch, const Inputs& inputs) {
    if (formats_.size() != 1 || inputs.size() != 1) return false;
    const InputFormat& format = formats_[0];
    const auto* const floats = std::get_if<std::span<const float>>(&inputs[0]);
    std::int64_t size = 0;
    if (format.value.type != ElementType::kFloat32 || floats == nullptr ||
        __builtin_mul_overflow(batch, format.floats, &size) ||
        static_cast<std::int64_t>(floats->size()) != size) {
      return false;
    }
    first_[0] = floats->data();
    return true;
  }

  void TakeAll(std::int64_t batch, const Inputs& inputs);
  void CheckSize(const std::string& name, std::int64_t batch, std::int64_t floats,
                 const std::string& shape, std::size_t got) const;
  void Take(std::size_t index, std::int64_t batch, const InputData& data);

  template <typename RowAt>
  BatchLengths LengthsOfRows(std::int64_t examples, const RowAt& row_at) const;
  template <typename RowAt>
  std::span<const float* const> CopyRows(std::int64_t examples, const RowAt& row_at,
                                         const BatchLengths* lengths, float* room);

  // What an input that counts positions says in a row, and where in a row it stands.
  std::int64_t CountAt(int input, std::int64_t row) const;
  std::int64_t OffsetOf(int input) const;

  const std::vector<InputFormat>& formats_;
  const char* what_;
  const float* rows_ = nullptr;
  std::array<const float*, kMaxInputs> first_;
  std::array<const float*, kMaxInputs> at_;
};

}  // namespace espalier
