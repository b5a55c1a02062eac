// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "core/thread_pool.h"

namespace espalier::testing {

/// Calls until several workers of the shared pool have had a part in it, and returns how many; 1
/// if they never do. A call may be over before another worker wakes up, on a busy machine hundreds
/// of times in a row, hence up to five minutes.
template <typename Call>
int WidestRunOf(const Call& call) {
  ThreadPool& pool = ThreadPool::Shared();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  pool.ResetWidestRun();
  do {
    call();
  } while (pool.widest_run() < 2 && std::chrono::steady_clock::now() < end);
  return pool.widest_run();
}

}  // namespace espalier::testing
