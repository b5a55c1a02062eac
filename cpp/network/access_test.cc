// SPDX-License-Identifier: Apache-2.0
#include "network/access.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "espalier/error.h"

namespace espalier {
namespace {

template <typename Call>
std::string Refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBusy);
    return error.what();
  }
  return "";
}

template <typename Call>
std::string RefusalOnOtherThread(Call call) {
  std::string message;
  std::thread([&] { message = Refusal(call); }).join();
  return message;
}

TEST(Access, ReadersShare) {
  Access access;
  const ReadScope first(access, "read");
  EXPECT_EQ(RefusalOnOtherThread([&] { const ReadScope second(access, "read"); }), "");
}

TEST(Access, WriterIsAlone) {
  Access access;
  {
    const WriteScope writing(access, "write");
    EXPECT_NE(Refusal([&] { access.BeginRead("read"); }), "");
    EXPECT_NE(Refusal([&] { access.BeginWrite("freeze"); }), "");
    EXPECT_NE(Refusal([&] { access.BeginTraining("train"); }), "");
  }
  const ReadScope reading(access, "read");
  EXPECT_NE(Refusal([&] { access.BeginWrite("freeze"); }), "");
  EXPECT_NE(Refusal([&] { access.BeginTraining("train"); }), "");
}

TEST(Access, TrainerKeepsOthersOut) {
  Access access;
  access.BeginTraining("train");
  EXPECT_TRUE(access.IsTraining());
  EXPECT_NE(RefusalOnOtherThread([&] { access.BeginRead("save"); }).find("save"),
            std::string::npos);
  EXPECT_NE(RefusalOnOtherThread([&] { access.BeginWrite("freeze"); }), "");
  EXPECT_NE(RefusalOnOtherThread([&] { access.BeginTraining("train"); }), "");
  EXPECT_NE(Refusal([&] { access.BeginTraining("train"); }), "");
  // Its own thread may look and change between steps.
  EXPECT_EQ(Refusal([&] { const ReadScope reading(access, "read"); }), "");
  EXPECT_EQ(Refusal([&] { const WriteScope writing(access, "freeze"); }), "");
  // Any thread may give it back: a cleaner runs wherever it wants.
  std::thread([&] { access.EndTraining(); }).join();
  EXPECT_FALSE(access.IsTraining());
  EXPECT_EQ(RefusalOnOtherThread([&] { const WriteScope writing(access, "freeze"); }), "");
}

TEST(Access, NeverLetsTwoWritersIn) {
  Access access;
  std::atomic<int> inside{0};
  std::atomic<int> collisions{0};
  std::atomic<int> entered{0};
  int unguarded = 0;  // a race if the exclusion fails; TSan would tell
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        try {
          const WriteScope writing(access, "write");
          collisions += inside.fetch_add(1) != 0 ? 1 : 0;
          ++unguarded;
          ++entered;
          inside.fetch_sub(1);
        } catch (const Error&) {
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(collisions, 0);
  EXPECT_EQ(unguarded, entered);
  EXPECT_GT(entered, 0);
}

}  // namespace
}  // namespace espalier
