// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/symmetric_bytes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace espalier {
namespace {

using Bytes = std::vector<std::int8_t>;

struct Quantized {
  Bytes q;
  float scale;
};

Quantized Quantize(const std::vector<float>& values) {
  Quantized result{Bytes(values.size()), 0.0f};
  result.scale = QuantizeSymmetric(values.data(), 1, static_cast<std::int64_t>(values.size()),
                                   result.q.data());
  return result;
}

std::vector<float> ValuesOf(const Bytes& q, float scale) {
  std::vector<float> values(q.size());
  DequantizeSymmetric(q.data(), scale, static_cast<std::int64_t>(q.size()), values.data());
  return values;
}

TEST(SymmetricBytes, WhatOthersQuantizedKeepsItsBytesAndScales) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> mantissa(1.0f, 2.0f);
  for (int most = 2; most <= 127; ++most) {
    for (int exponent : {-40, -7, 0, 30}) {
      const float scale = std::ldexp(mantissa(random), exponent);
      // 1 is among them, so they have no common factor.
      Bytes q = {1, static_cast<std::int8_t>(-most), 0};
      for (int i = 0; i < 60; ++i) {
        q.push_back(static_cast<std::int8_t>(static_cast<int>(random() % (2 * most + 1)) - most));
      }
      const std::vector<float> values = ValuesOf(q, scale);
      const Quantized again = Quantize(values);
      ASSERT_EQ(again.q, q) << "greatest " << most;
      ASSERT_EQ(again.scale, scale) << "greatest " << most;
      ASSERT_TRUE(AreSymmetricBytes(values.data(), static_cast<std::int64_t>(values.size())));
    }
  }
}

TEST(SymmetricBytes, WithACommonFactorTheyAreTheSameValues) {
  const std::vector<float> values = ValuesOf({6, -12, 18, 0}, 0.37f);
  const Quantized again = Quantize(values);
  EXPECT_EQ(again.q, (Bytes{1, -2, 3, 0}));
  EXPECT_EQ(ValuesOf(again.q, again.scale), values);
  for (const float scale : {0.3f, 0.7f, 1.1f, 0.013f}) {
    const std::vector<float> signs = ValuesOf({1, -1, 0}, scale);
    const Quantized of_signs = Quantize(signs);
    EXPECT_EQ(ValuesOf(of_signs.q, of_signs.scale), signs);
  }
}

TEST(SymmetricBytes, OthersAreRoundedToTheGreatestOver127AndStayAsTheyAreThen) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 200; ++round) {
    std::vector<float> values(3 + random() % 40);
    for (float& value : values) value = normal(random);
    // Also where the bytes are 0 and 127 alone, of which another scale would do.
    if (round % 2 == 1) values = {values[0], values[0] * 1e-4f, -values[0] * 0.9999f};
    float greatest = 0.0f;
    for (const float value : values) greatest = std::max(greatest, std::abs(value));
    const Quantized once = Quantize(values);
    EXPECT_EQ(once.scale, static_cast<float>(greatest / 127.0));
    EXPECT_FALSE(AreSymmetricBytes(values.data(), static_cast<std::int64_t>(values.size())));
    const Quantized twice = Quantize(ValuesOf(once.q, once.scale));
    EXPECT_EQ(twice.q, once.q);
    EXPECT_EQ(twice.scale, once.scale);
  }
}

TEST(SymmetricBytes, EdgesOfTheRange) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto are_bytes = [](const std::vector<float>& values) {
    return AreSymmetricBytes(values.data(), static_cast<std::int64_t>(values.size()));
  };
  EXPECT_EQ(Quantize({0.0f, -0.0f}).scale, 0.0f);
  EXPECT_TRUE(are_bytes({0.0f, -0.0f}));
  EXPECT_FALSE(are_bytes({0x1p-60f, 0.0f}));  // counts as 0
  EXPECT_TRUE(std::isnan(Quantize({1.0f, std::nanf("")}).scale));
  EXPECT_FALSE(are_bytes({1.0f, std::nanf("")}));
  // As a file may have them: 127 times the scale is finite.
  for (const std::vector<float>& values :
       {std::vector<float>{kMost}, {kMost, -kMost / 2}, {kMost, 1.0f}, {-kMost, kMost, 0.0f}}) {
    const Quantized quantized = Quantize(values);
    EXPECT_TRUE(std::isfinite(quantized.scale * 127.0f)) << quantized.scale;
    const Quantized again = Quantize(ValuesOf(quantized.q, quantized.scale));
    EXPECT_EQ(again.q, quantized.q);
    EXPECT_EQ(again.scale, quantized.scale);
  }
  // -128 has no byte of its own: the others move.
  EXPECT_FALSE(are_bytes({-128.0f, 1.0f}));
}

}  // namespace
}  // namespace espalier
