// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tables of a FlatBuffers file, read by the numbers of their fields, each access checked before it
// is made: no schema is compiled, and nothing is trusted.
// Format: https://flatbuffers.dev/internals

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flatbuffers/flatbuffers.h>

#include "core/text.h"

namespace espalier {

class FlatTable {
 public:
  /// The root of a file, whose bytes lie at an address that 16 divides. Throws Error: MODEL_FILE,
  /// as all methods do where what they want lies outside.
  static FlatTable Root(flatbuffers::Verifier& verifier, std::span<const std::byte> bytes) {
    Require(bytes.size() >= sizeof(flatbuffers::uoffset_t) * 2);
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const auto offset = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(begin);
    Require(offset < bytes.size());
    return FlatTable(verifier, reinterpret_cast<const flatbuffers::Table*>(begin + offset));
  }

  template <typename T>
  T Scalar(int field, T otherwise) const {
    Require(table_->VerifyField<T>(*verifier_, Slot(field), sizeof(T)));
    return table_->GetField<T>(Slot(field), otherwise);
  }

  std::optional<FlatTable> Child(int field) const {
    const auto* const child = Pointer<flatbuffers::Table>(field);
    if (child == nullptr) return std::nullopt;
    return FlatTable(*verifier_, child);
  }

  std::vector<FlatTable> Children(int field) const {
    using Offsets = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>;
    const auto* const children = Pointer<Offsets>(field);
    std::vector<FlatTable> result;
    if (children == nullptr) return result;
    Require(verifier_->VerifyVector(children));
    for (flatbuffers::uoffset_t i = 0; i < children->size(); ++i) {
      result.push_back(FlatTable(*verifier_, children->Get(i)));
    }
    return result;
  }

  /// Numbers of a vector; none where it is absent.
  template <typename T>
  std::vector<T> Numbers(int field) const {
    const auto* const vector = Pointer<flatbuffers::Vector<T>>(field);
    if (vector == nullptr) return {};
    Require(verifier_->VerifyVector(vector));
    std::vector<T> result(vector->size());
    // Byte by byte: of the elements' own alignment nothing is verified.
    std::copy_n(reinterpret_cast<const std::byte*>(vector->Data()), result.size() * sizeof(T),
                reinterpret_cast<std::byte*>(result.data()));
    return result;
  }

  std::span<const std::byte> Bytes(int field) const {
    const auto* const vector = Pointer<flatbuffers::Vector<std::uint8_t>>(field);
    if (vector == nullptr) return {};
    Require(verifier_->VerifyVector(vector));
    return {reinterpret_cast<const std::byte*>(vector->Data()), vector->size()};
  }

  std::string Text(int field) const {
    const auto* const text = Pointer<flatbuffers::String>(field);
    if (text == nullptr) return {};
    Require(verifier_->VerifyString(text) && text->size() <= kMaxText);
    return text->str();
  }

 private:
  static constexpr flatbuffers::uoffset_t kMaxText = 1 << 16;

  FlatTable(flatbuffers::Verifier& verifier, const flatbuffers::Table* table)
      : verifier_(&verifier), table_(table) {
    Require(table_->VerifyTableStart(verifier));
    verifier.EndTable();
  }

  static flatbuffers::voffset_t Slot(int field) {
    return static_cast<flatbuffers::voffset_t>((field + 2) * 2);
  }

  static void Require(bool holds) {
    if (!holds) Fail(ErrorCode::kModelFile, "expected a whole file, got one that is damaged");
  }

  template <typename T>
  const T* Pointer(int field) const {
    Require(table_->VerifyOffset(*verifier_, Slot(field)));
    return table_->GetPointer<const T*>(Slot(field));
  }

  flatbuffers::Verifier* verifier_;
  const flatbuffers::Table* table_;
};

}  // namespace espalier
