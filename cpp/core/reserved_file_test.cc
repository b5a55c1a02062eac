// SPDX-License-Identifier: Apache-2.0
#include "core/reserved_file.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "espalier/error.h"

namespace espalier {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

class ReservedFileTest : public ::testing::Test {
 protected:
  ReservedFileTest() : folder_(::testing::TempDir() + "reserved_file") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  ~ReservedFileTest() override { std::filesystem::remove_all(folder_); }

  bool IsEmpty() const { return std::filesystem::is_empty(folder_); }

  // "" if it was given.
  std::string Refusal(std::int64_t bytes) const {
    try {
      const ReservedFile file(folder_, bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      EXPECT_NE(std::string(error.what()).find(folder_), std::string::npos) << error.what();
      return error.what();
    }
    return "";
  }

  std::string folder_;
};

TEST_F(ReservedFileTest, HoldsWhatIsWrittenAndHasNoName) {
  ReservedFile file(folder_, kMebibyte + 13);
  EXPECT_TRUE(IsEmpty());
  char* const bytes = static_cast<char*>(file.data());
  for (const std::int64_t i : {std::int64_t{0}, kMebibyte / 3, kMebibyte + 12}) {
    EXPECT_EQ(bytes[i], 0);
  }
  std::memset(bytes, 7, static_cast<std::size_t>(file.bytes()));
  ReservedFile moved = std::move(file);
  EXPECT_EQ(file.data(), nullptr);
  EXPECT_EQ(static_cast<char*>(moved.data())[kMebibyte + 12], 7);
  moved = ReservedFile();
  EXPECT_TRUE(IsEmpty());
  EXPECT_EQ(ReservedFile(folder_, 0).data(), nullptr);
}

TEST_F(ReservedFileTest, FolderThatIsNotThereIsRefused) {
  std::filesystem::remove_all(folder_);
  EXPECT_NE(Refusal(100), "");
  std::filesystem::create_directory(folder_);
}

TEST_F(ReservedFileTest, SizeAboveTheProcesssLimitIsRefused) {
  rlimit former;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  const auto former_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 1 << 16, .rlim_max = former.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string refusal = Refusal(kMebibyte);
  setrlimit(RLIMIT_FSIZE, &former);
  std::signal(SIGXFSZ, former_handler);
  EXPECT_NE(refusal, "");
  EXPECT_TRUE(IsEmpty());
}

TEST_F(ReservedFileTest, FullDiskIsRefusedBeforeAnythingIsMapped) {
  if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "may not mount a file system";
  }
  {
    const ReservedFile half(folder_, kMebibyte / 2);
    EXPECT_NE(Refusal(kMebibyte), "");
    EXPECT_EQ(Refusal(kMebibyte / 4), "");
  }
  EXPECT_EQ(Refusal(kMebibyte / 4 * 3), "");  // what was reserved is given back
  EXPECT_EQ(umount(folder_.c_str()), 0);
}

}  // namespace
}  // namespace espalier
