// SPDX-License-Identifier: Apache-2.0
#pragma once

// What stands in files of its own because it makes something faster: without any of it everything
// is computed as well, by the general way. A test goes without each in turn.

#include <cstdint>

namespace espalier {

enum class FastPath : std::uint8_t {
  kWinograd,          // kernels/convolution/winograd*
  kSmallImages,       // kernels/convolution/small_images.cc
  kPatches,           // kernels/convolution/patches.cc
  kStrips,            // inference/strip_operation.cc
  kCutBatches,        // inference/inference_run.cc: parts of a batch
  kLengthOrder,       // inference/length_order.cc
  kNormFusion,        // training/norm_fusion.cc
  kLateGradients,     // training/late_gradients.cc
  kLabelledProducts,  // kernels/matmul/labelled_product.cc, losses/labelled_entries.cc
};
inline constexpr FastPath kLastFastPath = FastPath::kLabelledProducts;

#ifdef ESPALIER_FAIL_POINTS
/// False where a test goes without it.
bool Takes(FastPath path);

/// Tests: goes without it until the end of the scope. To be made before networks, plans and
/// trainers, and to outlive them.
class WithoutFastPath {
 public:
  explicit WithoutFastPath(FastPath path);
  ~WithoutFastPath();
  WithoutFastPath(const WithoutFastPath&) = delete;
  WithoutFastPath& operator=(const WithoutFastPath&) = delete;

  /// How often it would have been taken.
  std::int64_t missed() const;
};
#else
constexpr bool Takes(FastPath) { return true; }
#endif

}  // namespace espalier
