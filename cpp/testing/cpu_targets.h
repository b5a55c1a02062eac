// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs a test on every instruction set that the CPU has.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/cpu.h"

namespace espalier::testing {

inline std::vector<CpuTargetId> SupportedCpuTargets() {
  std::vector<CpuTargetId> targets;
  for (const CpuTargetId target : kCpuTargets) {
    if (CpuSupports(target)) targets.push_back(target);
  }
  return targets;
}

/// Forces a target for a scope and puts the one before back.
class ScopedCpuTarget {
 public:
  explicit ScopedCpuTarget(CpuTargetId target) : before_(ActiveCpuTarget()) {
    ForceCpuTarget(target);
  }
  ~ScopedCpuTarget() { ForceCpuTarget(before_); }
  ScopedCpuTarget(const ScopedCpuTarget&) = delete;
  ScopedCpuTarget& operator=(const ScopedCpuTarget&) = delete;

 private:
  CpuTargetId before_;
};

/// Calls test() once on each supported target, asserting that it is the active one:
///
///   ForEachCpuTarget([] { EXPECT_… });
template <typename Test>
void ForEachCpuTarget(Test test) {
  for (const CpuTargetId target : SupportedCpuTargets()) {
    const ScopedCpuTarget scope(target);
    SCOPED_TRACE(std::string("CPU target ") + std::string(CpuTargetName(target)));
    ASSERT_EQ(ActiveCpuTarget(), target);
    test();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace espalier::testing
