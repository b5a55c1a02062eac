// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "inference/operation.h"
#include "network/int8_weights.h"

namespace espalier {

/// y[i] = scale[id[i]] · bytes[id[i]]: an embedding whose table has rows of bytes, each with a
/// scale; a quarter of the memory. Ids as the layer takes them: others are INVALID_ARGUMENT before
/// anything is written. The bits are those of the table's rounded values on every instruction set.
class EmbeddingOperation final : public Operation {
 public:
  /// Of a layer that HasInt8Weights.
  EmbeddingOperation(const NetworkState& network, int index);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return work_; }
  std::string Kernel() const override;
  std::int64_t NativeBytes() const override { return table_.bytes.bytes() + table_.scales.bytes(); }

 private:
  Int8Rows table_;
  std::int64_t positions_;
  Length length_;
  std::int64_t work_;
};

}  // namespace espalier
