// SPDX-License-Identifier: Apache-2.0
#include "inference/embedding_operation.h"

#include <cstddef>
#include <span>

#include "core/text.h"
#include "kernels/matmul/symmetric_bytes.h"
#include "layers/embedding.h"
#include "layers/partition.h"

namespace espalier {

EmbeddingOperation::EmbeddingOperation(const NetworkState& network, int index)
    : table_(QuantizeRows(network, index)) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
  positions_ = layer.input_shapes[0][0];
  length_ = network.value(layer.output).length;
  work_ = layer.layer->Work(layer.input_shapes);
}

void EmbeddingOperation::Run(const OperationCall& call) const {
  const std::int64_t length = length_.Cut(positions_, call.lengths);
  const std::int64_t positions = call.batch * length;
  const auto* const ids = reinterpret_cast<const std::int32_t*>(call.inputs[0]);
  Embedding::CheckIds({ids, static_cast<std::size_t>(positions)}, length, table_.rows());
  const std::int64_t width = table_.columns;
  ForRows(*call.workspace, positions, width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      DequantizeSymmetric(table_.row(ids[i]), table_.scales[ids[i]], width,
                          call.output + i * width);
    }
  });
}

std::string EmbeddingOperation::Kernel() const {
  return Concat("table ", table_.rows(), " x ", table_.columns, ", in int8");
}

}  // namespace espalier
