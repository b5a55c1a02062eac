// SPDX-License-Identifier: Apache-2.0
#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "espalier/error.h"
#include "testing/sanitized.h"

#ifndef ESPALIER_SANITIZED
// Counts every C++ allocation of this program.
static std::atomic<std::int64_t> allocations{0};

void* operator new(std::size_t size) {
  allocations.fetch_add(1);
  if (void* result = std::malloc(size)) return result;
  throw std::bad_alloc();
}
// Inlined, they look to GCC as if they did not match.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace espalier {
namespace {

using std::chrono::milliseconds;

// For what comes at once unless other processes have the CPUs.
constexpr std::chrono::minutes kPatience{5};

// Holds each task until `wanted` threads have one, so that a run is as wide as can be.
class Gathering {
 public:
  explicit Gathering(int wanted) : wanted_(wanted) {}
  void Arrive() {
    arrived_.fetch_add(1);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (arrived_.load() < wanted_ && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
  }

 private:
  int wanted_;
  std::atomic<int> arrived_{0};
};

TEST(ThreadPool, RunsEveryTaskOnceOnSeveralThreads) {
  ThreadPool pool(4);
  for (const std::int64_t tasks : {0, 1, 2, 3, 4, 17, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
    pool.ResetWidestRun();
    Gathering gathering(static_cast<int>(std::min<std::int64_t>(tasks, 4)));
    pool.ParallelFor(tasks, 4, [&](std::int64_t task, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, 4);
      runs[static_cast<std::size_t>(task)].fetch_add(1);
      if (task < 4) gathering.Arrive();
    });
    for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
    EXPECT_EQ(pool.widest_run(), std::min<std::int64_t>(tasks, 4));
  }
}

TEST(ThreadPool, WorkersAreDistinctAndWithinTheLimit) {
  ThreadPool pool(8);
  Gathering gathering(3);
  std::vector<std::thread::id> of_worker(3);
  pool.ParallelFor(3, 3, [&](std::int64_t, int worker) {
    of_worker[static_cast<std::size_t>(worker)] = std::this_thread::get_id();
    gathering.Arrive();
  });
  EXPECT_EQ(std::set<std::thread::id>(of_worker.begin(), of_worker.end()).size(), 3u);
  EXPECT_EQ(of_worker[0], std::this_thread::get_id());
}

TEST(ThreadPool, CallsUnderALimitHaveNoMoreThreads) {
  ThreadPool pool(4);
  const auto widest = [&pool](int gathered) {
    pool.ResetWidestRun();
    Gathering gathering(gathered);
    pool.ParallelFor(4, 4, [&](std::int64_t, int) { gathering.Arrive(); });
    return pool.widest_run();
  };
  {
    const ThreadLimit limit(2);
    EXPECT_EQ(pool.thread_count(), 2);
    EXPECT_EQ(widest(2), 2);
    {
      const ThreadLimit larger(3);
      EXPECT_EQ(pool.thread_count(), 2);
      const ThreadLimit smaller(1);
      EXPECT_EQ(pool.thread_count(), 1);
      EXPECT_EQ(widest(1), 1);
      const ThreadLimit none(0);
      EXPECT_EQ(pool.thread_count(), 1);
    }
    EXPECT_EQ(pool.thread_count(), 2);
    std::thread([&] {  // whose calls have no limit
      EXPECT_EQ(pool.thread_count(), 4);
      EXPECT_EQ(widest(4), 4);
    })
        .join();
  }
  EXPECT_EQ(pool.thread_count(), 4);
  EXPECT_EQ(widest(4), 4);
}

// What a thread left in its cache it should find there at the next call.
TEST(ThreadPool, ThreadsReturnToTheirTasks) {
  constexpr int kThreads = 4;
  ThreadPool pool(kThreads);
  std::vector<std::thread::id> first(kThreads);
  for (int round = 0; round < 50; ++round) {
    Gathering gathering(kThreads);
    std::vector<std::thread::id> of_task(kThreads);
    pool.ParallelFor(kThreads, kThreads, [&](std::int64_t task, int) {
      of_task[static_cast<std::size_t>(task)] = std::this_thread::get_id();
      gathering.Arrive();
    });
    if (round == 0) first = of_task;
    EXPECT_EQ(of_task, first) << "round " << round;
  }
}

TEST(ThreadPool, TasksOfABusyThreadAreTakenOver) {
  ThreadPool pool(2);
  constexpr std::int64_t kTasks = 100;
  std::atomic<int> others{0};
  std::atomic<bool> is_over{false};
  pool.ParallelFor(kTasks, 2, [&](std::int64_t task, int) {
    if (task > 0) {
      if (others.fetch_add(1) == kTasks - 2) is_over.store(true);
      return;
    }
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!is_over.load() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  });
  EXPECT_TRUE(is_over.load());
}

TEST(ThreadPool, SurvivesManyShortCallsAndPauses) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> sum{0};
  std::int64_t expected = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::int64_t tasks = 1 + round % 7;
    pool.ParallelFor(tasks, 3, [&](std::int64_t task, int) { sum.fetch_add(task + 1); });
    expected += tasks * (tasks + 1) / 2;
    // Long enough now and then for the workers to fall asleep.
    if (round % 500 == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(sum.load(), expected);
}

TEST(ThreadPool, NoBodyRunsAfterReturn) {
  ThreadPool pool(4);
  for (int round = 0; round < 2000; ++round) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    pool.ParallelFor(4, 4, [&](std::int64_t, int) { alive->fetch_add(1); });
    ASSERT_EQ(alive->load(), 4);
  }
}

#ifndef ESPALIER_SANITIZED
TEST(ThreadPool, AllocatesNothingPerCall) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> sum{0};
  const auto run = [&] {
    pool.ParallelFor(16, 3, [&](std::int64_t task, int) { sum.fetch_add(task); });
  };
  run();
  const std::int64_t before = allocations.load();
  for (int round = 0; round < 100; ++round) run();
  EXPECT_EQ(allocations.load(), before);
  EXPECT_EQ(sum.load(), 101 * 120);
}
#endif

