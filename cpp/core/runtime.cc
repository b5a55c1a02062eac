// SPDX-License-Identifier: Apache-2.0
#include "espalier/runtime.h"

#include "core/cpu.h"
#include "core/memory.h"
#include "core/text.h"
#include "core/thread_pool.h"

namespace espalier {
namespace {

std::string Mebibytes(std::int64_t bytes) {
  return Concat(bytes / (1 << 20), ".", bytes % (1 << 20) * 10 / (1 << 20), " MiB");
}

}  // namespace

void SetThreadCount(int threads) { ThreadPool::Shared().SetThreadCount(threads); }

int ThreadCount() { return ThreadPool::Shared().thread_count(); }

std::string CpuTarget() { return std::string(CpuTargetName(ActiveCpuTarget())); }

std::int64_t NativeBytes() { return NativeBytesInUse(); }

std::int64_t NativeBytesBudget() { return NativeBytesLimit(); }

void SetNativeBytesBudget(std::int64_t bytes) { SetNativeBytesLimit(bytes); }

std::string DescribeRuntime() {
  std::string target;
  try {
    target = CpuTarget() + (IsCpuTargetForced() ? " (forced)" : "");
  } catch (const Error& error) {
    target = Concat("unusable (", error.what(), ")");
  }
  return Concat("CPU target ", target, ", threads ", ThreadCount(), ", native memory ",
                Mebibytes(NativeBytes()), " of ", Mebibytes(NativeBytesBudget()));
}

}  // namespace espalier
