// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "testing/onnx_model.h"

namespace espalier {
namespace {

ForeignTensor Read(const ProtoWriter& tensor) {
  const std::string& bytes = tensor.bytes();

  return ReadOnnxTensor(ProtoMessage(std::as_bytes(std::span(bytes))), nullptr).tensor;
}

// A tensor of `type` with elements in the typed field.
ProtoWriter Typed(std::int64_t type, int field, const std::vector<std::int64_t>& values) {
  ProtoWriter tensor;
  tensor.Integer(1, static_cast<std::int64_t>(values.size())).Integer(2, type);
  for (const std::int64_t value : values) tensor.Integer(field, value);
  return tensor;
}

TEST(OnnxTensor, ReadsTypedFields) {
  const std::vector<std::int64_t> values = {3, -2, 1};
  EXPECT_EQ(Read(Typed(7, 7, values)).Integers(), values);
  EXPECT_EQ(Read(Typed(6, 5, values)).Integers(), values);
  EXPECT_EQ(Read(Typed(3, 5, values)).Integers(), values);
  EXPECT_EQ(Read(Typed(5, 5, values)).Integers(), values);
  EXPECT_EQ(Read(Typed(2, 5, {255, 0, 7})).Integers(), (std::vector<std::int64_t>{255, 0, 7}));
  EXPECT_EQ(Read(Typed(13, 11, {5, 6})).Integers(), (std::vector<std::int64_t>{5, 6}));
  EXPECT_EQ(Read(Typed(9, 5, {1, 0})).Integers(), (std::vector<std::int64_t>{1, 0}));
  ProtoWriter floats;
  floats.Integer(1, 2).Integer(2, 1).Float(4, 1.5f).Float(4, -2.0f);
  EXPECT_EQ(Read(floats).Floats(), (std::vector<float>{1.5f, -2.0f}));
}

TEST(OnnxTensor, ReadsPackedFields) {
  ProtoWriter packed;
  const std::vector<float> values = {0.5f, 4.0f};
  packed.Bytes(1, "\x02").Integer(2, 1);
  packed.Bytes(4, std::string(reinterpret_cast<const char*>(values.data()), 8));
  EXPECT_EQ(Read(packed).Floats(), values);
  ProtoWriter integers;
  integers.Integer(1, 2).Integer(2, 7).Bytes(7, std::string("\x96\x01\x07", 3));
  EXPECT_EQ(Read(integers).Integers(), (std::vector<std::int64_t>{150, 7}));
}

TEST(OnnxTensor, WidensHalfPrecision) {
  const std::vector<std::int64_t> halves = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x0400, 0x8000, 0x7C00};
  const std::vector<float> expected = {1.0f,
                                       -2.0f,
                                       65504.0f,
                                       std::ldexp(1.0f, -24),
                                       std::ldexp(1.0f, -14),
                                       -0.0f,
                                       std::numeric_limits<float>::infinity()};
  EXPECT_EQ(Read(Typed(10, 5, halves)).Floats(), expected);
  EXPECT_TRUE(std::isnan(Read(Typed(10, 5, {0x7E00})).FloatAt(0)));
  EXPECT_EQ(Read(Typed(16, 5, {0x3F80, 0xC040})).Floats(), (std::vector<float>{1.0f, -3.0f}));
}

TEST(OnnxTensor, RefusesTooFewAndTooMany) {
  ProtoWriter few = Typed(7, 7, {1, 2});
  few.Integer(1, 2);
  EXPECT_THROW(Read(few), Error);
  EXPECT_THROW(Read(Typed(7, 5, {1}).Integer(7, 2)), Error);
}

TEST(ForeignTensor, TakesRealNumbersTowardsZero) {
  const auto tensor = ForeignTensor::OfFloats({4}, {1.9f, -1.9f, 1e30f, std::nanf("")});
  EXPECT_EQ(tensor.IntegerAt(0), 1);
  EXPECT_EQ(tensor.IntegerAt(1), -1);
  EXPECT_EQ(tensor.IntegerAt(2), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(tensor.IntegerAt(3), 0);
  EXPECT_EQ(tensor.Reshaped({2, 2}).FloatAt(0), 1.9f);
  EXPECT_THROW(tensor.Reshaped({3}), Error);
}

}  // namespace
}  // namespace espalier
