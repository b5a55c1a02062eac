// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the operating system gives this process: affinity, container quotas and memory.

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

/// CPUs this process may use: its affinity mask, cut by a container's CPU quota (rounded up).
int AvailableCpus();

/// True if a CPU quota applies, so that spinning would be paid for.
bool HasCpuQuota();

/// Physical memory, cut by a container's limit.
std::int64_t AvailableMemoryBytes();

/// A file's first line; empty if it can't be read.
std::string ReadLine(const std::string& path);

/// Reads "quota period" of a cgroup v2 cpu.max; -1 for "max" or anything else. Rounded up,
/// at least 1.
int ParseCpuMax(std::string_view text);

}  // namespace espalier
