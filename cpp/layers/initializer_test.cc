// SPDX-License-Identifier: Apache-2.0
#include "layers/initializer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/text.h"

namespace espalier {
namespace {

std::vector<float> Draw(const InitializerSpec& spec, std::size_t count, std::uint32_t index = 0) {
  std::vector<float> values(count, 9.0f);
  Initialize(spec, {.seed = 42, .purpose = RandomPurpose::kInitializer, .index = index}, values);
  return values;
}

TEST(Initializer, HasTheVarianceOfItsScheme) {
  const struct {
    const char* name;
    double variance;
  } cases[] = {{"he_normal", 2.0 / 50},     {"he_uniform", 2.0 / 50},
               {"glorot_normal", 2.0 / 80}, {"glorot_uniform", 2.0 / 80},
               {"lecun_normal", 1.0 / 50},  {"lecun_uniform", 1.0 / 50},
               {"small_normal", 1e-4},      {"standard_uniform", 1.0 / 150}};
  constexpr std::size_t kCount = 40000;
  for (const auto& c : cases) {
    const auto values = Draw({.name = c.name, .fan_in = 50, .fan_out = 30}, kCount);
    double mean = 0.0, square = 0.0, largest = 0.0;
    for (const float value : values) {
      mean += static_cast<double>(value) / kCount;
      square += static_cast<double>(value) * static_cast<double>(value) / kCount;
      largest = std::max(largest, static_cast<double>(std::abs(value)));
    }
    EXPECT_NEAR(mean, 0.0, 5 * std::sqrt(c.variance / kCount)) << c.name;
    EXPECT_NEAR(square, c.variance, 0.05 * c.variance) << c.name;
    const double limit = std::sqrt(3.0 * c.variance);
    const bool is_uniform = std::string_view(c.name).ends_with("uniform");
    EXPECT_EQ(largest <= limit * (1 + 1e-6), is_uniform) << c.name;
  }
}

TEST(Initializer, FillsConstants) {
  EXPECT_EQ(Draw({}, 3), std::vector<float>(3, 0.0f));
  EXPECT_EQ(Draw({.name = "constant", .value = 0.5}, 3), std::vector<float>(3, 0.5f));
}

TEST(Initializer, DependsOnTheKeyAlone) {
  const InitializerSpec spec = {.name = "he_normal", .fan_in = 3};
  EXPECT_EQ(Draw(spec, 17), Draw(spec, 17));
  EXPECT_NE(Draw(spec, 17), Draw(spec, 17, 1));
  const auto more = Draw(spec, 33);
  EXPECT_TRUE(std::equal(more.begin(), more.begin() + 17, Draw(spec, 17).begin()));
}

TEST(Initializer, ListsTheKnownForAnUnknownName) {
  EXPECT_TRUE(IsInitializer("lecun_uniform"));
  EXPECT_FALSE(IsInitializer("xavier"));
  try {
    Draw({.name = "he_norma"}, 1);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(message.find("glorot_uniform"), std::string::npos) << message;
    EXPECT_NE(message.find("did you mean 'he_normal'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace espalier
