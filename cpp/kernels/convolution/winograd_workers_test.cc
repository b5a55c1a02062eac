// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/thread_pool.h"
#include "kernels/convolution/winograd.h"
#include "testing/cpu_targets.h"
#include "testing/tolerance.h"
#include "testing/widest_run.h"
#include "testing/winograd_cases.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::SameBits;
using testing::WinogradCase;
using testing::WinogradProblem;
using Options = WinogradProblem::Options;

// Too few tiles for one block a worker, so that the columns are cut; 4 x 4 with 64 channels is too
// little to be cut at all.
const WinogradCase kCases[] = {
    {"4x4, 64 to 64", 1, 64, 4, 4, 64},
    {"4x4, 256 to 256", 1, 256, 4, 4, 256},
    {"8x8, 256 to 256", 1, 256, 8, 8, 256},
    {"7x6, ragged panels", 1, 131, 7, 6, 273},
};

TEST(WinogradWorkers, DoNotShowInTheBits) {
  ThreadPool::Shared().SetThreadCount(8);
  for (const WinogradCase& c : kCases) {
    SCOPED_TRACE(c.name);
    const WinogradProblem problem(c);
    const std::vector<float> bias =
        WinogradProblem::NormalFloats(static_cast<std::size_t>(c.outputs), 4);
    const Epilogue epilogue{.column_bias = bias.data(), .activation = Activation::kRelu};
    ForEachCpuTarget([&] {
      for (const std::int64_t tile : {2, 4}) {
        SCOPED_TRACE(tile);
        const std::pair<const char*, std::function<std::vector<float>(int)>> products[] = {
            {"forward",
             [&](int workers) {
               return problem.Forward({.tile = tile, .workers = workers, .epilogue = epilogue});
             }},
            {"pooled",
             [&](int workers) {
               return problem.Forward(
                   {.tile = tile, .workers = workers, .epilogue = epilogue, .pools = true});
             }},
            {"gradient of the input",
             [&](int workers) { return problem.GradInput({.tile = tile, .workers = workers}); }},
            {"gradient of the weights",
             [&](int workers) { return problem.GradWeights({.tile = tile, .workers = workers}); }},
        };
        for (const auto& [name, product] : products) {
          SCOPED_TRACE(name);
          const std::vector<float> alone = product(1);
          for (const int workers : {2, 3, 8}) {
            EXPECT_TRUE(SameBits(product(workers), alone)) << workers;
          }
        }
      }
    });
  }
}

// What the test above takes for granted: with as few tiles as these, one block, it is columns
// that are shared.
TEST(WinogradWorkers, ShareColumnsWhereTilesAreFew) {
  ThreadPool::Shared().SetThreadCount(8);
  const WinogradProblem problem(kCases[2]);
  const Options options{.tile = 4, .workers = 8};
  const std::pair<const char*, std::function<void()>> products[] = {
      {"forward", [&] { problem.Forward(options); }},
      {"gradient of the input", [&] { problem.GradInput(options); }},
      {"gradient of the weights", [&] { problem.GradWeights(options); }},
  };
  for (const auto& [name, run] : products) {
    SCOPED_TRACE(name);
    EXPECT_GT(testing::WidestRunOf(run), 1);
  }
}

}  // namespace
}  // namespace espalier
