// SPDX-License-Identifier: Apache-2.0
#include "jvm/handle_table.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "espalier/error.h"

namespace espalier::jvm {
namespace {

std::atomic<std::int64_t> destroyed{0};
std::atomic<std::int64_t> alive_errors{0};

struct Object {
  std::atomic<std::uint64_t> alive{0x600DCAFE};
  int plain = 0;  // written once when made: a race here is seen by the thread sanitizer
};

void DestroyObject(void* object) noexcept {
  auto* typed = static_cast<Object*>(object);
  if (typed->alive.exchange(0) != 0x600DCAFE) {
    alive_errors.fetch_add(1);
  }
  delete typed;
  destroyed.fetch_add(1);
}

std::int64_t OpenObject(HandleTable& table, HandleKind kind = HandleKind::kPredictor) {
  auto* object = new Object;
  object->plain = 42;
  return table.Open(kind, object, &DestroyObject);
}

ErrorCode CodeOf(HandleTable& table, std::int64_t id, HandleKind kind) {
  try {
    table.Enter(id, kind);
  } catch (const Error& error) {
    return error.code();
  }
  table.Exit(id);
  return ErrorCode::kInternal;
}

bool IsOpen(HandleTable& table, std::int64_t id) {
  return CodeOf(table, id, HandleKind::kPredictor) != ErrorCode::kClosed;
}

TEST(HandleTable, CloseIsIdempotentAndDestroysOnce) {
  HandleTable table;
  destroyed = 0;
  const std::int64_t id = OpenObject(table);
  EXPECT_TRUE(IsOpen(table, id));
  EXPECT_EQ(table.live_count(), 1);
  table.Close(id);
  table.Close(id);
  EXPECT_FALSE(IsOpen(table, id));
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(table.live_count(), 0);
}

TEST(HandleTable, TheLastCallOutDestroys) {
  HandleTable table;
  destroyed = 0;
  const std::int64_t id = OpenObject(table);
  table.Enter(id, HandleKind::kPredictor);
  table.Enter(id, HandleKind::kPredictor);
  table.Close(id);
  EXPECT_FALSE(IsOpen(table, id));
  EXPECT_EQ(destroyed, 0);
  table.Exit(id);
  EXPECT_EQ(destroyed, 0);
  EXPECT_EQ(table.live_count(), 1);
  table.Exit(id);
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(table.live_count(), 0);
}

TEST(HandleTable, RefusesUnknownStaleAndForgedIds) {
  HandleTable table;
  const std::int64_t old_id = OpenObject(table);
  table.Close(old_id);
  const std::int64_t id = OpenObject(table);
  EXPECT_EQ(static_cast<std::uint32_t>(old_id), static_cast<std::uint32_t>(id)) << "same slot";
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, old_id, id + 1, id - 1,
                                   INT64_MIN, INT64_MAX, id + (std::int64_t{1} << 32)}) {
    EXPECT_FALSE(IsOpen(table, wrong)) << wrong;
    table.Close(wrong);
  }
  EXPECT_TRUE(IsOpen(table, id));
  table.Close(id);
}

TEST(HandleTable, RefusesAnotherKind) {
  HandleTable table;
  const std::int64_t id = OpenObject(table, HandleKind::kNetwork);
  try {
    table.Enter(id, HandleKind::kTrainer);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "INVALID_STATE: expected a trainer, got a network");
  }
  EXPECT_EQ(table.EnterAny(id).second, HandleKind::kNetwork);
  table.Exit(id);
  table.Close(id);
  EXPECT_EQ(table.live_count(), 0);
}

TEST(HandleTable, HoldsManyObjectsAndSaysWhenFull) {
  HandleTable table;
  static int object = 0;
  const auto keep = [](void*) noexcept {};
  std::vector<std::int64_t> ids;
  for (std::uint32_t i = 0; i < HandleTable::kMaxHandles; ++i) {
    ids.push_back(table.Open(HandleKind::kNetwork, &object, keep));
  }
  EXPECT_THROW(table.Open(HandleKind::kNetwork, &object, keep), Error);
  for (const std::int64_t id : ids) {
    table.Close(id);
  }
  EXPECT_EQ(table.live_count(), 0);
  table.Close(table.Open(HandleKind::kNetwork, &object, keep));
}

// Threads enter, close and reopen the same few handles as fast as they can.
TEST(HandleTable, SurvivesAStormOfEnterAndClose) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 100'000;
  constexpr int kShared = 3;
  HandleTable table;
  destroyed = 0;
  alive_errors = 0;
  std::array<std::atomic<std::int64_t>, kShared> ids;
  for (auto& id : ids) {
    id = OpenObject(table);
  }
  std::atomic<std::int64_t> opened{kShared};
  std::atomic<std::int64_t> entered{0};
  const auto storm = [&](unsigned seed) {
    std::uint32_t random = seed * 2654435761u + 1;
    for (int round = 0; round < kRounds; ++round) {
      random = random * 1664525u + 1013904223u;
      std::atomic<std::int64_t>& shared = ids[(random >> 16) % kShared];
      const std::int64_t id = shared.load();
      if ((random >> 24) % 8 == 0) {
        table.Close(id);
        table.Close(id);
        table.Close(shared.exchange(OpenObject(table)));
        opened.fetch_add(1);
        continue;
      }
      try {
        auto* object = static_cast<Object*>(table.Enter(id, HandleKind::kPredictor));
        if (object->alive != 0x600DCAFE || object->plain != 42) {
          alive_errors.fetch_add(1);
        }
        entered.fetch_add(1, std::memory_order_relaxed);
        if ((random >> 20) % 16 == 0) {
          table.Close(id);  // from inside the call
        }
        table.Exit(id);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kClosed) {
          alive_errors.fetch_add(1);
        }
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back(storm, i);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (auto& id : ids) {
    table.Close(id);
  }
  EXPECT_EQ(alive_errors, 0);
  EXPECT_GT(entered, 1000);
  EXPECT_EQ(destroyed, opened);
  EXPECT_EQ(table.live_count(), 0);
}

// Every handle is closed by two threads while others are inside; none may stay.
TEST(HandleTable, LeavesNothingAfterConcurrentCloses) {
  constexpr int kHandles = 20'000;
  HandleTable table;
  destroyed = 0;
  alive_errors = 0;
  std::vector<std::int64_t> ids(kHandles);
  for (std::int64_t& id : ids) {
    id = OpenObject(table);
  }
  const auto use = [&] {
    for (const std::int64_t id : ids) {
      try {
        auto* object = static_cast<Object*>(table.Enter(id, HandleKind::kPredictor));
        alive_errors.fetch_add(object->plain != 42);
        table.Exit(id);
      } catch (const Error&) {
      }
    }
  };
  const auto close = [&] {
    for (const std::int64_t id : ids) {
      table.Close(id);
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(use);
  threads.emplace_back(close);
  threads.emplace_back(use);
  threads.emplace_back(close);
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(alive_errors, 0);
  EXPECT_EQ(destroyed, kHandles);
  EXPECT_EQ(table.live_count(), 0);
}

}  // namespace
}  // namespace espalier::jvm
