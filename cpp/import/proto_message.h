// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages of protocol buffers from anywhere: every read is checked, and what is wrong is an Error
// of kind MODEL_FILE.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "core/utf8.h"

// Wire types are checked here, before the library asserts them.
#define protozero_assert(condition) static_cast<void>(condition)
#include <protozero/pbf_reader.hpp>

namespace espalier {

/// The fields of a message, one after another:
///   while (message.Next()) switch (message.field()) { case 1: x = message.Integer(); … default:
///   message.Skip(); }
class ProtoMessage {
 public:
  /// Longest text, in bytes.
  static constexpr std::size_t kMaxText = 4096;

  explicit ProtoMessage(std::span<const std::byte> bytes)
      : reader_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  bool Next() {
    return Checked([this] { return reader_.next(); });
  }
  std::uint32_t field() const { return reader_.tag(); }
  void Skip() {
    Checked([this] { reader_.skip(); });
  }

  std::int64_t Integer() {
    Expect(protozero::pbf_wire_type::varint, "an integer");
    return Checked([this] { return reader_.get_int64(); });
  }
  float Float() {
    Expect(protozero::pbf_wire_type::fixed32, "a real number");
    return Checked([this] { return reader_.get_float(); });
  }
  std::span<const std::byte> Bytes() {
    Expect(protozero::pbf_wire_type::length_delimited, "bytes");
    const protozero::data_view view = Checked([this] { return reader_.get_view(); });
    return {reinterpret_cast<const std::byte*>(view.data()), view.size()};
  }
  ProtoMessage Message() { return ProtoMessage(Bytes()); }
  std::string Text() { return TextOf(Bytes()); }

  /// Bytes that are a text.
  static std::string TextOf(std::span<const std::byte> bytes) {
    if (bytes.size() > kMaxText) {
      Fail(ErrorCode::kModelFile, "expected texts of at most ", kMaxText, " bytes, got ",
           bytes.size());
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!IsUtf8(text)) Fail(ErrorCode::kModelFile, "expected texts in UTF-8, got other bytes");
    return std::string(text);
  }

  /// Elements of a repeated field, which may be packed or come one by one.
  template <typename Use>
  void Integers(Use use) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) {
      use(Integer());
      return;
    }
    Checked([&] {
      for (const std::int64_t value : reader_.get_packed_int64()) use(value);
    });
  }
  template <typename Use>
  void Floats(Use use) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) {
      use(Float());
      return;
    }
    Checked([&] {
      for (const float value : reader_.get_packed_float()) use(value);
    });
  }
  template <typename Use>
  void Doubles(Use use) {
    if (reader_.wire_type() == protozero::pbf_wire_type::fixed64) {
      use(Checked([this] { return reader_.get_double(); }));
      return;
    }
    Expect(protozero::pbf_wire_type::length_delimited, "real numbers");
    Checked([&] {
      for (const double value : reader_.get_packed_double()) use(value);
    });
  }

 private:
  template <typename Read>
  static auto Checked(Read read) -> decltype(read()) {
    try {
      return read();
    } catch (const protozero::exception& error) {
      Fail(ErrorCode::kModelFile, "damaged, or no protocol buffer: ", std::string(error.what()));
    }
  }

  void Expect(protozero::pbf_wire_type type, const char* what) const {
    if (reader_.wire_type() != type) {
      Fail(ErrorCode::kModelFile, "expected field ", reader_.tag(), " to be ", what,
           ", got wire type ", static_cast<int>(reader_.wire_type()));
    }
  }

  protozero::pbf_reader reader_;
};

}  // namespace espalier
