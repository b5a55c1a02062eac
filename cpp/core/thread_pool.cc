// SPDX-License-Identifier: Apache-2.0
#include "core/thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/resources.h"
#include "core/text.h"

namespace espalier {
namespace {

// A wake-up through the kernel costs about as much; between the layers of a running plan
// the next call comes sooner than this.
constexpr std::chrono::microseconds kSpinTime{30};
constexpr int kPausesPerClockRead = 32;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

thread_local constinit int most_threads = ThreadPool::kMaxThreads;

// True as soon as `done` is, false after kSpinTime.
template <typename Done>
bool SpinUntil(Done done) {
  if (done()) return true;
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (done()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// The call that workers may join, in one word, so that joining is a single compare and
// exchange: it fails if the call was closed or another one began meanwhile.
class CallState {
 public:
  static constexpr std::uint64_t Open(std::uint64_t epoch, int slots) {
    return (epoch << 32) | (static_cast<std::uint64_t>(slots) << kSlotsShift) | kOpen;
  }
  static constexpr std::uint64_t kOpen = 1;
  static constexpr std::uint64_t kJoinedOne = 2;

  explicit CallState(std::uint64_t word) : word_(word) {}
  std::uint64_t epoch() const { return word_ >> 32; }
  int joined() const { return static_cast<int>((word_ >> 1) & kMask); }
  int slots() const { return static_cast<int>((word_ >> kSlotsShift) & kMask); }
  bool IsJoinable() const { return (word_ & kOpen) != 0 && joined() < slots(); }

 private:
  static constexpr int kSlotsShift = 16;
  static constexpr std::uint64_t kMask = 0x7fff;
  std::uint64_t word_;
};

}  // namespace

class ThreadPool::Implementation {
 public:
  explicit Implementation(int threads) { SetThreadCount(threads); }

  ~Implementation() {
    {
      const std::lock_guard lock(mutex_);
      stopping_.store(true);
      wake_.notify_all();
    }
    for (int i = 0; i < started_; ++i) workers_[static_cast<std::size_t>(i)].join();
  }

  void SetThreadCount(int threads) {
    if (threads < 1 || threads > kMaxThreads) {
      Fail(ErrorCode::kInvalidArgument, "threads: expected 1 to ", kMaxThreads, ", got ", threads);
    }
    thread_count_.store(threads);
    start_failed_.store(false);
    // More threads than CPUs, or a quota that charges for it: sleeping is cheaper.
    spins_.store(threads > 1 && threads <= AvailableCpus() && !HasCpuQuota());
  }

  int thread_count() const { return std::min(thread_count_.load(), most_threads); }

  void ParallelFor(std::int64_t tasks, int max_workers, FunctionRef<void(std::int64_t, int)> body) {
    if (tasks <= 0) return;
    const int threads =
        static_cast<int>(std::min<std::int64_t>({tasks, max_workers, thread_count()}));
    if (threads <= 1 || busy_.exchange(true, std::memory_order_acquire)) {
      RunSerially(tasks, body);
      return;
    }
    StartWorkers(threads - 1);
    const int slots = std::min(threads - 1, started_);
    if (slots == 0) {
      busy_.store(false, std::memory_order_release);
      RunSerially(tasks, body);
      return;
    }
    const std::exception_ptr error = RunShared(tasks, slots, body);
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
  }

  int widest_run() const { return widest_run_.load(); }
  void ResetWidestRun() { widest_run_.store(0); }

 private:
  void RunSerially(std::int64_t tasks, FunctionRef<void(std::int64_t, int)> body) {
    NoteWidth(1);
    const FlushDenormals flush;
    for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
  }

  std::exception_ptr RunShared(std::int64_t tasks, int slots,
                               FunctionRef<void(std::int64_t, int)> body) {
    // Nobody reads these now: every worker of the call before has left.
    body_ = &body;
    runs_ = slots + 1;
    for (int i = 0; i < runs_; ++i) {
      Run& run = run_of_[static_cast<std::size_t>(i)];
      run.next.store(tasks * i / runs_, std::memory_order_relaxed);
      run.end = tasks * (i + 1) / runs_;
    }
    first_error_.store(tasks, std::memory_order_relaxed);
    left_.store(0, std::memory_order_relaxed);
    participants_.store(0, std::memory_order_relaxed);
    call_.store(CallState::Open(++epoch_ & 0xffffffff, slots));
    WakeSleepers(slots);

    RunTasks(0, 0);

    const int joined = CallState(call_.fetch_and(~CallState::kOpen)).joined();
    WaitUntilLeft(joined);
    body_ = nullptr;
    NoteWidth(participants_.load(std::memory_order_relaxed));
    return std::exchange(error_, nullptr);
  }

  // Begins with the run of tasks at `home`, so that the same thread works on the same part of
  // the data from call to call while it is in its cache, and goes on with what others have left.
  // No task before the first that throws is left out, so the error kept is that of the first
  // on any number of threads.
  void RunTasks(int worker, int home) {
    const FlushDenormals flush;
    bool takes_part = false;
    for (int i = 0; i < runs_; ++i) {
      Run& run = run_of_[static_cast<std::size_t>((home + i) % runs_)];
      if (run.next.load(std::memory_order_relaxed) >= run.end) continue;
      for (;;) {
        const std::int64_t task = run.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= run.end || task >= first_error_.load(std::memory_order_relaxed)) break;
        if (!std::exchange(takes_part, true)) participants_.fetch_add(1, std::memory_order_relaxed);
        try {
          (*body_)(task, worker);
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (task < first_error_.load(std::memory_order_relaxed)) {
            first_error_.store(task, std::memory_order_relaxed);
            error_ = std::current_exception();
          }
        }
      }
    }
  }

  void WaitUntilLeft(int joined) {
    const auto all_left = [this, joined] { return left_.load() == joined; };
    if (spins_.load(std::memory_order_relaxed) ? SpinUntil(all_left) : all_left()) return;
    std::unique_lock lock(mutex_);
    caller_sleeps_.store(true);
    done_.wait(lock, all_left);
    caller_sleeps_.store(false);
  }

  void WakeSleepers(int wanted) {
    if (sleepers_.load() == 0) return;
    const std::lock_guard lock(mutex_);
    for (int i = std::min(wanted, sleepers_.load()); i > 0; --i) wake_.notify_one();
  }

  void StartWorkers(int wanted) {
    while (started_ < wanted && !start_failed_.load(std::memory_order_relaxed)) {
      try {
        workers_[static_cast<std::size_t>(started_)] =
            std::thread([this, home = started_ + 1] { WorkerLoop(home); });
        ++started_;
      } catch (const std::system_error&) {
        start_failed_.store(true);
      } catch (const std::bad_alloc&) {
        start_failed_.store(true);
      }
    }
  }

  void WorkerLoop(int home) {
    std::uint64_t seen_epoch = 0;
    for (;;) {
      const auto has_news = [this, &seen_epoch] {
        return CallState(call_.load()).epoch() != seen_epoch || stopping_.load();
      };
      const bool found = spins_.load(std::memory_order_relaxed) ? SpinUntil(has_news) : has_news();
      if (!found) {
        std::unique_lock lock(mutex_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, has_news);
        sleepers_.fetch_sub(1);
      }
      if (stopping_.load()) return;
      std::uint64_t word = call_.load();
      seen_epoch = CallState(word).epoch();
      if (Join(word)) {
        RunTasks(CallState(word).joined() + 1, home);
        Leave();
      }
    }
  }

  // On success `word` is the state before this worker joined.
  bool Join(std::uint64_t& word) {
    const std::uint64_t epoch = CallState(word).epoch();
    while (CallState(word).IsJoinable() && CallState(word).epoch() == epoch) {
      if (call_.compare_exchange_weak(word, word + CallState::kJoinedOne)) return true;
    }
    return false;
  }

  void Leave() {
    left_.fetch_add(1);
    if (caller_sleeps_.load()) {
      const std::lock_guard lock(mutex_);
      done_.notify_one();
    }
  }

  void NoteWidth(int width) {
    int widest = widest_run_.load(std::memory_order_relaxed);
    while (widest < width && !widest_run_.compare_exchange_weak(widest, width)) {
    }
  }

  std::atomic<int> thread_count_{1};
  std::atomic<bool> spins_{false};
  std::atomic<bool> start_failed_{false};
  std::atomic<bool> busy_{false};  // held by the caller whose call is shared
  std::atomic<int> widest_run_{0};

  // Neighboring tasks that one thread claims before it looks for others.
  struct alignas(64) Run {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  // The owner of busy_ alone writes these; workers read them between joining and leaving.
  int runs_ = 0;
  std::array<Run, kMaxThreads> run_of_;
  const FunctionRef<void(std::int64_t, int)>* body_ = nullptr;
  std::uint64_t epoch_ = 0;
  int started_ = 0;
  std::array<std::thread, kMaxThreads - 1> workers_;

  alignas(64) std::atomic<std::uint64_t> call_{0};
  std::atomic<std::int64_t> first_error_{0};  // tasks from here on are not run
  alignas(64) std::atomic<int> left_{0};
  std::atomic<int> participants_{0};

  // Sleeping: whoever goes to sleep announces it before its last look, whoever brings news
  // does so before looking for sleepers (all sequentially consistent), so no wake-up is lost.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> stopping_{false};
  std::exception_ptr error_;  // guarded by mutex_ while a call is shared
};

ThreadPool& ThreadPool::Shared() {
  // Never destroyed: threads of the host process may still compute while it exits.
  static ThreadPool* const pool = new ThreadPool(std::min(AvailableCpus(), kMaxThreads));
  return *pool;
}

ThreadPool::ThreadPool(int threads) : implementation_(std::make_unique<Implementation>(threads)) {}

ThreadPool::~ThreadPool() = default;

void ThreadPool::SetThreadCount(int threads) { implementation_->SetThreadCount(threads); }

int ThreadPool::thread_count() const { return implementation_->thread_count(); }

ThreadLimit::ThreadLimit(int most) : saved_(most_threads) {
  if (most > 0) most_threads = std::min(most, most_threads);
}

ThreadLimit::~ThreadLimit() { most_threads = saved_; }

void ThreadPool::ParallelFor(std::int64_t tasks, int max_workers,
                             FunctionRef<void(std::int64_t task, int worker)> body) {
  implementation_->ParallelFor(tasks, max_workers, body);
}

int ThreadPool::widest_run() const { return implementation_->widest_run(); }

void ThreadPool::ResetWidestRun() { implementation_->ResetWidestRun(); }

}  // namespace espalier
