// SPDX-License-Identifier: Apache-2.0
#pragma once

// How much of its thread's stack a call uses. Not under sanitizers, whose frames are larger.

#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <system_error>

namespace espalier::testing {

/// What a call may use in all: a JVM promises native code 80 KiB, of which JavaCPP, the C library
/// and the JVM's own crossing take some.
inline constexpr std::int64_t kMostStackBytes = 32 << 10;

/// A stack for threads that run one call each and see how far down it wrote.
class PaintedStack {
 public:
  PaintedStack() {
    base_ = static_cast<std::byte*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));
    if (base_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~PaintedStack() { munmap(base_, kBytes); }
  PaintedStack(const PaintedStack&) = delete;
  PaintedStack& operator=(const PaintedStack&) = delete;

  /// Bytes between the frame that calls `body` and the lowest byte written meanwhile.
  std::int64_t DepthOf(const std::function<void()>& body) {
    Run run{base_, &body, 0};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, base_, kBytes);
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, &Paint, &run);
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category());
    pthread_join(thread, nullptr);
    return run.depth;
  }

 private:
  static constexpr std::size_t kBytes = 1 << 20;
  static constexpr std::size_t kOwnBytes = 1024;  // of the frame that paints and what it calls
  static constexpr std::byte kPaint{0xA5};

  struct Run {
    std::byte* base;
    const std::function<void()>* body;
    std::int64_t depth;
  };

  static void* Paint(void* argument) {
    Run& run = *static_cast<Run*>(argument);
    std::byte* const frame = static_cast<std::byte*>(__builtin_frame_address(0));
    std::memset(run.base, static_cast<int>(kPaint),
                static_cast<std::size_t>(frame - run.base) - kOwnBytes);
    (*run.body)();
    const std::byte* lowest = run.base;
    while (lowest < frame && *lowest == kPaint) ++lowest;
    run.depth = frame - lowest;
    return nullptr;
  }

  std::byte* base_;
};

}  // namespace espalier::testing
