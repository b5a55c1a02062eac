// SPDX-License-Identifier: Apache-2.0
#include "inference/border_operation.h"

#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {

EnterOperation::EnterOperation(const Shape& shape,
                               const std::optional<Normalization>& normalization)
    : shape_(shape) {
  if (!normalization) return;
  const auto entry = [](const std::vector<double>& values, std::int64_t c) {
    return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(c)];
  };
  mean_ = AlignedArray<float>(shape[0]);
  scale_ = AlignedArray<float>(shape[0]);
  for (std::int64_t c = 0; c < shape[0]; ++c) {
    mean_[c] = static_cast<float>(entry(normalization->mean, c));
    scale_[c] = static_cast<float>(1.0 / entry(normalization->std, c));
  }
}

void EnterOperation::Run(const OperationCall& call) const {
  if (mean_.empty()) {
    MoveInside(shape_, call.batch, call.inputs[0], call.output, *call.workspace);
    return;
  }
  const ImageLayout layout = LayoutOf(shape_);
  ForPositions(*call.workspace, layout, call.batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 NormalizeToChannelsLast(layout, first, last, mean_.data(), scale_.data(),
                                         call.inputs[0] + offset, call.output + offset);
               });
}

void LeaveOperation::Run(const OperationCall& call) const {
  const ImageLayout layout = LayoutOf(shape_);
  const std::int64_t floats = shape_.element_count();
  ForPositions(*call.workspace, layout, call.batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 ToChannelsFirst(layout, first, last, call.inputs[0] + offset,
                                 call.output + offset / floats * call.output_stride);
               });
}

}  // namespace espalier
