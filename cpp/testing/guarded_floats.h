// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arrays that end right before (or begin right after) memory that must not be touched.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace espalier::testing {

enum class GuardSide { kBefore, kAfter };

/// `size` zeros; the byte before the first or after the last one lies in a page that any
/// access to faults. So SIMD kernels are caught in reads, too.
template <typename T>
class GuardedArray {
 public:
  static_assert(std::is_trivial_v<T>);

  explicit GuardedArray(std::size_t size, GuardSide side = GuardSide::kAfter)
      : size_(size), side_(side) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = size * sizeof(T);
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
    data_ = reinterpret_cast<T*>(begin + offset);
  }
  /// A copy of `values`.
  explicit GuardedArray(const std::vector<T>& values, GuardSide side = GuardSide::kAfter)
      : GuardedArray(values.size(), side) {
    std::copy(values.begin(), values.end(), data_);
  }
  ~GuardedArray() { munmap(mapped_, mapped_bytes_); }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<T> span() { return {data_, size_}; }
  /// The `count` elements next to the memory that must not be touched.
  std::span<T> NextToGuard(std::size_t count) {
    return side_ == GuardSide::kBefore ? span().first(count) : span().last(count);
  }
  std::vector<T> ToVector() const { return {data_, data_ + size_}; }

 private:
  std::size_t size_;
  GuardSide side_;
  std::size_t mapped_bytes_ = 0;
  std::byte* mapped_ = nullptr;
  T* data_ = nullptr;
};

using GuardedFloats = GuardedArray<float>;

}  // namespace espalier::testing
