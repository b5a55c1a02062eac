// SPDX-License-Identifier: Apache-2.0
#include "core/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/checked.h"
#include "core/resources.h"
#include "core/text.h"

#if defined(__SANITIZE_ADDRESS__)
#define ESPALIER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ESPALIER_ADDRESS_SANITIZER 1
#endif
#endif

namespace espalier {
namespace {

// Mapped, so that freed memory goes back to the system at once instead of staying in an
// arena. Under the address sanitizer everything comes from its heap, with red zones.
#ifdef ESPALIER_ADDRESS_SANITIZER
constexpr std::int64_t kMapFromBytes = std::int64_t{1} << 62;
#else
constexpr std::int64_t kMapFromBytes = std::int64_t{1} << 20;
#endif

// Two huge pages: no more than a third of a smaller block would lie on small ones.
[[maybe_unused]] constexpr std::int64_t kHugePagesFromBytes = std::int64_t{4} << 20;

std::atomic<std::int64_t> bytes_in_use{0};

std::atomic<std::int64_t>& BytesLimit() {
  static std::atomic<std::int64_t> limit{AvailableMemoryBytes()};
  return limit;
}

#ifdef ESPALIER_FAIL_POINTS
std::atomic<std::int64_t> allocations_until_failure{0};
std::atomic<bool> fails_persistently{false};

bool MustFail() {
  std::int64_t left = allocations_until_failure.load();
  while (left > 0) {
    const bool fails = left == 1;
    const std::int64_t next = fails && fails_persistently.load() ? 1 : left - 1;
    if (allocations_until_failure.compare_exchange_weak(left, next)) return fails;
  }
  return false;
}
#endif

void Reserve(std::int64_t bytes) {
  const std::int64_t limit = BytesLimit().load();
  std::int64_t used = bytes_in_use.load();
  do {
    if (bytes > limit - used) {
      Fail(ErrorCode::kOutOfMemory, "native memory: expected at most ", limit,
           " bytes (the budget), got ", used, " in use and ", bytes, " more wanted");
    }
  } while (!bytes_in_use.compare_exchange_weak(used, used + bytes));
}

void* Obtain(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
#ifdef ESPALIER_FAIL_POINTS
  if (MustFail()) return nullptr;
#endif
  if (bytes >= kMapFromBytes) {
    void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
    // A wish; matrices of many megabytes otherwise miss the CPU's page tables all the time.
    if (bytes >= kHugePagesFromBytes) madvise(mapped, size, MADV_HUGEPAGE);
#endif
    return mapped;
  }
  void* allocated = nullptr;
  if (posix_memalign(&allocated, kAlignmentBytes, size) != 0) return nullptr;
  std::memset(allocated, 0, size);
  return allocated;
}

}  // namespace

std::int64_t NativeBytesInUse() { return bytes_in_use.load(); }

std::int64_t NativeBytesLimit() { return BytesLimit().load(); }

void SetNativeBytesLimit(std::int64_t bytes) {
  if (bytes < 0) {
    Fail(ErrorCode::kInvalidArgument, "native memory budget: expected at least 0 bytes, got ",
         bytes);
  }
  BytesLimit().store(bytes);
}

void* AllocateBytes(std::int64_t bytes) {
  if (bytes < 0) {
    Fail(ErrorCode::kInvalidArgument, "allocation: expected at least 0 bytes, got ", bytes);
  }
  if (bytes == 0) return nullptr;
  Reserve(bytes);
  void* result = Obtain(bytes);
  if (result == nullptr) {
    bytes_in_use.fetch_sub(bytes);
    Fail(ErrorCode::kOutOfMemory, "the system has no ", bytes, " bytes left");
  }
  return result;
}

void FreeBytes(void* bytes, std::int64_t size) noexcept {
  if (bytes == nullptr) return;
  if (size >= kMapFromBytes) {
    munmap(bytes, static_cast<std::size_t>(size));
  } else {
    std::free(bytes);
  }
  bytes_in_use.fetch_sub(size);
}

void ExpectSparseUse(void* bytes, std::int64_t size) {
#ifdef MADV_NOHUGEPAGE
  if (size < kMapFromBytes) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes);
  const std::uintptr_t start = first / page * page;
  // A wish, too.
  madvise(reinterpret_cast<void*>(start), first + static_cast<std::uintptr_t>(size) - start,
          MADV_NOHUGEPAGE);
#endif
}

std::int64_t CheckedBytes(std::int64_t count, std::int64_t element_bytes) {
  return CheckedMultiply(count, element_bytes);
}

#ifdef ESPALIER_FAIL_POINTS
void FailAllocation(std::int64_t nth, bool persistent) {
  fails_persistently.store(persistent);
  allocations_until_failure.store(nth);
}

std::int64_t AllocationsUntilFailure() { return allocations_until_failure.load(); }
#endif

}  // namespace espalier
