// SPDX-License-Identifier: Apache-2.0
#pragma once

// Replaces the C++ heap of a test program; to be included by one file of it.

#include <cstdlib>
#include <new>

namespace espalier::testing {

/// Called before each object is allocated, by the form of new that throws; may throw
/// std::bad_alloc. Defined by the file that includes this.
void BeforeAllocation();

inline void* AllocateObject(std::size_t size) {
  BeforeAllocation();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace espalier::testing

// The forms that do not throw are here so that each block comes from where delete gives it back to.
void* operator new(std::size_t size) { return espalier::testing::AllocateObject(size); }
void* operator new[](std::size_t size) { return espalier::testing::AllocateObject(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
