// SPDX-License-Identifier: Apache-2.0
#include "optimizers/update.h"

#include <cmath>
#include <limits>

#include "core/cpu.h"
#include "core/text.h"

namespace espalier {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void Require(bool holds, const char* name, const char* expected, double got) {
  if (!holds) {
    Fail(ErrorCode::kInvalidArgument, "optimizer ", name, ": expected ", expected, ", got ", got);
  }
}

// NaN fails each of these.
void CheckNotNegative(const char* name, double value) {
  Require(value >= 0.0 && std::isfinite(value), name, "a finite number of at least 0", value);
}

void CheckFraction(const char* name, double value) {
  Require(value >= 0.0 && value < 1.0, name, "a number in [0, 1)", value);
}

void CheckEpsilon(double value) {
  // Less would vanish in float and divide 0 by 0.
  Require(value >= static_cast<double>(std::numeric_limits<float>::min()) && std::isfinite(value),
          "epsilon", "a positive number", value);
}

void CheckBetas(double beta1, double beta2) {
  CheckFraction("beta1", beta1);
  CheckFraction("beta2", beta2);
}

GradientTerms GradientOf(const UpdateSegment& segment, double decay) {
  return {.limit = segment.clip_value > 0.0f ? segment.clip_value
                                             : std::numeric_limits<float>::infinity(),
          .scale = segment.gradient_scale,
          .decay = static_cast<float>(decay)};
}

// Adam and AdamW differ in where the decay goes.
template <typename Config>
AdamTerms AdamTermsOf(const Config& config, const UpdateSegment& segment) {
  const auto step = static_cast<double>(segment.step);
  return {.rate = static_cast<float>(segment.learning_rate / (1.0 - std::pow(config.beta1, step))),
          .beta1 = static_cast<float>(config.beta1),
          .rest1 = static_cast<float>(1.0 - config.beta1),
          .beta2 = static_cast<float>(config.beta2),
          .rest2 = static_cast<float>(1.0 - config.beta2),
          .inverse_root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(config.beta2, step))),
          .epsilon = static_cast<float>(config.epsilon)};
}

}  // namespace

int MomentCount(const OptimizerConfig& config) {
  return std::visit(Overloaded{
                        [](const Sgd& sgd) { return sgd.momentum != 0.0 ? 1 : 0; },
                        [](const Adam&) { return 2; },
                        [](const AdamW&) { return 2; },
                        [](const RmsProp& rms_prop) { return rms_prop.momentum != 0.0 ? 2 : 1; },
                    },
                    config);
}

double LearningRate(const OptimizerConfig& config) {
  return std::visit([](const auto& optimizer) { return optimizer.learning_rate; }, config);
}

double WeightDecay(const OptimizerConfig& config) {
  return std::visit([](const auto& optimizer) { return optimizer.weight_decay; }, config);
}

bool KeepsSquares(const OptimizerConfig& config) { return !std::holds_alternative<Sgd>(config); }

void CheckOptimizer(const OptimizerConfig& config) {
  CheckNotNegative("learning_rate", LearningRate(config));
  CheckNotNegative("weight_decay", WeightDecay(config));
  std::visit(Overloaded{
                 [](const Sgd& sgd) {
                   CheckFraction("momentum", sgd.momentum);
                   Require(!sgd.nesterov || sgd.momentum > 0.0, "momentum",
                           "more than 0 with nesterov", sgd.momentum);
                 },
                 [](const Adam& adam) {
                   CheckBetas(adam.beta1, adam.beta2);
                   CheckEpsilon(adam.epsilon);
                 },
                 [](const AdamW& adam) {
                   CheckBetas(adam.beta1, adam.beta2);
                   CheckEpsilon(adam.epsilon);
                 },
                 [](const RmsProp& rms_prop) {
                   CheckFraction("alpha", rms_prop.alpha);
                   CheckFraction("momentum", rms_prop.momentum);
                   CheckEpsilon(rms_prop.epsilon);
                 },
             },
             config);
}

PreparedUpdate::PreparedUpdate(const OptimizerConfig& config, const UpdateSegment& segment)
    : gradient_(GradientOf(segment, segment.weight_decay)) {
  const auto rate = static_cast<float>(segment.learning_rate);
  std::visit(Overloaded{
                 [&](const Sgd& sgd) {
                   terms_ = SgdTerms{.rate = rate,
                                     .momentum = static_cast<float>(sgd.momentum),
                                     .nesterov = sgd.nesterov};
                 },
                 [&](const Adam& adam) { terms_ = AdamTermsOf(adam, segment); },
                 [&](const AdamW& adam) {
                   AdamTerms terms = AdamTermsOf(adam, segment);
                   terms.shrink = static_cast<float>(segment.learning_rate * segment.weight_decay);
                   terms_ = terms;
                   gradient_ = GradientOf(segment, 0.0);
                 },
                 [&](const RmsProp& rms_prop) {
                   terms_ = RmsPropTerms{.rate = rate,
                                         .alpha = static_cast<float>(rms_prop.alpha),
                                         .rest = static_cast<float>(1.0 - rms_prop.alpha),
                                         .epsilon = static_cast<float>(rms_prop.epsilon),
                                         .momentum = static_cast<float>(rms_prop.momentum)};
                 },
             },
             config);
}

void PreparedUpdate::Run(const UpdateArrays& arrays) const {
  const FlushDenormals flush;
  std::visit(Overloaded{
                 [&](const SgdTerms& terms) { SgdUpdate(arrays, gradient_, terms); },
                 [&](const AdamTerms& terms) { AdamUpdate(arrays, gradient_, terms); },
                 [&](const RmsPropTerms& terms) { RmsPropUpdate(arrays, gradient_, terms); },
             },
             terms_);
}

void UpdateParameters(const OptimizerConfig& config, const UpdateSegment& segment) {
  PreparedUpdate(config, segment)
      .Run({.values = segment.values,
            .gradients = segment.gradients,
            .moment1 = segment.moment1,
            .moment2 = segment.moment2,
            .count = segment.count});
}

}  // namespace espalier
