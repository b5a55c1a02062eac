// SPDX-License-Identifier: Apache-2.0
#include "core/checked.h"
#include "core/cpu.h"
#include "core/thread_pool.h"

namespace espalier {
namespace {

// Workers' scratch never shares a cache line.
std::int64_t RoundUp(std::int64_t floats) {
  constexpr std::int64_t kLine = kAlignmentBytes / sizeof(float);
  return CheckedAdd(floats, kLine - 1) / kLine * kLine;
}

}  // namespace

Workspace::Workspace(int workers, std::int64_t scratch_floats_per_worker)
    : workers_(workers), scratch_floats_(scratch_floats_per_worker) {
  if (workers < 1 || workers > ThreadPool::kMaxThreads) {
    Fail(ErrorCode::kInvalidArgument, "workers: expected 1 to ", ThreadPool::kMaxThreads, ", got ",
         workers);
  }
  if (scratch_floats_per_worker < 0) {
    Fail(ErrorCode::kInvalidArgument, "scratch: expected at least 0 floats, got ",
         scratch_floats_per_worker);
  }
  owned_ = AlignedArray<float>(CheckedMultiply(RoundUp(scratch_floats_), workers_));
  scratch_ = owned_.data();
}

float* Workspace::ScratchOf(int worker) const {
  return scratch_ + worker * RoundUp(scratch_floats_);
}

void Workspace::ParallelFor(std::int64_t tasks,
                            FunctionRef<void(std::int64_t task, std::span<float> scratch)> body) {
  ParallelForWorkers(tasks, [&](std::int64_t task, int worker) {
    body(task, {ScratchOf(worker), static_cast<std::size_t>(scratch_floats_)});
  });
}

void Workspace::ParallelForWorkers(std::int64_t tasks,
                                   FunctionRef<void(std::int64_t task, int worker)> body) {
  if (workers_ == 1) {
    const FlushDenormals flush;
    for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  ThreadPool::Shared().ParallelFor(tasks, workers_, body);
}

}  // namespace espalier
