// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an optimizer is to a trainer: tensors that it keeps beside each parameter, and a step. Each
// rule stands in a source of its own, with the ranges of its settings, its formula in vectors and
// what bounds it; its settings, which make the rule, in espalier/optimizer.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace espalier {

inline constexpr std::size_t kMostStateTensors = 4;

/// Runs of `count` floats, none overlapping; state in the order of the rule's names.
struct UpdateArrays {
  float* values = nullptr;
  const float* gradients = nullptr;
  std::array<float*, kMostStateTensors> state = {};
  std::int64_t count = 0;
};

/// Of parameters that share a step count, a rate and a decay.
struct UpdateStep {
  std::int64_t step = 1;        // of this unit, from 1, this update included
  double learning_rate = 0.0;   // schedule, layer and scale applied
  double weight_decay = 0.0;    // 0 where decay does not apply
  float gradient_scale = 1.0f;  // clipping by norm
  float clip_value = 0.0f;      // > 0: gradients to [-v, v] (before gradient_scale)
};

/// g = min(max(gradient, -limit), limit)·scale + decay·w
struct GradientTerms {
  float limit = 0.0f;  ///< infinity: no clipping
  float scale = 1.0f;
  float decay = 0.0f;
};

/// A step's terms, worked out once for all runs that share it: those of the gradient, and a
/// struct of the rule's own.
class UpdateTerms {
 public:
  template <typename Terms>
  UpdateTerms(const GradientTerms& gradient, const Terms& terms) : gradient_(gradient) {
    static_assert(std::is_trivially_copyable_v<Terms> && sizeof(Terms) <= sizeof(bytes_));
    std::memcpy(bytes_.data(), &terms, sizeof(Terms));
  }

  const GradientTerms& gradient() const { return gradient_; }

  template <typename Terms>
  Terms As() const {
    Terms terms;
    std::memcpy(&terms, bytes_.data(), sizeof(Terms));
    return terms;
  }

 private:
  GradientTerms gradient_;
  std::array<std::byte, 64> bytes_ = {};
};

/// What no parameter, and no element of a state tensor, exceeds, whatever its sign.
struct UpdateMost {
  double value = 0.0;
  std::array<double, kMostStateTensors> state = {};
};

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  /// Throws INVALID_ARGUMENT if a setting is out of its range; rate and decay are the caller's.
  virtual void Check() const = 0;

  /// Names of the tensors that are kept beside each parameter, of its shape and 0 at first; at
  /// most kMostStateTensors. PyTorch's names where it has the same.
  virtual std::vector<std::string_view> StateNames() const = 0;

  /// Those of them that hold means of squares, which are never negative.
  virtual std::span<const std::string_view> SquareNames() const { return {}; }

  bool KeepsSquares() const { return !SquareNames().empty(); }

  /// True if weight decay is added to the gradient, false if it is apart from it.
  virtual bool DecaysGradient() const { return true; }

  virtual UpdateTerms Prepare(const UpdateStep& step) const = 0;

  /// One pass over all arrays. Every element is computed alone: a run in pieces gives the bits of
  /// the whole.
  virtual void Run(const UpdateTerms& terms, const UpdateArrays& arrays) const = 0;

  /// Moves `most` as a step moves what it bounds, with every sign as it is worst: gradients of at
  /// most `gradient`, decay added where it is, a rate of at most `rate`, any step count. What may
  /// not stay finite becomes kMostFinite or more.
  virtual void Bound(double gradient, double rate, double weight_decay, UpdateMost& most) const = 0;

  /// Far below float's greatest, 3.4e38, so that no step within an update overflows.
  static constexpr double kMostFinite = 1e37;

 protected:
  // Throw INVALID_ARGUMENT, for NaN too.
  static void Require(bool holds, const char* name, const char* expected, double got);
  static void CheckFraction(const char* name, double value);  // [0, 1)
  static void CheckEpsilon(double value);

  static GradientTerms GradientOf(const UpdateStep& step, double decay);

  /// Of a root over sums of squares: the root of the least normal float, and then some. Squares of
  /// less than this vanish.
  static constexpr double kVanishing = 1e-18;
};

}  // namespace espalier
