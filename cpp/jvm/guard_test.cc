// SPDX-License-Identifier: Apache-2.0
#include "jvm/guard.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace espalier::jvm {
namespace {

template <typename Body>
std::string ErrorOf(Body body) {
  try {
    Guard(body);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Guard, PassesErrorsAndResults) {
  EXPECT_EQ(Guard([] { return 7; }), 7);
  EXPECT_EQ(ErrorOf([] { throw Error(ErrorCode::kShapeMismatch, "expected 1, got 2"); }),
            "SHAPE_MISMATCH: expected 1, got 2");
}

TEST(Guard, TurnsEveryOtherExceptionIntoAnError) {
  EXPECT_EQ(ErrorOf([] { throw std::bad_alloc(); }),
            "OUT_OF_MEMORY: the system has no memory left");
  EXPECT_EQ(ErrorOf([] { throw std::logic_error("odd"); }), "INTERNAL: odd");
  EXPECT_EQ(ErrorOf([] { throw 42; }), "INTERNAL: an exception of unknown type");
}

}  // namespace
}  // namespace espalier::jvm
