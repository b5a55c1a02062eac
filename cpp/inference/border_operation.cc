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
  if (call.pixels != nullptr) {
    RunPixels(call);
    return;
  }
  const ImageLayout layout = LayoutOf(shape_);
  ForPositions(*call.workspace, layout, call.batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 Enter(layout, first, last, call.inputs[0] + offset, call.output + offset);
               });
}

bool EnterOperation::ReadsPixels() const {
  const ImageLayout layout = LayoutOf(shape_);
  return layout.positions >= kFewestPositions && layout.channels <= kBlockFloats / kFewestPositions;
}

void EnterOperation::RunPixels(const OperationCall& call) const {
  const ImageLayout layout = LayoutOf(shape_);
  const std::int64_t most = kBlockFloats / layout.channels / kFewestPositions * kFewestPositions;
  ForPositions(
      *call.workspace, layout, call.batch,
      [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
        alignas(kAlignmentBytes) float block[kBlockFloats];
        for (std::int64_t position = first; position < last; position += most) {
          const ImageLayout part = {.channels = layout.channels,
                                    .positions = std::min(most, last - position)};
          for (std::int64_t channel = 0; channel < part.channels; ++channel) {
            ConvertPixels(call.pixels->From(offset + channel * layout.positions + position),
                          part.positions, block + channel * part.positions);
          }
          Enter(part, 0, part.positions, block, call.output + offset + position * part.channels);
        }
      });
}

void EnterOperation::Enter(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                           const float* from, float* to) const {
  if (mean_.empty()) {
    ToChannelsLast(layout, first, last, from, to);
  } else {
    NormalizeToChannelsLast(layout, first, last, mean_.data(), scale_.data(), from, to);
  }
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
