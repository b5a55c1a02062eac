// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "espalier/spec.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Where windows slide: what convolutions and pooling say, for each dimension of an image.
struct WindowAttributes {
  std::vector<std::int64_t> kernel;
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> dilations;
  std::vector<std::int64_t> pads_before;
  std::vector<std::int64_t> pads_after;
  std::vector<std::int64_t> output;  ///< sizes

  /// How much more than the pads the last window covers, where sizes are rounded up.
  std::vector<std::int64_t> overhang;
};

/// The sizes of an image, [batch, channels, sizes…]. Refuses what is not known, and more than
/// `most`.
std::vector<std::int64_t> ImageSizes(const ForeignDimensions& dimensions, std::size_t most = 2);

/// Reads kernel_shape, or takes `kernel` in its place, strides, dilations, pads, auto_pad and
/// ceil_mode. Refuses sizes that do not fit.
WindowAttributes ReadWindow(const ForeignNode& node, const std::vector<std::int64_t>& image,
                            const std::vector<std::int64_t>& kernel);

/// Integers of an attribute, one for each dimension of an image; all `otherwise` if absent. Refuses
/// numbers below `least` or above 2^30.
std::vector<std::int64_t> ImageAttribute(const ForeignNode& node, const char* name,
                                         std::size_t rank, std::int64_t otherwise,
                                         std::int64_t least);

/// [top, bottom, left, right], or [begin, end] of a sequence.
AttributeValue PaddingAttribute(const std::vector<std::int64_t>& before,
                                const std::vector<std::int64_t>& after);

}  // namespace espalier
