// SPDX-License-Identifier: Apache-2.0
#pragma once

// Checks a layer against a float64 reference: the reference's gradient by central
// differences, then the shipped float32 passes against the reference, on every
// instruction set and for several numbers of workers, and what it says of positions. References
// know nothing of how values lie inside plans: they are moved at the border.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/text.h"
#include "core/thread_pool.h"
#include "layers/layer.h"
#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/layer_run.h"
#include "testing/position_check.h"
#include "testing/tolerance.h"

namespace espalier::testing {

struct LayerGradients {
  std::vector<Doubles> inputs;
  std::vector<Doubles> parameters;  // empty for buffers
};

/// A layer in plain loops over doubles.
class LayerReference {
 public:
  virtual ~LayerReference() = default;

  virtual Doubles Forward(const LayerValues& values) const = 0;
  virtual LayerGradients Backward(const LayerValues& values, const Doubles& grad) const = 0;

  /// Error allowed in each float32 output; empty: kForwardRelative and kForwardAbsolute.
  virtual Doubles Tolerance(const LayerValues& /*values*/) const { return {}; }

  /// True if a small step of that element may cross a kink.
  virtual bool IsKink(const LayerValues& /*values*/, std::size_t /*input*/,
                      std::size_t /*element*/) const {
    return false;
  }
};

struct LayerReport {
  std::size_t checked = 0;            // central differences
  std::size_t skipped = 0;            // of them at kinks
  std::vector<std::string> problems;  // empty: all is well

  std::string Summary() const {
    return Concat(checked, " derivatives checked, ", skipped, " skipped at kinks\n",
                  Join(problems, "\n"));
  }
};

/// The gradient of sum(grad · output), on a sample of at most `kMost` elements of `point`,
/// a part of `values`.
inline void CheckReferenceGradient(const LayerReference& reference, LayerValues& values,
                                   const Doubles& grad, Doubles& point, const Doubles& gradient,
                                   const std::string& name,
                                   const std::function<bool(std::size_t)>& is_kink,
                                   LayerReport& report) {
  constexpr std::size_t kMost = 40;
  const std::size_t stride = (point.size() + kMost - 1) / kMost;
  std::size_t skipped = 0;
  const auto skips = [&](std::size_t i) {
    if (i % stride != 0) return true;
    if (!is_kink(i)) return false;
    ++skipped;
    return true;
  };
  // Less the value at the point, or its rounding would drown the differences.
  const Doubles here = reference.Forward(values);
  const auto loss = [&] {
    const Doubles output = reference.Forward(values);
    double sum = 0.0;
    for (std::size_t i = 0; i < output.size(); ++i) sum += grad[i] * (output[i] - here[i]);
    return sum;
  };
  const GradientCheck check = CheckGradient(point, gradient, loss, 1e-6, skips);
  report.checked += check.checked;
  report.skipped += skipped;
  if (check.failed != 0) {
    report.problems.push_back(Concat(name, ": ", check.failed,
                                     " elements of the reference's gradient are wrong, worst ",
                                     check.worst, " by ", check.worst_excess));
  }
}

inline void CompareRun(const LayerRun& run, const Doubles& output, const Doubles& tolerance,
                       const LayerGradients& gradients, const std::string& where,
                       LayerReport& report) {
  const auto complain = [&](const auto&... parts) {
    report.problems.push_back(Concat(where, ": ", parts...));
  };
  if (!run.is_intact) complain("writes outside its buffers");
  for (std::size_t i = 0; i < output.size(); ++i) {
    const double got = static_cast<double>(run.output[i]);
    const bool is_close =
        tolerance.empty() ? IsClose(got, output[i]) : std::abs(got - output[i]) <= tolerance[i];
    if (is_close) continue;
    complain("output ", i, ": expected ", output[i], ", got ", got);
    break;
  }
  const auto compare = [&](const char* what, const std::vector<Floats>& got,
                           const std::vector<Doubles>& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i].empty()) continue;
      const double norm = RelativeNorm(got[i], expected[i]);
      if (!(norm <= kGradientRelativeNorm)) {
        complain("gradient of ", what, " ", i, ": relative error ", norm);
      }
    }
  };
  compare("input", run.grad_inputs, gradients.inputs);
  compare("parameter", run.grad_parameters, gradients.parameters);
}

