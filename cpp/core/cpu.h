// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which instruction set the kernels use.

#include <string_view>

namespace espalier {

enum class CpuTargetId { kBaseline = 0, kAvx2 = 1, kAvx512 = 2, kNeon = 3 };

std::string_view CpuTargetName(CpuTargetId target);

/// True if CPU and operating system (CPUID and XGETBV) run this target's code.
bool CpuSupports(CpuTargetId target);

/// The target in use: forced by ESPALIER_CPU or the best supported. Throws Error:
/// INVALID_ARGUMENT if the forced name is unknown or unsupported.
CpuTargetId ActiveCpuTarget();

/// True if ESPALIER_CPU or ForceCpuTarget chose the target.
bool IsCpuTargetForced();

/// Tests: use `target` from now on. Packed data and plans made before must not be used
/// afterwards. Throws INVALID_ARGUMENT if unsupported.
void ForceCpuTarget(CpuTargetId target);

/// Makes denormals zero on this thread while in scope (they cost 100 × and carry no
/// information here) and puts MXCSR back as it was.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

}  // namespace espalier
