// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "espalier/error.h"

namespace espalier::testing {

/// Runs `call`, expects an Error of `code` and returns its message.
template <typename Call>
std::string MessageOf(ErrorCode code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "expected an error " << ErrorCodeName(code);
  return "";
}

}  // namespace espalier::testing
