// SPDX-License-Identifier: Apache-2.0
#include "network/input_entry.h"

#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {

InputEntry::InputEntry(const GraphValue& value, const std::optional<Normalization>& normalization)
    : layout_(value.layout == Layout::kRowMajor
                  ? ImageLayout{.channels = 1, .positions = value.shape.element_count()}
                  : LayoutOf(value.shape)),
      length_(value.length) {
  if (!normalization) return;
  const auto entry = [](const std::vector<double>& values, std::int64_t c) {
    return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(c)];
  };
  mean_ = AlignedArray<float>(layout_.channels);
  scale_ = AlignedArray<float>(layout_.channels);
  for (std::int64_t c = 0; c < layout_.channels; ++c) {
    mean_[c] = static_cast<float>(entry(normalization->mean, c));
    scale_[c] = static_cast<float>(1.0 / entry(normalization->std, c));
  }
}

void InputEntry::Run(std::int64_t batch, const BatchLengths* lengths, const float* from, float* to,
                     Workspace& workspace) const {
  ImageLayout layout = layout_;
  // What varies lies in rows, all of it positions, or is a vector, all of it channels.
  std::int64_t& varying = layout.channels == 1 ? layout.positions : layout.channels;
  varying = length_.Cut(varying, lengths);
  ForPositions(workspace, layout, batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 RunPart(layout, first, last, from + offset, to + offset);
               });
}

void InputEntry::RunPart(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                         const float* from, float* to) const {
  if (mean_.empty()) {
    ToChannelsLast(layout, first, last, from, to);
  } else {
    NormalizeToChannelsLast(layout, first, last, mean_.data(), scale_.data(), from, to);
  }
}

}  // namespace espalier
