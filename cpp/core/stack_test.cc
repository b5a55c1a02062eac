// SPDX-License-Identifier: Apache-2.0
#include "core/stack.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdint>

namespace espalier {
namespace {

constexpr std::int64_t kStackBytes = 512 << 10;

// What is left at the bottom of `frames` frames of more than 4 KiB each.
[[gnu::noinline]] std::int64_t LeftBelow(int frames) {
  volatile char used[4096];
  used[0] = 1;
  const std::int64_t left = frames == 0 ? StackBytesLeft() : LeftBelow(frames - 1);
  return used[0] == 1 ? left : 0;
}

TEST(Stack, WhatIsLeftShrinksWithEachFrame) {
  struct Left {
    std::int64_t above, below;
  } left = {};
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStackBytes), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* result) -> void* {
                  *static_cast<Left*>(result) = {StackBytesLeft(), LeftBelow(20)};
                  return nullptr;
                },
                &left),
            0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  EXPECT_LE(left.above, kStackBytes);
  EXPECT_GT(left.above, kStackBytes / 2);
  EXPECT_LT(left.below, left.above);  // not by how much: sanitizers keep arrays elsewhere
  EXPECT_GT(left.below, 0);
}

TEST(Stack, TheFirstThreadHasOneToo) { EXPECT_GT(StackBytesLeft(), 64 << 10); }

}  // namespace
}  // namespace espalier
