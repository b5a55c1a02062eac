// SPDX-License-Identifier: Apache-2.0

// What one core of this machine can do at most: multiply-adds per instruction set, reading from
// each cache level and from memory. Results are counters "value", named
// workload/contender/metric/batch.

#include <benchmark/benchmark.h>

#include <string>

#include "core/cpu.h"
#include "machine_limits.h"

namespace espalier {
namespace {

void Register(const std::string& metric, double (*measure)(int), int argument) {
  benchmark::RegisterBenchmark(("machine/machine/" + metric + "/1").c_str(),
                               [measure, argument](benchmark::State& state) {
                                 double value = 0.0;
                                 for (auto _ : state) value = measure(argument);
                                 state.counters["value"] = value;
                               })
      ->Iterations(1);
}

double PeakOf(int target) {
  const CpuTargetId active = ActiveCpuTarget();
  ForceCpuTarget(static_cast<CpuTargetId>(target));
  const double peak = PeakGflops();
  ForceCpuTarget(active);
  return peak;
}

double ReadOf(int level) { return ReadGigabytesPerSecond(WorkingSetKib(level)); }

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const CpuTargetId active = ActiveCpuTarget();
  benchmark::AddCustomContext("cpu_target", std::string(CpuTargetName(active)));
  benchmark::AddCustomContext("cache_kib", std::to_string(CacheKib(1)) + " " +
                                               std::to_string(CacheKib(2)) + " " +
                                               std::to_string(CacheKib(3)));
  Register("fma_gflops", PeakOf, static_cast<int>(active));
  for (const CpuTargetId target :
       {CpuTargetId::kBaseline, CpuTargetId::kAvx2, CpuTargetId::kAvx512, CpuTargetId::kNeon}) {
    if (CpuSupports(target)) {
      Register("fma_gflops_" + std::string(CpuTargetName(target)), PeakOf,
               static_cast<int>(target));
    }
  }
  Register("l1_gbps", ReadOf, 1);
  Register("l2_gbps", ReadOf, 2);
  Register("l3_gbps", ReadOf, 3);
  Register("dram_gbps", ReadOf, 4);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Main(argc, argv); }
