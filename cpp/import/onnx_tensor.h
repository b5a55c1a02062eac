// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "import/external_data.h"
#include "import/foreign_tensor.h"
#include "import/proto_message.h"

namespace espalier {

/// ONNX's number of an element type; kUnknown for those not read here.
ForeignType ForeignTypeOfOnnx(std::int64_t data_type);

struct OnnxTensor {
  std::string name;
  ForeignTensor tensor;
};

/// A TensorProto. Raw data stay in the file's bytes, which `owner` keeps; what lies in another file
/// comes from `external`, and is refused without. Throws Error: MODEL_FILE if its type is not read
/// here, or its data are not as many as its dimensions say.
OnnxTensor ReadOnnxTensor(ProtoMessage message, const std::shared_ptr<const void>& owner,
                          ExternalData* external = nullptr);

}  // namespace espalier
