// SPDX-License-Identifier: Apache-2.0
#include "espalier/error.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "core/checked.h"
#include "core/text.h"

namespace espalier {
namespace {

TEST(Error, BeginsWithTheCodesName) {
  const Error error(ErrorCode::kShapeMismatch, "expected [2], got [3]");
  EXPECT_STREQ(error.what(), "SHAPE_MISMATCH: expected [2], got [3]");
  EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
}

TEST(Error, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.insert(ErrorCodeName(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"INVALID_ARGUMENT", "SHAPE_MISMATCH",
                                               "INVALID_STATE", "CLOSED", "BUSY", "MODEL_FILE",
                                               "IO", "OUT_OF_MEMORY", "NON_FINITE", "INTERNAL"}));
}

TEST(Text, FailConcatenates) {
  try {
    Fail(ErrorCode::kIo, "expected ", 1, ", got ", 2.5);
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "IO: expected 1, got 2.5");
  }
  EXPECT_EQ(Join(std::initializer_list<int>{1, 2, 3}, ", "), "1, 2, 3");
}

TEST(Checked, ThrowsInsteadOfWrapping) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(CheckedMultiply(46341, 46341), 2147488281);
  EXPECT_EQ(CheckedAdd(kMax - 1, 1), kMax);
  EXPECT_THROW(CheckedMultiply(kMax / 2 + 1, 2), Error);
  EXPECT_THROW(CheckedAdd(kMax, 1), Error);
}

}  // namespace
}  // namespace espalier
