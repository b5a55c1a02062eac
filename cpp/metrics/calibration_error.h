// SPDX-License-Identifier: Apache-2.0
#pragma once

// How far confidence is from what comes true.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "metrics/average.h"

namespace espalier {

/// Σ over bins of (entries of the bin / all entries) · |mean confidence - share that is true|, with
/// 15 bins of equal width, (i/15, (i+1)/15]; 0 lies in the first. Source: Guo, Pleiss, Sun and
/// Weinberger, "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599.
class CalibrationError {
 public:
  static constexpr int kBins = 15;

  void Add(double confidence, bool is_true) {
    const auto place = static_cast<int>(std::ceil(confidence * kBins)) - 1;
    Bin& bin = bins_[static_cast<std::size_t>(std::clamp(place, 0, kBins - 1))];
    bin.confidence += confidence;
    bin.truths += is_true ? 1 : 0;
    ++count_;
  }
  Metric ToMetric(const std::string& label) const {
    double sum = 0.0;
    for (const Bin& bin : bins_) sum += std::abs(bin.confidence - static_cast<double>(bin.truths));
    return MakeMetric("expected_calibration_error", label, sum / static_cast<double>(count_),
                      count_);
  }

 private:
  struct Bin {
    double confidence = 0.0;  // sums
    std::int64_t truths = 0;
  };
  std::array<Bin, kBins> bins_;
  std::int64_t count_ = 0;
};

}  // namespace espalier
