// SPDX-License-Identifier: Apache-2.0
#include "core/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

#include "espalier/error.h"
#include "testing/cpu_targets.h"

namespace espalier {
namespace {

volatile float smallest_normal = std::numeric_limits<float>::min();
volatile float half = 0.5f;

bool DenormalsAreKept() { return smallest_normal * half != 0.0f; }

TEST(Cpu, BaselineIsAlwaysThereAndEachTargetImpliesTheLesserOnes) {
  EXPECT_TRUE(CpuSupports(CpuTargetId::kBaseline));
  if (CpuSupports(CpuTargetId::kAvx512Vnni)) {
    EXPECT_TRUE(CpuSupports(CpuTargetId::kAvx512));
  }
  if (CpuSupports(CpuTargetId::kAvx512)) {
    EXPECT_TRUE(CpuSupports(CpuTargetId::kAvx2));
  }
}

TEST(Cpu, AgreesWithTheSystemsFlags) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  std::string flags;
  while (flags.empty() && std::getline(file, line)) {
    if (line.starts_with("flags")) flags = line + " ";
  }
  if (flags.empty()) GTEST_SKIP() << "no flags in /proc/cpuinfo";
  const auto has = [&flags](const char* flag) {
    return flags.find(" " + std::string(flag) + " ") != std::string::npos;
  };
  const bool avx2 = has("avx2") && has("fma") && has("bmi1") && has("bmi2") && has("f16c") &&
                    has("aes") && has("pclmulqdq") && has("popcnt");
  const bool avx512 = avx2 && has("avx512f") && has("avx512cd") && has("avx512vl") &&
                      has("avx512dq") && has("avx512bw");
  const bool vnni = avx512 && has("avx512_vnni") && has("avx512vbmi") && has("avx512_vbmi2") &&
                    has("gfni") && has("vaes") && has("vpclmulqdq") && has("avx512_bitalg") &&
                    has("avx512_vpopcntdq");
  EXPECT_EQ(CpuSupports(CpuTargetId::kAvx2), avx2);
  EXPECT_EQ(CpuSupports(CpuTargetId::kAvx512), avx512);
  EXPECT_EQ(CpuSupports(CpuTargetId::kAvx512Vnni), vnni);
}

TEST(Cpu, ForcesEverySupportedTarget) {
  int runs = 0;
  testing::ForEachCpuTarget([&runs] {
    EXPECT_TRUE(IsCpuTargetForced());
    ++runs;
  });
  EXPECT_GE(runs, 1);
}

TEST(Cpu, NothingIsForcedAnyLongerAfterTheLastForcedTarget) {
  StopForcingCpuTarget();
  const CpuTargetId target = ActiveCpuTarget();
  const bool is_forced = IsCpuTargetForced();  // by ESPALIER_CPU
  ForceCpuTarget(CpuTargetId::kBaseline);
  EXPECT_TRUE(IsCpuTargetForced());
  EXPECT_EQ(ActiveCpuTarget(), CpuTargetId::kBaseline);
  StopForcingCpuTarget();
  EXPECT_EQ(IsCpuTargetForced(), is_forced);
  EXPECT_EQ(ActiveCpuTarget(), target);
}

TEST(Cpu, UnsupportedTargetIsAnError) {
  bool refused = false;
  for (const CpuTargetId target : kCpuTargets) {
    if (CpuSupports(target)) continue;
    refused = true;
    const CpuTargetId before = ActiveCpuTarget();
    EXPECT_THROW(ForceCpuTarget(target), Error);
    EXPECT_EQ(ActiveCpuTarget(), before);
  }
  EXPECT_TRUE(refused);  // no CPU has both AVX and NEON
}

// In a process of its own, where nothing is decided yet.
int NameIsAccepted(const char* name) {
  setenv("ESPALIER_CPU", name, 1);
  try {
    return CpuTargetName(ActiveCpuTarget()) == name || *name == '\0' ? 0 : 2;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kInvalidArgument ? 1 : 3;
  }
}

TEST(CpuDeathTest, EnvironmentForcesOrFails) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(NameIsAccepted("baseline")), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(NameIsAccepted("")), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(NameIsAccepted("AVX2")), ::testing::ExitedWithCode(1), "");
  EXPECT_EXIT(std::_Exit(NameIsAccepted("sse9")), ::testing::ExitedWithCode(1), "");
  for (const CpuTargetId target : kCpuTargets) {
    const std::string name(CpuTargetName(target));
    EXPECT_EXIT(std::_Exit(NameIsAccepted(name.c_str())),
                ::testing::ExitedWithCode(CpuSupports(target) ? 0 : 1), "");
  }
}

TEST(Cpu, FlushesDenormalsInItsScopeOnly) {
  ASSERT_TRUE(DenormalsAreKept());
  {
    const FlushDenormals outer;
    EXPECT_FALSE(DenormalsAreKept());
    {
      const FlushDenormals inner;
    }
    EXPECT_FALSE(DenormalsAreKept());
  }
  EXPECT_TRUE(DenormalsAreKept());
}

}  // namespace
}  // namespace espalier
