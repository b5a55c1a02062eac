// SPDX-License-Identifier: Apache-2.0
#include "inference/border_operation.h"

#include <algorithm>

#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {
namespace {

// Pixels become floats in a block on the stack, 6 KiB, that has whole vectors of each channel.
constexpr std::int64_t kBlockFloats = 1536;
constexpr std::int64_t kFewestPositions = 16;

}  // namespace

void EnterOperation::Run(const OperationCall& call) const {
  if (call.pixels != nullptr) {
    RunPixels(call);
    return;
  }
  entry_.Run(call.batch, call.lengths, call.inputs[0], call.output, *call.workspace);
}

bool EnterOperation::ReadsPixels() const {
  const ImageLayout& layout = entry_.layout();
  return layout.positions >= kFewestPositions && layout.channels <= kBlockFloats / kFewestPositions;
}

void EnterOperation::RunPixels(const OperationCall& call) const {
  const ImageLayout& layout = entry_.layout();
  const std::int64_t most = kBlockFloats / layout.channels / kFewestPositions * kFewestPositions;
  ForPositions(*call.workspace, layout, call.batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 alignas(kAlignmentBytes) float block[kBlockFloats];
                 for (std::int64_t position = first; position < last; position += most) {
                   const ImageLayout part = {.channels = layout.channels,
                                             .positions = std::min(most, last - position)};
                   for (std::int64_t channel = 0; channel < part.channels; ++channel) {
                     ConvertPixels(
                         call.pixels->From(offset + channel * layout.positions + position),
                         part.positions, block + channel * part.positions);
                   }
                   entry_.RunPart(part, 0, part.positions, block,
                                  call.output + offset + position * part.channels);
                 }
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
