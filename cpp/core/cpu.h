// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which instruction set the kernels use.

#include <array>
#include <string_view>

namespace espalier {

/// kAvx512Vnni is kAvx512 with other code for sums of products of bytes alone.
enum class CpuTargetId { kBaseline = 0, kAvx2 = 1, kAvx512 = 2, kNeon = 3, kAvx512Vnni = 4 };

/// All of them, on x86-64 from the least on.
inline constexpr std::array kCpuTargets = {CpuTargetId::kBaseline, CpuTargetId::kAvx2,
                                           CpuTargetId::kAvx512, CpuTargetId::kAvx512Vnni,
                                           CpuTargetId::kNeon};

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

/// Tests: from now on the target that it was before any ForceCpuTarget, not a forced one unless
/// ESPALIER_CPU forces it.
void StopForcingCpuTarget();

/// Makes denormals zero on this thread while in scope (they cost 100 × and carry no
/// information here) and puts the control register back as it was.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(Control()) {
    if ((saved_ & kFlush) != kFlush) SetControl(saved_ | kFlush);
  }
  // The sticky exception flags raised meanwhile are dropped: the caller's view is unchanged.
  ~FlushDenormals() { SetControl(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  using Bits = unsigned;
  static constexpr Bits kFlush = 0x8000 | 0x0040;  // results to zero, operands as zero
  static Bits Control() { return __builtin_ia32_stmxcsr(); }
  static void SetControl(Bits bits) { __builtin_ia32_ldmxcsr(bits); }
#elif defined(__aarch64__)
  using Bits = unsigned long;
  static constexpr Bits kFlush = 1ul << 24;
  static Bits Control() {
    Bits bits = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void SetControl(Bits bits) { __asm__ volatile("msr fpcr, %0" : : "r"(bits)); }
#else
  using Bits = unsigned;
  static constexpr Bits kFlush = 0;
  static Bits Control() { return 0; }
  static void SetControl(Bits) {}
#endif

  const Bits saved_;
};

}  // namespace espalier
