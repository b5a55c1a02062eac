// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only allocator of tensors, plans and caches: 64-byte aligned, under one
// budget and one counter.

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace espalier {

inline constexpr std::size_t kAlignmentBytes = 64;  // a cache line, and one AVX-512 vector

/// Bytes held now, and the most there may be (default: no limit but memory).
std::int64_t NativeBytesInUse();
std::int64_t NativeBytesLimit();
void SetNativeBytesLimit(std::int64_t bytes);

/// Zeroed, aligned bytes. Throws Error: OUT_OF_MEMORY past the budget or when the
/// system has none; INVALID_ARGUMENT for a negative size. Null for 0 bytes.
void* AllocateBytes(std::int64_t bytes);
void FreeBytes(void* bytes, std::int64_t size) noexcept;

/// Of allocated bytes whose use will be here and there: the system gives memory for what is
/// touched, in its smallest pages. Else a byte may cost a huge page of 2 MiB.
void ExpectSparseUse(void* bytes, std::int64_t size);

#ifdef ESPALIER_FAIL_POINTS
/// Tests: the n-th allocation from now (1 = next) fails; `persistent`: and all after it. 0: off.
void FailAllocation(std::int64_t nth, bool persistent);
/// Tests: how many allocations from now the one is that is to fail.
std::int64_t AllocationsUntilFailure();
#endif

/// Owner of `size` zeroed elements; move-only.
template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(std::int64_t size);
  AlignedArray(AlignedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedArray() { FreeBytes(data_, size_ * static_cast<std::int64_t>(sizeof(T))); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }
  bool empty() const { return size_ == 0; }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, static_cast<std::size_t>(size_)}; }
  std::span<const T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

std::int64_t CheckedBytes(std::int64_t count, std::int64_t element_bytes);

template <typename T>
AlignedArray<T>::AlignedArray(std::int64_t size)
    : data_(static_cast<T*>(AllocateBytes(CheckedBytes(size, sizeof(T))))), size_(size) {}

}  // namespace espalier
