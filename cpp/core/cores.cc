// SPDX-License-Identifier: Apache-2.0
#include "core/cores.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "core/resources.h"
#include "core/text.h"

namespace espalier {
namespace {

// The first CPU of a CPU's core; the CPU itself where the system doesn't say.
int FirstSibling(int cpu) {
  std::ifstream file(Concat("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
  int first = cpu;
  return file >> first && first >= 0 ? first : cpu;
}

std::vector<int> CoresOfCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Of the first thread, for the asking one may be bound to a CPU of its own. Fails on machines
  // with more CPUs than cpu_set_t has bits.
  if (sched_getaffinity(getpid(), sizeof(set), &set) != 0) return {};
  std::vector<int> first_sibling;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    first_sibling.push_back(CPU_ISSET(cpu, &set) ? FirstSibling(cpu) : -1);
  }
  return NumberCores(first_sibling);
}

const std::vector<int>& CoresOfCpusOnce() {
  static const std::vector<int> cores = CoresOfCpus();
  return cores;
}

std::int64_t CacheBytes(int name, std::int64_t usual) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : usual;
}

}  // namespace

std::vector<int> NumberCores(std::span<const int> first_sibling) {
  std::vector<int> firsts;
  std::vector<int> cores;
  for (const int first : first_sibling) {
    int core = -1;
    if (first >= 0) {
      const auto place = std::find(firsts.begin(), firsts.end(), first);
      core = static_cast<int>(place - firsts.begin());
      if (place == firsts.end()) firsts.push_back(first);
    }
    cores.push_back(core);
  }
  return cores;
}

int AvailableCores() {
  const std::vector<int>& cores = CoresOfCpusOnce();
  const int cpus = AvailableCpus();
  if (cores.empty()) return cpus;
  return std::clamp(*std::max_element(cores.begin(), cores.end()) + 1, 1, cpus);
}

int CurrentCore() {
  const int cpu = std::max(0, sched_getcpu());
  const std::vector<int>& cores = CoresOfCpusOnce();
  const bool is_known = cpu < static_cast<int>(cores.size());
  const int core = is_known ? cores[static_cast<std::size_t>(cpu)] : -1;
  return core >= 0 ? core : cpu;
}

std::int64_t L1DataCacheBytes() { return CacheBytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10); }
std::int64_t L2CacheBytes() { return CacheBytes(_SC_LEVEL2_CACHE_SIZE, 1 << 20); }

}  // namespace espalier
