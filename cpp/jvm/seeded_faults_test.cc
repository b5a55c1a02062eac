// SPDX-License-Identifier: Apache-2.0
#include "jvm/seeded_faults.h"

#include <gtest/gtest.h>

#include <string_view>

#include "espalier/error.h"
#include "jvm/bridge.h"

namespace espalier::jvm {
namespace {

#ifdef ESPALIER_SEEDED_FAULTS

// A sanitizer that reports nothing here is one whose silence elsewhere proves nothing.
class SeededFaults : public ::testing::Test {
 protected:
  // Each in a process that starts afresh: a sanitizer does not like a fork with threads.
  SeededFaults() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SeededFaults, AreReported) {
  const std::string_view sanitizers = ESPALIER_SEEDED_FAULTS;
  ASSERT_TRUE(sanitizers == "address,undefined" || sanitizers == "thread") << sanitizers;
  if (sanitizers == "thread") {
    EXPECT_DEATH(throwError(kDataRace), "ThreadSanitizer: data race");
  } else {
    EXPECT_DEATH(throwError(kHeapOverflow), "AddressSanitizer: heap-buffer-overflow");
    EXPECT_DEATH(throwError(kSignedOverflow), "runtime error: signed integer overflow");
  }
}

#else

TEST(SeededFaults, AreNotInBuildsWithoutSanitizers) {
  for (const int number : {-1001, -1002, -1003}) {
    try {
      throwError(number);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
}

#endif

}  // namespace
}  // namespace espalier::jvm
