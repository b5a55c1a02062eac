// SPDX-License-Identifier: Apache-2.0
#pragma once

// Each optimizer is a struct of settings with its kind's name, and makes the rule that trainers
// run, whose source stands in cpp/kernels/optimizers.

#include <cstdint>
#include <memory>
#include <variant>

namespace espalier {

class UpdateRule;

/// v = momentum·v + g; w -= rate·v (Nesterov: w -= rate·(g + momentum·v)). PyTorch's form.
struct Sgd {
  static constexpr const char* kKind = "sgd";

  double learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;  ///< added to the gradient

  /// Calls visit(name, field) for each of them.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
    visit("momentum", momentum);
    visit("nesterov", nesterov);
    visit("weight_decay", weight_decay);
  }
  std::shared_ptr<const UpdateRule> Rule() const;
};

/// Kingma and Ba 2015, arXiv:1412.6980. Decay, if any, is added to the gradient.
struct Adam {
  static constexpr const char* kKind = "adam";

  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;

  /// Calls visit(name, field) for each of them.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
    visit("beta1", beta1);
    visit("beta2", beta2);
    visit("epsilon", epsilon);
    visit("weight_decay", weight_decay);
  }
  std::shared_ptr<const UpdateRule> Rule() const;
};

/// Loshchilov and Hutter 2019, arXiv:1711.05101: decay apart from the gradient,
/// w -= rate·weight_decay·w before the step (PyTorch's form).
struct AdamW {
  static constexpr const char* kKind = "adamw";

  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;

  /// Calls visit(name, field) for each of them.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
    visit("beta1", beta1);
    visit("beta2", beta2);
    visit("epsilon", epsilon);
    visit("weight_decay", weight_decay);
  }
  std::shared_ptr<const UpdateRule> Rule() const;
};

/// Tieleman and Hinton 2012; PyTorch's form and defaults.
struct RmsProp {
  static constexpr const char* kKind = "rmsprop";

  double learning_rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;

  /// Calls visit(name, field) for each of them.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
    visit("alpha", alpha);
    visit("epsilon", epsilon);
    visit("momentum", momentum);
    visit("weight_decay", weight_decay);
  }
  std::shared_ptr<const UpdateRule> Rule() const;
};

using OptimizerConfig = std::variant<Sgd, Adam, AdamW, RmsProp>;

/// Factor on the learning rate at step t (from 0) of `total_steps`.
enum class ScheduleKind {
  kConstant,     ///< 1
  kStep,         ///< decay^(floor(t / step_size))
  kExponential,  ///< decay^t
  kCosine,       ///< from 1 to final_factor by half a cosine over total_steps
  kOneCycle,  ///< Smith 2018: from 1/div by cosine to 1 at peak_fraction, then down to final_factor
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::kConstant;
  std::int64_t total_steps = 0;  ///< cosine, one-cycle: set by who knows the number of steps
  std::int64_t step_size = 1;    ///< step
  double decay = 0.1;            ///< step, exponential
  double final_factor = 0.0;     ///< cosine; one-cycle (4e-6 is PyTorch's 1/(25·1e4))
  double initial_factor = 0.04;  ///< one-cycle: 1/25
  double peak_fraction = 0.3;    ///< one-cycle
  /// Before any: factor × (t+1)/(warmup_steps+1) while t < warmup_steps; the schedule itself
  /// starts at t = warmup_steps.
  std::int64_t warmup_steps = 0;
};

/// Throws Error: INVALID_ARGUMENT if a setting is out of its range.
double ScheduleFactor(const Schedule& schedule, std::int64_t step);

}  // namespace espalier
