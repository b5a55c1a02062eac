// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/elementwise/activation.h"

namespace espalier::testing {

inline constexpr Activation kAllActivations[] = {
    Activation::kNone,      Activation::kRelu,        Activation::kRelu6,   Activation::kLeakyRelu,
    Activation::kGelu,      Activation::kSilu,        Activation::kSigmoid, Activation::kTanh,
    Activation::kHardSwish, Activation::kHardSigmoid, Activation::kElu,     Activation::kSelu,
    Activation::kSoftplus,  Activation::kMish};

}  // namespace espalier::testing
