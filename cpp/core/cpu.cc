// SPDX-License-Identifier: Apache-2.0
#include "core/cpu.h"

#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>

#include "core/text.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace espalier {
namespace {

#if defined(__x86_64__)

constexpr bool HasBit(unsigned word, int bit) { return ((word >> bit) & 1u) != 0; }

// Without XGETBV an operating system or hypervisor that does not save the wide registers
// would go unnoticed. Needs OSXSAVE.
unsigned EnabledRegisters() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

CpuTargetId DetectBest() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return CpuTargetId::kBaseline;
  const unsigned leaf1c = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return CpuTargetId::kBaseline;
  const unsigned leaf7b = b;
  const unsigned leaf7c = c;
  // All that the compiler may use in Highway's AVX2 target: PCLMUL, SSSE3, FMA, SSE4.1,
  // SSE4.2, POPCNT (which it takes SSE4.2 to imply), AES, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2.
  for (const int bit : {1, 9, 12, 19, 20, 23, 25, 27, 28, 29}) {
    if (!HasBit(leaf1c, bit)) return CpuTargetId::kBaseline;
  }
  for (const int bit : {3, 5, 8}) {
    if (!HasBit(leaf7b, bit)) return CpuTargetId::kBaseline;
  }
  const unsigned registers = EnabledRegisters();
  constexpr unsigned kSseAvx = 0x6;
  constexpr unsigned kMaskZmm = 0xe0;
  if ((registers & kSseAvx) != kSseAvx) return CpuTargetId::kBaseline;
  // AVX-512 F, DQ, CD, BW, VL.
  for (const int bit : {16, 17, 28, 30, 31}) {
    if (!HasBit(leaf7b, bit)) return CpuTargetId::kAvx2;
  }
  if ((registers & kMaskZmm) != kMaskZmm) return CpuTargetId::kAvx2;
  // All of Highway's AVX3_DL: VBMI, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ.
  for (const int bit : {1, 6, 8, 9, 10, 11, 12, 14}) {
    if (!HasBit(leaf7c, bit)) return CpuTargetId::kAvx512;
  }
  return CpuTargetId::kAvx512Vnni;
}

#elif defined(__aarch64__)

CpuTargetId DetectBest() { return CpuTargetId::kNeon; }

#else

CpuTargetId DetectBest() { return CpuTargetId::kBaseline; }

#endif

CpuTargetId BestTarget() {
  static const CpuTargetId best = DetectBest();
  return best;
}

std::optional<CpuTargetId> TargetByName(std::string_view name) {
  for (const CpuTargetId target : kCpuTargets) {
    if (name == CpuTargetName(target)) return target;
  }
  return std::nullopt;
}

std::string SupportedNames() {
  std::string names;
  for (const CpuTargetId target : kCpuTargets) {
    if (!CpuSupports(target)) continue;
    if (!names.empty()) names += ", ";
    names += CpuTargetName(target);
  }
  return names;
}

// Empty counts as not set.
const char* ForcedName() {
  const char* name = std::getenv("ESPALIER_CPU");
  return name != nullptr && *name != '\0' ? name : nullptr;
}

constexpr int kUndecided = -1;
std::atomic<int> active_target{kUndecided};
std::atomic<bool> forced_by_call{false};

CpuTargetId Decide() {
  CpuTargetId target = BestTarget();
  if (const char* name = ForcedName()) {
    const std::optional<CpuTargetId> wanted = TargetByName(name);
    if (!wanted || !CpuSupports(*wanted)) {
      Fail(ErrorCode::kInvalidArgument, "ESPALIER_CPU: expected one of ", SupportedNames(),
           " on this CPU, got ", name);
    }
    target = *wanted;
  }
  // A ForceCpuTarget of another thread wins.
  int expected = kUndecided;
  active_target.compare_exchange_strong(expected, static_cast<int>(target));
  return static_cast<CpuTargetId>(active_target.load());
}

}  // namespace

std::string_view CpuTargetName(CpuTargetId target) {
  switch (target) {
    case CpuTargetId::kBaseline:
      return "baseline";
    case CpuTargetId::kAvx2:
      return "avx2";
    case CpuTargetId::kAvx512:
      return "avx512";
    case CpuTargetId::kAvx512Vnni:
      return "avx512vnni";
    case CpuTargetId::kNeon:
      return "neon";
  }
  return "baseline";
}

bool CpuSupports(CpuTargetId target) {
  const CpuTargetId best = BestTarget();
  switch (target) {
    case CpuTargetId::kBaseline:
      return true;
    case CpuTargetId::kAvx2:
      return best != CpuTargetId::kBaseline && best != CpuTargetId::kNeon;
    case CpuTargetId::kAvx512:
      return best == CpuTargetId::kAvx512 || best == CpuTargetId::kAvx512Vnni;
    case CpuTargetId::kAvx512Vnni:
    case CpuTargetId::kNeon:
      return best == target;
  }
  return false;
}

CpuTargetId ActiveCpuTarget() {
  const int target = active_target.load(std::memory_order_relaxed);
  if (target != kUndecided) [[likely]]
    return static_cast<CpuTargetId>(target);
  return Decide();
}

bool IsCpuTargetForced() { return forced_by_call.load() || ForcedName() != nullptr; }

void ForceCpuTarget(CpuTargetId target) {
  if (!CpuSupports(target)) {
    Fail(ErrorCode::kInvalidArgument, "CPU target: expected one of ", SupportedNames(),
         " on this CPU, got ", CpuTargetName(target));
  }
  forced_by_call.store(true);
  active_target.store(static_cast<int>(target));
}

void StopForcingCpuTarget() {
  forced_by_call.store(false);
  active_target.store(kUndecided);
}

}  // namespace espalier
