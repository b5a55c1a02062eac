// SPDX-License-Identifier: Apache-2.0
#include "core/resources.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace espalier {
namespace {

std::int64_t ParseNumber(std::string_view text) {
  std::int64_t value = -1;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && value > 0 ? value : -1;
}

// This process's cgroup folder of a controller and all its parents; inside a container
// with a namespace of its own the last one is the only one that exists.
std::vector<std::string> CgroupFolders(std::string_view controller) {
  std::vector<std::string> folders;
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    std::string root = "/sys/fs/cgroup";
    if (!controllers.empty()) {
      controllers = "," + controllers + ",";
      if (controllers.find("," + std::string(controller) + ",") == std::string::npos) continue;
      root += "/" + std::string(controller);
    }
    while (path.size() > 1) {
      folders.push_back(root + path);
      path.resize(std::min(path.rfind('/'), path.size() - 1));
    }
    folders.push_back(root);
  }
  return folders;
}

int CpuQuota() {
  int quota = -1;
  const auto lower = [&quota](int cpus) {
    if (cpus > 0) quota = quota < 0 ? cpus : std::min(quota, cpus);
  };
  for (const std::string& folder : CgroupFolders("cpu")) {
    lower(ParseCpuMax(ReadLine(folder + "/cpu.max")));
    lower(ParseCpuMax(ReadLine(folder + "/cpu.cfs_quota_us") + " " +
                      ReadLine(folder + "/cpu.cfs_period_us")));
  }
  return quota;
}

int CpuQuotaOnce() {
  static const int quota = CpuQuota();
  return quota;
}

int AffinityCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more CPUs than cpu_set_t has bits.
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int ParseCpuMax(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return -1;
  const std::int64_t quota = ParseNumber(text.substr(0, space));
  const std::int64_t period = ParseNumber(text.substr(space + 1));
  if (quota < 0 || period < 0) return -1;
  const std::int64_t cpus = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(cpus, std::numeric_limits<int>::max()));
}

int AvailableCpus() {
  const int cpus = AffinityCpus();
  const int quota = CpuQuotaOnce();
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

bool HasCpuQuota() { return CpuQuotaOnce() > 0; }

std::int64_t AvailableMemoryBytes() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);
  std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
  if (pages > 0 && page_bytes > 0) bytes = pages * page_bytes;
  for (const std::string& folder : CgroupFolders("memory")) {
    for (const char* file : {"/memory.max", "/memory.limit_in_bytes"}) {
      const std::int64_t limit = ParseNumber(ReadLine(folder + file));
      if (limit > 0) bytes = std::min(bytes, limit);
    }
  }
  return bytes;
}

}  // namespace espalier
