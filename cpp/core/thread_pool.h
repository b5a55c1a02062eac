// SPDX-License-Identifier: Apache-2.0
#pragma once

// One pool of workers for the whole process, and the scratch memory that goes with a
// plan's use of it.

#include <cstdint>
#include <memory>
#include <span>

#include "core/function_ref.h"
#include "core/memory.h"

namespace espalier {

/// Runs tasks that were split by problem size, never by thread count, so that results do
/// not depend on how many workers take part. Workers start when first needed; if the
/// system gives no thread, fewer take part. Between calls they sleep.
class ThreadPool {
 public:
  static ThreadPool& Shared();

  explicit ThreadPool(int threads);
  ~ThreadPool();

  /// The caller's thread included. 1 to kMaxThreads.
  static constexpr int kMaxThreads = 256;
  void SetThreadCount(int threads);
  /// Of a call from this thread: no more than its ThreadLimit.
  int thread_count() const;

  /// Calls body(task, worker) once for each task in [0, tasks), on at most `max_workers`
  /// threads; worker is in [0, max_workers) and 0 is the caller. Returns when all are
  /// done; rethrows the first exception after that. If another thread is using the pool,
  /// or from inside a body, everything runs on the caller: never a wait, never a deadlock.
  void ParallelFor(std::int64_t tasks, int max_workers,
                   FunctionRef<void(std::int64_t task, int worker)> body);

  /// Highest number of threads that ran at least one task of one ParallelFor since the
  /// last reset; for tests that must know that work was really shared.
  int widest_run() const;
  void ResetWidestRun();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// While it lives, calls from the thread that made it have at most `most` threads of any pool;
/// inside another limit, the smaller one holds. 0: no limit.
class ThreadLimit {
 public:
  explicit ThreadLimit(int most);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int saved_;
};

/// A plan's way to run in parallel: a fixed number of workers with scratch memory each,
/// allocated once. One call at a time.
class Workspace {
 public:
  /// `workers` 1: everything runs on the caller's thread and the pool is never touched.
  Workspace(int workers, std::int64_t scratch_floats_per_worker);

  /// One worker alone, on the scratch of this one's worker `worker`, which it borrows.
  Workspace Alone(int worker) const { return Workspace(ScratchOf(worker), scratch_floats_); }

  int workers() const { return workers_; }
  std::int64_t scratch_floats() const { return scratch_floats_; }

  /// body(task, scratch): scratch belongs to the worker for the task, contents undefined.
  void ParallelFor(std::int64_t tasks,
                   FunctionRef<void(std::int64_t task, std::span<float> scratch)> body);

  /// The same for a body that has its scratch from Alone(worker).
  void ParallelForWorkers(std::int64_t tasks,
                          FunctionRef<void(std::int64_t task, int worker)> body);

  /// The scratch of the worker that is the caller; not while ParallelFor runs.
  std::span<float> caller_scratch() {
    return {scratch_, static_cast<std::size_t>(scratch_floats_)};
  }

  std::int64_t NativeBytes() const { return owned_.bytes(); }  ///< not of what is borrowed

 private:
  Workspace(float* scratch, std::int64_t floats)
      : workers_(1), scratch_floats_(floats), scratch_(scratch) {}

  float* ScratchOf(int worker) const;

  int workers_;
  std::int64_t scratch_floats_;
  AlignedArray<float> owned_;
  float* scratch_;
};

}  // namespace espalier
