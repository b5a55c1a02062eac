// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/image_layout.h"

#include <gtest/gtest.h>

#include <vector>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

constexpr std::int64_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 67};

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

float Value(std::int64_t c, std::int64_t p) { return static_cast<float>(100 * c + p); }

// Between pages that fault, in runs of positions that do not fit vectors.
template <typename Convert>
void ForRuns(std::int64_t positions, Convert convert) {
  const std::int64_t middle = positions / 3;
  if (middle > 0) convert(0, middle);
  convert(middle, positions);
}

TEST(ImageLayout, ThereAndBackOnEverySize) {
  testing::ForEachCpuTarget([] {
    for (const std::int64_t channels : kSizes) {
      for (const std::int64_t positions : kSizes) {
        const ImageLayout layout{channels, positions};
        for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
          GuardedFloats first(At(channels * positions), side);
          GuardedFloats last(At(channels * positions), side);
          GuardedFloats back(At(channels * positions), side);
          for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t p = 0; p < positions; ++p) {
              first.data()[c * positions + p] = Value(c, p);
            }
          }
          ForRuns(positions, [&](std::int64_t begin, std::int64_t end) {
            ToChannelsLast(layout, begin, end, first.data(), last.data());
          });
          for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t p = 0; p < positions; ++p) {
              ASSERT_EQ(last.data()[p * channels + c], Value(c, p))
                  << channels << " x " << positions << ": " << c << ", " << p;
            }
          }
          ForRuns(positions, [&](std::int64_t begin, std::int64_t end) {
            ToChannelsFirst(layout, begin, end, last.data(), back.data());
          });
          ASSERT_EQ(back.ToVector(), first.ToVector()) << channels << " x " << positions;
        }
      }
    }
  });
}

TEST(ImageLayout, NormalizesOnTheWay) {
  testing::ForEachCpuTarget([] {
    for (const std::int64_t channels : kSizes) {
      std::vector<float> mean, scale;
      for (std::int64_t c = 0; c < channels; ++c) {
        mean.push_back(static_cast<float>(c) - 2.5f);
        scale.push_back(1.0f / static_cast<float>(c + 1));
      }
      for (const std::int64_t positions : kSizes) {
        GuardedFloats first(At(channels * positions));
        GuardedFloats last(At(channels * positions));
        for (std::int64_t i = 0; i < channels * positions; ++i) {
          first.data()[i] = static_cast<float>(i * 7 % 23);
        }
        ForRuns(positions, [&](std::int64_t begin, std::int64_t end) {
          NormalizeToChannelsLast({channels, positions}, begin, end, mean.data(), scale.data(),
                                  first.data(), last.data());
        });
        for (std::int64_t c = 0; c < channels; ++c) {
          for (std::int64_t p = 0; p < positions; ++p) {
            ASSERT_EQ(last.data()[p * channels + c],
                      (first.data()[c * positions + p] - mean[At(c)]) * scale[At(c)])
                << channels << " x " << positions << ": " << c << ", " << p;
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