TEST(ThreadPool, NestedCallsRunOnTheirCaller) {
  ThreadPool pool(4);
  std::atomic<int> inner{0};
  pool.ParallelFor(8, 4, [&](std::int64_t, int) {
    const std::thread::id self = std::this_thread::get_id();
    pool.ParallelFor(5, 4, [&](std::int64_t, int worker) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      EXPECT_EQ(worker, 0);
      inner.fetch_add(1);
    });
  });
  EXPECT_EQ(inner.load(), 40);
}

TEST(ThreadPool, ConcurrentCallersNeverWaitForEachOther) {
  ThreadPool pool(4);
  std::atomic<bool> holds{false};
  std::atomic<bool> may_end{false};
  std::thread holder([&] {
    pool.ParallelFor(2, 2, [&](std::int64_t, int) {
      holds.store(true);
      while (!may_end.load()) std::this_thread::yield();
    });
  });
  while (!holds.load()) std::this_thread::yield();
  int runs = 0;
  pool.ParallelFor(10, 4, [&](std::int64_t, int) { ++runs; });  // serial: no atomic needed
  EXPECT_EQ(runs, 10);
  may_end.store(true);
  holder.join();
}

TEST(ThreadPool, ManyCallersGetTheirOwnResults) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 1000; ++round) {
        std::atomic<std::int64_t> sum{0};
        pool.ParallelFor(9, 3, [&](std::int64_t task, int) { sum.fetch_add(task * (caller + 1)); });
        if (sum.load() != 36 * (caller + 1)) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ThreadPool, RethrowsTheErrorOfTheFirstTask) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      try {
        pool.ParallelFor(64, threads, [&](std::int64_t task, int) {
          if (task >= 5) throw std::runtime_error(std::to_string(task));
        });
        FAIL() << "did not throw";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "5");
      }
    }
    int runs = 0;
    pool.ParallelFor(1, threads, [&](std::int64_t, int) { ++runs; });
    EXPECT_EQ(runs, 1);
  }
}

