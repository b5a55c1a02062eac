// SPDX-License-Identifier: Apache-2.0
#include "import/window_attributes.h"

#include <algorithm>
#include <string>

#include "import/node_facts.h"

namespace espalier {
namespace {

constexpr std::int64_t kMostSize = std::int64_t{1} << 30;

}  // namespace

std::vector<std::int64_t> ImageSizes(const ForeignDimensions& dimensions, std::size_t most) {
  if (dimensions.size() < 3 || dimensions.size() > most + 2) {
    Refuse("expected images [batch, channels, height, width] or sequences [batch, channels, ",
           "length], got ", ToString(dimensions));
  }
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 2; i < dimensions.size(); ++i) {
    if (!dimensions[i].is_fixed() || dimensions[i].size > kMostSize) {
      Refuse("expected an image of known size, got ", ToString(dimensions));
    }
    sizes.push_back(dimensions[i].size);
  }
  return sizes;
}

std::vector<std::int64_t> ImageAttribute(const ForeignNode& node, const char* name,
                                         std::size_t rank, std::int64_t otherwise,
                                         std::int64_t least) {
  std::vector<std::int64_t> values = node.Integers(name);
  if (values.empty()) values.assign(rank, otherwise);
  if (values.size() != rank) Refuse(name, ": expected ", rank, " numbers, got ", values.size());
  for (const std::int64_t value : values) {
    if (value < least || value > kMostSize) {
      Refuse(name, ": expected numbers of at least ", least, ", got ", value);
    }
  }
  return values;
}

WindowAttributes ReadWindow(const ForeignNode& node, const std::vector<std::int64_t>& image,
                            const std::vector<std::int64_t>& kernel) {
  const std::size_t rank = image.size();
  WindowAttributes window;
  window.kernel = kernel.empty() ? ImageAttribute(node, "kernel_shape", rank, 0, 1) : kernel;
  if (window.kernel.size() != rank) {
    Refuse("expected a kernel of ", rank, " dimensions, got ", window.kernel.size());
  }
  window.strides = ImageAttribute(node, "strides", rank, 1, 1);
  window.dilations = ImageAttribute(node, "dilations", rank, 1, 1);
  const std::vector<std::int64_t> pads = ImageAttribute(node, "pads", 2 * rank, 0, 0);
  const std::string auto_pad = node.Text("auto_pad", "NOTSET");
  const bool rounds_up = node.Integer("ceil_mode", 0) != 0;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t stride = window.strides[i];
    const std::int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    std::int64_t before = pads[i];
    std::int64_t after = pads[rank + i];
    std::int64_t count = 0;
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
      count = (image[i] + stride - 1) / stride;
      const std::int64_t missing =
          std::max<std::int64_t>(0, (count - 1) * stride + extent - image[i]);
      before = auto_pad == "SAME_UPPER" ? missing / 2 : missing - missing / 2;
      after = missing - before;
    } else if (auto_pad == "VALID") {
      before = after = 0;
    } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
      Refuse("auto_pad: expected NOTSET, SAME_UPPER, SAME_LOWER or VALID, got ", auto_pad);
    }
    std::int64_t overhang = 0;
    if (count == 0) {
      const std::int64_t room = image[i] + before + after - extent;
      if (room < 0) {
        Refuse("expected a padded image of at least ", extent, ", got ", image[i] + before + after);
      }
      count = room / stride + 1;
      // The last window begins within the image, or in front of it.
      if (rounds_up && room % stride != 0 && count * stride < image[i] + before) {
        ++count;
        overhang = (count - 1) * stride - room;
      }
    }
    window.pads_before.push_back(before);
    window.pads_after.push_back(after);
    window.output.push_back(count);
    window.overhang.push_back(overhang);
  }
  return window;
}

AttributeValue PaddingAttribute(const std::vector<std::int64_t>& before,
                                const std::vector<std::int64_t>& after) {
  std::vector<std::int64_t> padding;
  for (std::size_t i = 0; i < before.size(); ++i) {
    padding.push_back(before[i]);
    padding.push_back(after[i]);
  }
  return padding;
}

}  // namespace espalier
