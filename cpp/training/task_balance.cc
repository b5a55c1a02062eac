// SPDX-License-Identifier: Apache-2.0
#include "training/task_balance.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"
#include "losses/loss.h"

namespace espalier {
namespace {

constexpr double kLeastLoss = 1e-8;
constexpr double kMostLogVariance = 10.0;
constexpr double kMost = 1e300;

// Its square is still a float.
constexpr double kMostGradient = 1e15;

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

void Check(const char* name, bool is_right, const char* expected, double got) {
  if (!is_right) {
    Fail(ErrorCode::kInvalidArgument, "balance: ", name, ": expected a number ", expected, ", got ",
         got);
  }
}

void CheckRate(double rate) {
  Check("learning_rate", rate > 0.0 && rate <= 1.0, "in (0, 1]", rate);
}

}  // namespace

void CheckBalance(const BalanceConfig& config) {
  if (const auto* uncertainty = std::get_if<UncertaintyWeights>(&config)) {
    CheckRate(uncertainty->learning_rate);
  } else if (const auto* inverse = std::get_if<InverseLossWeights>(&config)) {
    const double temperature = inverse->temperature;
    Check("temperature", temperature > 0.0 && std::isfinite(temperature), "above 0", temperature);
  } else if (const auto* famo = std::get_if<FamoWeights>(&config)) {
    CheckRate(famo->learning_rate);
    Check("decay", famo->decay >= 0.0 && famo->decay <= 1.0, "in [0, 1]", famo->decay);
  }
}

TaskBalance::TaskBalance(const NetworkState& network, const BalanceConfig& config)
    : network_(network),
      config_(config),
      parts_(network.heads.size()),
      softmax_(network.heads.size()),
      fall_(network.heads.size()) {
  if (!std::holds_alternative<UncertaintyWeights>(config) &&
      !std::holds_alternative<FamoWeights>(config)) {
    return;
  }
  for (auto* const floats : {&values_, &means_, &squares_}) floats->resize(parts_.size());
  updates_.resize(parts_.size());
}

TaskBalance::Part TaskBalance::PartOf(std::size_t head, std::int64_t batch,
                                      std::span<const std::uint8_t> columns,
                                      const TaskLoss& task) const {
  const TaskSpec& spec = network_.heads[head].task;
  if (task.labelled == 0 || !(spec.weight > 0.0)) return {};
  Part part;
  if (spec.normalization == LossNormalization::kPerLabel && spec.kind != TaskKind::kClasses) {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < head; ++i) first += network_.heads[i].width();
    const auto own = columns.subspan(Index(first), Index(network_.heads[head].width()));
    part.weight = spec.weight * static_cast<double>(std::ranges::count(own, std::uint8_t{1}));
  } else {
    part.weight = LossScale(spec, batch, task.labelled) * static_cast<double>(task.labelled);
  }
  part.loss = std::max(task.loss / part.weight, kLeastLoss);
  return part;
}

// softmax_ of score(head) over the tasks that take part, times their number.
template <typename Score>
void TaskBalance::SetSoftmax(const Score& score) {
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].weight > 0.0) most = std::max(most, score(i));
  }
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!(parts_[i].weight > 0.0)) continue;
    softmax_[i] = std::exp(score(i) - most);
    sum += softmax_[i];
    ++count;
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].weight > 0.0) softmax_[i] *= count / sum;
  }
}

void TaskBalance::Weigh(std::int64_t batch, std::span<const std::uint8_t> columns,
                        std::span<TaskLoss> tasks) {
  for (TaskLoss& task : tasks) task.factor = 1.0;
  if (IsPlain() || Projects()) return;
  for (std::size_t i = 0; i < tasks.size(); ++i) parts_[i] = PartOf(i, batch, columns, tasks[i]);
  const auto set_softmax_factors = [&](const auto& score) {
    SetSoftmax(score);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (parts_[i].weight > 0.0) tasks[i].factor = softmax_[i];
    }
  };
  if (const auto* inverse = std::get_if<InverseLossWeights>(&config_)) {
    set_softmax_factors([&](std::size_t i) {
      return std::min(1.0 / (parts_[i].loss * inverse->temperature), kMost);
    });
  } else if (LooksAgain()) {
    // z_k / l_k up to what all have in common.
    set_softmax_factors(
        [&](std::size_t i) { return static_cast<double>(values_[i]) - std::log(parts_[i].loss); });
  } else {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (parts_[i].weight > 0.0) tasks[i].factor = std::exp(-static_cast<double>(values_[i]));
    }
  }
}

void TaskBalance::Follow() {
  const auto* uncertainty = std::get_if<UncertaintyWeights>(&config_);
  if (uncertainty == nullptr) return;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (!(part.weight > 0.0)) continue;
    const double precision = std::exp(-static_cast<double>(values_[i]));
    Learn(i, part.weight * (0.5 - part.loss * precision), uncertainty->learning_rate);
    values_[i] = std::clamp(values_[i], static_cast<float>(-kMostLogVariance),
                            static_cast<float>(kMostLogVariance));
  }
}

void TaskBalance::FollowAgain(std::int64_t batch, std::span<const std::uint8_t> columns,
                              std::span<const TaskLoss> tasks) {
  const auto& famo = std::get<FamoWeights>(config_);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!(parts_[i].weight > 0.0)) continue;
    if (std::isfinite(tasks[i].loss)) {
      fall_[i] = std::log(parts_[i].loss) - std::log(PartOf(i, batch, columns, tasks[i]).loss);
    } else {
      parts_[i] = {};
    }
  }
  SetSoftmax([&](std::size_t i) { return static_cast<double>(values_[i]); });
  double count = 0.0;
  double mean = 0.0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!(parts_[i].weight > 0.0)) continue;
    ++count;
    mean += softmax_[i] * fall_[i];
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!(parts_[i].weight > 0.0)) continue;
    const double gradient = softmax_[i] / count * (fall_[i] - mean / count);
    Learn(i, gradient + famo.decay * values_[i], famo.learning_rate);
  }
}

void TaskBalance::Learn(std::size_t head, double gradient, double learning_rate) {
  gradient = std::clamp(gradient, -kMostGradient, kMostGradient);
  const double mean = kBeta1 * means_[head] + (1.0 - kBeta1) * gradient;
  const double square = kBeta2 * squares_[head] + (1.0 - kBeta2) * gradient * gradient;
  const auto count = static_cast<double>(++updates_[head]);
  const double step = learning_rate * (mean / (1.0 - std::pow(kBeta1, count))) /
                      (std::sqrt(square / (1.0 - std::pow(kBeta2, count))) + kEpsilon);
  means_[head] = static_cast<float>(mean);
  squares_[head] = static_cast<float>(square);
  values_[head] = static_cast<float>(values_[head] - step);
}

void TaskBalance::ContinueFrom(const TaskBalance& earlier) {
  values_ = earlier.values_;
  means_ = earlier.means_;
  squares_ = earlier.squares_;
  updates_ = earlier.updates_;
}

void TaskBalance::AddStateTo(std::vector<StateTensor>& tensors) {
  if (!Learns()) return;
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(values_.size())};
  tensors.push_back({.name = "balance", .shape = shape, .floats = values_});
  tensors.push_back({.name = "balance.exp_avg", .shape = shape, .floats = means_});
  tensors.push_back({.name = "balance.exp_avg_sq",
                     .shape = shape,
                     .floats = squares_,
                     .is_never_negative = true});
  tensors.push_back({.name = "balance.updates", .shape = shape, .counts = updates_});
}

}  // namespace espalier
