// SPDX-License-Identifier: Apache-2.0
#pragma once

// Run-time choice between the code of several instruction sets, with Highway's headers
// alone: its own dispatcher lives in a shared library that a self-contained jar could not
// carry. A kernel file is compiled once per target by hwy/foreach_target.h; where the
// last pass is done (HWY_ONCE), ESPALIER_KERNEL(Name) calls the active target's Name.

#include "core/cpu.h"

// One AVX-512 level is enough where nothing gains from the later ones (where something does:
// integer_dispatch.h). SSE2 is the x86-64
// baseline itself, so SSSE3 and SSE4 would only add code for CPUs older than 2013.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS                                                                  \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_NEON_WITHOUT_AES | \
   HWY_NEON_BF16 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

namespace espalier {

template <typename Function>
Function* ChooseKernel(Function* baseline, Function* avx2, Function* avx512) {
  switch (ActiveCpuTarget()) {
    case CpuTargetId::kAvx2:
      return avx2;
    case CpuTargetId::kAvx512:
    case CpuTargetId::kAvx512Vnni:
      return avx512;
    default:
      return baseline;
  }
}

}  // namespace espalier

#if defined(__x86_64__)
#define ESPALIER_KERNEL(Name) \
  ::espalier::ChooseKernel(HWY_CHOOSE_SSE2(Name), HWY_CHOOSE_AVX2(Name), HWY_CHOOSE_AVX3(Name))
#else
#define ESPALIER_KERNEL(Name) (&HWY_STATIC_DISPATCH(Name))
#endif
