// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "inference/row_operation.h"

namespace espalier {

/// Operations on images, each of which reads what the one before it writes, as one: a strip of
/// rows of the last one's output at a time, so that what lies between stays in cache. Rows that
/// two strips read are kept from one to the next; where workers share an image, each of them
/// computes those at its borders itself. A second input is added by the last operation.
class StripOperation final : public Operation {
 public:
  static constexpr std::size_t kMostStages = 8;

  /// What lies between stages then takes half of an L2 of 1 MiB; weights and what is read and
  /// written need room as well.
  static constexpr std::int64_t kStripFloats = 1 << 17;

  /// Two stages or more. What lies between them takes `strip_floats` at most, or what it takes
  /// to compute one row.
  explicit StripOperation(std::vector<std::unique_ptr<const RowOperation>> stages,
                          std::int64_t strip_floats = kStripFloats);

  /// Says in Kernel() how each stage keeps its weights, or how all do.
  void NoteStages();
  void NoteFloatWeights() { kernel_ = "weights in float: each used at many positions"; }

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override;
  std::int64_t ScratchFloats(std::int64_t batch) const override;
  std::int64_t NativeBytes() const override;
  std::string Kernel() const override { return kernel_; }

 private:
  struct Rows {
    std::int64_t begin = 0, end = 0;
  };
  // What lies between a stage and the next one: a few rows of an image.
  struct Strip {
    std::int64_t most_rows = 0;
    std::int64_t offset = 0;  // in scratch
  };

  const RowOperation& stage(std::size_t i) const { return *stages_[i]; }
  /// Sets strips_ for as many rows of the output, and returns the floats that they take.
  std::int64_t PlaceStrips(std::int64_t output_rows);
  /// Rows `band` of an image's output.
  void RunBand(const float* input, const float* residual, float* output, Rows band,
               float* scratch) const;

  std::vector<std::unique_ptr<const RowOperation>> stages_;
  std::vector<Strip> strips_;  // one less than stages
  std::int64_t strip_rows_ = 1;
  std::int64_t strip_floats_ = 0;
  std::string kernel_;
};

}  // namespace espalier