TEST(ThreadPool, CountCanChangeBetweenCalls) {
  ThreadPool pool(1);
  for (const int threads : {1, 3, 2, 5, 1}) {
    pool.SetThreadCount(threads);
    EXPECT_EQ(pool.thread_count(), threads);
    pool.ResetWidestRun();
    Gathering gathering(threads);
    pool.ParallelFor(threads, ThreadPool::kMaxThreads,
                     [&](std::int64_t, int) { gathering.Arrive(); });
    EXPECT_EQ(pool.widest_run(), threads);
  }
  EXPECT_THROW(pool.SetThreadCount(0), Error);
  EXPECT_THROW(pool.SetThreadCount(ThreadPool::kMaxThreads + 1), Error);
}

TEST(ThreadPool, FlushesDenormalsInEveryTask) {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = 0.5f;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    Gathering gathering(threads);
    std::atomic<int> kept{0};
    pool.ParallelFor(threads, threads, [&](std::int64_t, int) {
      gathering.Arrive();
      if (smallest * half != 0.0f) kept.fetch_add(1);
    });
    EXPECT_EQ(kept.load(), 0);
    EXPECT_NE(smallest * half, 0.0f);
  }
}

// A process that may start no more threads computes on those it has.
int SumWithoutThreads() {
  ThreadPool pool(8);
  // A huge stack by default that no address space has room for makes every start fail,
  // also for root, whom a limit on processes would not stop.
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t{1} << 46);
  if (pthread_setattr_default_np(&attributes) != 0) return 2;
  std::int64_t sum = 0;
  pool.ParallelFor(100, 8, [&](std::int64_t task, int) { sum += task; });
  return sum == 4950 && pool.widest_run() == 1 ? 0 : 1;
}

TEST(ThreadPoolDeathTest, WorksWithoutThreads) {
#ifdef ESPALIER_SANITIZED
  GTEST_SKIP() << "the sanitizer ends the process when a thread cannot start";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(SumWithoutThreads()), ::testing::ExitedWithCode(0), "");
}

TEST(Workspace, GivesEachWorkerScratchOfItsOwn) {
  const int before = ThreadPool::Shared().thread_count();
  ThreadPool::Shared().SetThreadCount(4);
  for (const int workers : {1, 4}) {
    Workspace workspace(workers, 17);
    Gathering gathering(workers);
    std::vector<float*> seen(4);
    workspace.ParallelFor(4, [&](std::int64_t task, std::span<float> scratch) {
      ASSERT_EQ(scratch.size(), 17u);
      std::fill(scratch.begin(), scratch.end(), static_cast<float>(task));
      if (task < workers) gathering.Arrive();
      for (const float value : scratch) ASSERT_EQ(value, static_cast<float>(task));
      seen[static_cast<std::size_t>(task)] = scratch.data();
    });
    std::set<float*> distinct(seen.begin(), seen.end());
    EXPECT_EQ(distinct.size(), static_cast<std::size_t>(workers));
    EXPECT_EQ(workspace.NativeBytes(), workers * 32 * 4);
  }
  ThreadPool::Shared().SetThreadCount(before);
  EXPECT_THROW(Workspace(0, 1), Error);
  EXPECT_THROW(Workspace(1, -1), Error);
}

TEST(Workspace, LendsTheScratchOfAWorker) {
  const Workspace workspace(3, 17);
  std::set<const float*> scratches;
  for (int worker = 0; worker < 3; ++worker) {
    Workspace alone = workspace.Alone(worker);
    EXPECT_EQ(alone.workers(), 1);
    EXPECT_EQ(alone.caller_scratch().size(), 17u);
    EXPECT_EQ(alone.NativeBytes(), 0);
    scratches.insert(alone.caller_scratch().data());
  }
  EXPECT_EQ(scratches.size(), 3u);
  EXPECT_GT(workspace.NativeBytes(), 0);
}

TEST(Workspace, OfOneWorkerNeverTouchesThePool) {
  Workspace workspace(1, 0);
  ThreadPool::Shared().ResetWidestRun();
  int runs = 0;
  workspace.ParallelFor(5, [&](std::int64_t, std::span<float> scratch) {
    EXPECT_TRUE(scratch.empty());
    ++runs;
  });
  EXPECT_EQ(runs, 5);
  EXPECT_EQ(ThreadPool::Shared().widest_run(), 0);
}

}  // namespace
}  // namespace espalier
