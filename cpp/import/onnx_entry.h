// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "import/onnx_schema.h"
#include "import/proto_message.h"

namespace espalier {

/// A StringStringEntryProto; the value may be of any length, and no text.
struct OnnxEntry {
  std::string key;
  std::span<const std::byte> value;
};

inline OnnxEntry ReadOnnxEntry(ProtoMessage message) {
  OnnxEntry entry;
  while (message.Next()) {
    switch (message.field()) {
      case onnx::Entry::kKey:
        entry.key = message.Text();
        break;
      case onnx::Entry::kValue:
        entry.value = message.Bytes();
        break;
      default:
        message.Skip();
    }
  }
  return entry;
}

}  // namespace espalier