/// Sets the shared pool's threads for a scope.
class ScopedThreadCount {
 public:
  explicit ScopedThreadCount(int threads) : before_(ThreadPool::Shared().thread_count()) {
    ThreadPool::Shared().SetThreadCount(threads);
  }
  ~ScopedThreadCount() { ThreadPool::Shared().SetThreadCount(before_); }
  ScopedThreadCount(const ScopedThreadCount&) = delete;
  ScopedThreadCount& operator=(const ScopedThreadCount&) = delete;

 private:
  int before_;
};

/// The whole check of one layer with these values.
inline LayerReport CheckLayer(const Layer& layer, const LayerReference& reference,
                              LayerValues values) {
  const ScopedThreadCount threads(8);
  LayerReport report;
  Doubles grad(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
  Random random({.seed = 77, .purpose = RandomPurpose::kTest});
  for (double& value : grad) value = static_cast<float>(random.NextNormal());
  const LayerGradients gradients =
      layer.HasBackward() ? reference.Backward(values, grad) : LayerGradients();
  for (std::size_t i = 0; i < values.inputs.size(); ++i) {
    if (!HasGradient(layer, i)) continue;
    CheckReferenceGradient(
        reference, values, grad, values.inputs[i], gradients.inputs[i], Concat("input ", i),
        [&](std::size_t element) { return reference.IsKink(values, i, element); }, report);
  }
  for (std::size_t i = 0; i < gradients.parameters.size(); ++i) {
    if (gradients.parameters[i].empty()) continue;
    CheckReferenceGradient(
        reference, values, grad, values.parameters[i], gradients.parameters[i],
        Concat("parameter ", i), [](std::size_t) { return false; }, report);
  }
  const Doubles output = reference.Forward(values);
  const Doubles tolerance = reference.Tolerance(values);
  for (const CpuTargetId target : SupportedCpuTargets()) {
    const ScopedCpuTarget scope(target);
    const std::string name(CpuTargetName(ActiveCpuTarget()));
    if (ActiveCpuTarget() != target) report.problems.push_back(name + " is not the target forced");
    const LayerRun run = RunLayer(layer, values, grad, 1);
    CompareRun(run, output, tolerance, gradients, name, report);
    for (const int workers : {2, 3, 5, 8}) {
      if (!SameBits(run, RunLayer(layer, values, grad, workers))) {
        report.problems.push_back(Concat(name, ": other bits with ", workers, " workers"));
      }
    }
    for (std::size_t i = 0; i < values.inputs.size() + values.parameters.size(); ++i) {
      if (i < values.inputs.size() ? !HasGradient(layer, i) : !layer.HasBackward()) continue;
      const LayerRun one = RunLayer(layer, values, grad, 2, static_cast<int>(i));
      const bool is_input = i < values.inputs.size();
      const std::size_t at = is_input ? i : i - values.inputs.size();
      const Floats& alone = is_input ? one.grad_inputs[at] : one.grad_parameters[at];
      const Floats& among = is_input ? run.grad_inputs[at] : run.grad_parameters[at];
      if (!(RelativeNorm(alone, among) <= 1e-6) || !one.is_intact) {
        report.problems.push_back(Concat(name, ": differs if gradient ", i, " is wanted alone"));
      }
    }
  }
  if (const std::string problem = CheckPositions(layer, values); !problem.empty()) {
    report.problems.push_back(problem);
  }
  return report;
}

/// Empty if several workers give the bits of one and, at least once in `patience`, more than
/// one of them really ran a task; else what is wrong.
inline std::string CheckSharedWork(const Layer& layer, const LayerValues& values,
                                   std::chrono::seconds patience = std::chrono::minutes(5)) {
  const ScopedThreadCount threads(8);
  Doubles grad(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
  Random random({.seed = 78, .purpose = RandomPurpose::kTest});
  for (double& value : grad) value = static_cast<float>(random.NextUniform());
  const LayerRun run = RunLayer(layer, values, grad, 1);
  for (const int workers : {2, 3, 5, 8}) {
    ThreadPool::Shared().ResetWidestRun();
    // A worker may wake too late on a busy machine, hence many tries.
    const auto end = std::chrono::steady_clock::now() + patience;
    do {
      if (!SameBits(run, RunLayer(layer, values, grad, workers))) {
        return Concat("other bits with ", workers, " workers");
      }
    } while (ThreadPool::Shared().widest_run() < 2 && std::chrono::steady_clock::now() < end);
    if (ThreadPool::Shared().widest_run() < 2) {
      return Concat("of ", workers, " workers only one ever ran");
    }
  }
  return "";
}

}  // namespace espalier::testing
