// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "training/training_plan.h"

namespace espalier {

/// 32 hexadecimal digits of what decides about the features that a frozen prefix computes: input
/// shape and normalization, its layers with settings and the bits of their parameters, and which
/// of their results are sources. Names count for nothing. Prefixes that differ in a single setting,
/// connection or parameter always differ here, others but for one chance in 2^128.
std::string FingerprintPrefix(const NetworkState& network, const TrainingPlan& plan);

/// The same of what a predictor's outputs of a layer are, frozen or not: never one of a prefix.
std::string FingerprintOutput(const NetworkState& network, int layer);

}  // namespace espalier
