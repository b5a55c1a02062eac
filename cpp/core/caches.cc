// SPDX-License-Identifier: Apache-2.0
#include "core/caches.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/resources.h"
#include "core/text.h"

namespace espalier {
namespace {

struct L2Caches {
  std::vector<int> of_cpu;  // -1: not this process's
  int count = 0;
};

// The number that a line begins with, such as "0-1" or "0,32"; none: -1.
int FirstNumber(const std::string& line) {
  int number = -1;
  std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

int FirstSharerOfL2(int cpu) {
  const std::string cache = Concat("/sys/devices/system/cpu/cpu", cpu, "/cache/index2");
  const int first = FirstNumber(ReadLine(cache + "/shared_cpu_list"));
  return FirstNumber(ReadLine(cache + "/level")) == 2 && first >= 0 ? first : cpu;
}

L2Caches ReadL2Caches() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Of the first thread, for the asking one may be bound to a CPU of its own. Fails on machines
  // with more CPUs than cpu_set_t has bits.
  if (sched_getaffinity(getpid(), sizeof(set), &set) != 0) {
    return {.of_cpu = {}, .count = AvailableCpus()};
  }
  std::vector<int> first_sharer;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    first_sharer.push_back(CPU_ISSET(cpu, &set) ? FirstSharerOfL2(cpu) : -1);
  }
  std::vector<int> caches = NumberCaches(first_sharer);
  const int count = *std::max_element(caches.begin(), caches.end()) + 1;
  return {.of_cpu = std::move(caches), .count = std::max(1, count)};
}

// Never destroyed: threads of the host process may still predict while it exits.
const L2Caches& TheL2Caches() {
  static const L2Caches* const caches = new L2Caches(ReadL2Caches());
  return *caches;
}

std::int64_t CacheBytes(int name, std::int64_t usual) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : usual;
}

}  // namespace

std::int64_t L1DataCacheBytes() { return CacheBytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10); }
std::int64_t L2CacheBytes() { return CacheBytes(_SC_LEVEL2_CACHE_SIZE, 1 << 20); }

int L2CacheCount() { return TheL2Caches().count; }

int CurrentL2Cache() {
  const L2Caches& caches = TheL2Caches();
  const int cpu = std::max(0, sched_getcpu());
  const bool is_known = cpu < static_cast<int>(caches.of_cpu.size());
  const int cache = is_known ? caches.of_cpu[static_cast<std::size_t>(cpu)] : -1;
  return cache >= 0 ? cache : cpu % caches.count;
}

std::vector<int> NumberCaches(std::span<const int> first_sharer) {
  std::vector<int> firsts;
  std::vector<int> caches;
  for (const int first : first_sharer) {
    int cache = -1;
    if (first >= 0) {
      const auto place = std::find(firsts.begin(), firsts.end(), first);
      cache = static_cast<int>(place - firsts.begin());
      if (place == firsts.end()) firsts.push_back(first);
    }
    caches.push_back(cache);
  }
  return caches;
}

}  // namespace espalier
