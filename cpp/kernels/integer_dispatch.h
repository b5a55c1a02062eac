// SPDX-License-Identifier: Apache-2.0
#pragma once

// As dispatch.h, for kernels that sum products of bytes: they alone are also compiled for AVX-512
// with VNNI. To be included first.

#ifdef HWY_DISABLED_TARGETS
#error "kernels/integer_dispatch.h has to be included before kernels/dispatch.h"
#endif
#define HWY_WANT_AVX3_DL 1
#define HWY_DISABLED_TARGETS                                                                    \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_NEON_WITHOUT_AES | HWY_NEON_BF16 | \
   HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#include "core/cpu.h"
#include "kernels/dispatch.h"

namespace espalier {

template <typename Function>
Function* ChooseIntegerKernel(Function* other, Function* vnni) {
  return ActiveCpuTarget() == CpuTargetId::kAvx512Vnni ? vnni : other;
}

}  // namespace espalier

#if defined(__x86_64__)
#define ESPALIER_INTEGER_KERNEL(Name) \
  ::espalier::ChooseIntegerKernel(ESPALIER_KERNEL(Name), HWY_CHOOSE_AVX3_DL(Name))
#else
#define ESPALIER_INTEGER_KERNEL(Name) ESPALIER_KERNEL(Name)
#endif
