// SPDX-License-Identifier: Apache-2.0
#pragma once

// Floats that end right before (or begin right after) memory that must not be touched.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <span>
#include <vector>

namespace espalier::testing {

enum class GuardSide { kBefore, kAfter };

/// `size` zeroed floats; the byte before the first or after the last one lies in a page
/// that any access to faults. So SIMD kernels are caught in reads, too.
class GuardedFloats {
 public:
  explicit GuardedFloats(std::size_t size, GuardSide side = GuardSide::kAfter) : size_(size) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = size * sizeof(float);
    const std::size_t pages = (bytes + page - 1) / page;
    mapped_bytes_ = (pages + 2) * page;
    void* mapped = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    mapped_ = static_cast<std::byte*>(mapped);
    std::byte* begin = mapped_ + page;
    if (pages > 0 && mprotect(begin, pages * page, PROT_READ | PROT_WRITE) != 0) {
      munmap(mapped_, mapped_bytes_);
      throw std::bad_alloc();
    }
    const std::size_t offset = side == GuardSide::kAfter ? pages * page - bytes : 0;
    data_ = reinterpret_cast<float*>(begin + offset);
  }
  ~GuardedFloats() { munmap(mapped_, mapped_bytes_); }
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<float> span() { return {data_, size_}; }
  std::vector<float> ToVector() const { return {data_, data_ + size_}; }

 private:
  std::size_t size_;
  std::size_t mapped_bytes_ = 0;
  std::byte* mapped_ = nullptr;
  float* data_ = nullptr;
};

}  // namespace espalier::testing
