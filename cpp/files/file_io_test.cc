// SPDX-License-Identifier: Apache-2.0
#include "files/file_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string>

#include "espalier/error.h"
#include "espalier/model_file.h"
#include "files/sample_network.h"

namespace espalier {
namespace {

std::string SaveError(const Network& network, const std::string& path) {
  try {
    SaveNetwork(network, path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    return error.what();
  }
  return "";
}

std::size_t FileCount(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

Network ChangedSample() {
  Network network = SampleNetwork();
  network.WriteParameter("features.bias", std::vector<float>(5, 9.0f));
  return network;
}

#ifdef ESPALIER_FAIL_POINTS

class FailingFiles : public ::testing::Test {
 protected:
  ~FailingFiles() override {
    FailFileOperation(0, 0);
    LimitFileTransfers(0);
  }
};

// Whichever operation of a save fails: an error that says so, the old file or (after the
// rename) the new one whole, and nothing else in the folder.
TEST_F(FailingFiles, EveryFailedOperationOfASaveLeavesAWholeFile) {
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  const Network old_network = SampleNetwork();
  const Network new_network = ChangedSample();
  SaveNetwork(new_network, path);
  const std::string new_bytes = ReadWholeFile(path);
  SaveNetwork(old_network, path);
  const std::string old_bytes = ReadWholeFile(path);
  ASSERT_NE(old_bytes, new_bytes);

  FailFileOperation(0, 0);
  SaveNetwork(old_network, path);
  const std::int64_t operations = FileOperationCount();
  EXPECT_GT(operations, 15);
  int kept = 0;
  for (std::int64_t nth = 1; nth <= operations; ++nth) {
    for (const int error : {EIO, ENOSPC}) {
      WriteWholeFile(path, old_bytes);
      FailFileOperation(nth, error);
      const std::string message = SaveError(new_network, path);
      FailFileOperation(0, 0);
      EXPECT_NE(message.find(path), std::string::npos) << nth << ": " << message;
      EXPECT_NE(message.find(error == EIO ? "Input/output error" : "No space left on device"),
                std::string::npos)
          << nth << ": " << message;
      const std::string bytes = ReadWholeFile(path);
      kept += bytes == old_bytes;
      const bool is_renamed = message.find("the file is written") != std::string::npos;
      EXPECT_EQ(bytes, is_renamed ? new_bytes : old_bytes) << nth << ": " << message;
      EXPECT_EQ(FileCount(folder), 1u) << nth << ": " << message;
    }
  }
  EXPECT_EQ(kept, 2 * (operations - 2));
}

TEST_F(FailingFiles, EveryFailedOperationOfALoadIsAnError) {
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  SaveNetwork(SampleNetwork(), path);
  FailFileOperation(0, 0);
  LoadNetwork(path);
  const std::int64_t operations = FileOperationCount();
  EXPECT_GT(operations, 10);
  for (std::int64_t nth = 1; nth <= operations; ++nth) {
    FailFileOperation(nth, EIO);
    try {
      LoadNetwork(path);
      ADD_FAILURE() << nth;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << nth << ": " << error.what();
    }
  }
}

TEST_F(FailingFiles, SignalsAndShortTransfersChangeNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  const Network network = SampleNetwork();
  SaveNetwork(network, path);
  const std::string bytes = ReadWholeFile(path);
  const std::int64_t operations = 40;
  for (std::int64_t nth = 1; nth <= operations; ++nth) {
    FailFileOperation(nth, EINTR);
    SaveNetwork(network, path);
    FailFileOperation(nth, EINTR);
    LoadNetwork(path);
  }
  FailFileOperation(0, 0);
  LimitFileTransfers(7);
  SaveNetwork(network, path);
  LoadNetwork(path);
  LimitFileTransfers(0);
  EXPECT_EQ(ReadWholeFile(path), bytes);
}

#endif

TEST(FileReplacement, KeepsASymbolicLinkAndChangesItsTarget) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "real");
  WriteWholeFile(folder.File("real/model"), "old");
  std::filesystem::create_symlink("real/model", folder.path() / "middle");
  std::filesystem::create_symlink("middle", folder.path() / "link");
  SaveNetwork(SampleNetwork(), folder.File("link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
  EXPECT_NO_THROW(LoadNetwork(folder.File("real/model")));
  EXPECT_EQ(FileCount(folder), 3u);
}

TEST(FileReplacement, FollowsALinkToAFileThatIsNotThereYet) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder.path() / "model", folder.path() / "link");
  SaveNetwork(SampleNetwork(), folder.File("link"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder.path() / "model"));
}

TEST(FileReplacement, RefusesWhatIsNotAFile) {
  const TemporaryFolder folder;
  const Network network = SampleNetwork();
  std::filesystem::create_directory(folder.path() / "folder");
  EXPECT_NE(SaveError(network, folder.File("folder")).find("got a folder"), std::string::npos);
  EXPECT_NE(SaveError(network, folder.File("new/")).find("expected the path of a file"),
            std::string::npos);
  EXPECT_NE(SaveError(network, folder.File("none/model")).find("No such file"), std::string::npos);
  EXPECT_NE(SaveError(network, "").find("expected the path of a file"), std::string::npos);
  EXPECT_NE(SaveError(network, "/dev/full").find("got a device"), std::string::npos);
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_NE(SaveError(network, folder.File("loop")).find("symbolic links"), std::string::npos);
  ASSERT_EQ(::mkfifo(folder.File("pipe").c_str(), 0600), 0);
  EXPECT_NE(SaveError(network, folder.File("pipe")).find("pipe"), std::string::npos);
  EXPECT_THROW(LoadNetwork(folder.File("pipe")), Error) << "without waiting for a writer";
  EXPECT_EQ(FileCount(folder), 3u);
}

TEST(FileReplacement, KeepsTheRightsOfTheFormerFile) {
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  WriteWholeFile(path, "old");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  SaveNetwork(SampleNetwork(), path);
  EXPECT_EQ(static_cast<int>(std::filesystem::status(path).permissions()), 0640);
}

TEST(FileReplacement, WritesIntoTheWorkingFolder) {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  SaveNetwork(SampleNetwork(), "model");
  std::filesystem::current_path(before);
  EXPECT_NO_THROW(LoadNetwork(folder.File("model")));
  EXPECT_EQ(FileCount(folder), 1u);
}

// A full disk, as a limit on the size of files: the process is told by an error, not a signal.
TEST(FileReplacement, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  const Network network = SampleNetwork();
  SaveNetwork(network, path);
  const std::string bytes = ReadWholeFile(path);
  ASSERT_NE(::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = SaveError(ChangedSample(), path);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(ReadWholeFile(path), bytes);
  EXPECT_EQ(FileCount(folder), 1u);
}

// Kills a process that saves two networks in turn: what is found is one of them, whole.
TEST(FileReplacement, KillingTheProcessNeverLosesTheFile) {
  constexpr int kKills = 50;
  const TemporaryFolder folder;
  const std::string path = folder.File("model");
  const Network a = SampleNetwork();
  const Network b = ChangedSample();
  SaveNetwork(b, path);
  const std::string bytes_b = ReadWholeFile(path);
  SaveNetwork(a, path);
  const std::string bytes_a = ReadWholeFile(path);
  int found_a = 0;
  int found_b = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        for (;;) {
          SaveNetwork(b, path);
          SaveNetwork(a, path);
        }
      } catch (...) {
        ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(1000 + 1777 * kill % 9000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed to save";
    const std::string bytes = ReadWholeFile(path);
    found_a += bytes == bytes_a;
    found_b += bytes == bytes_b;
    ASSERT_NO_THROW(LoadNetwork(path));
  }
  EXPECT_EQ(found_a + found_b, kKills);
  // What the killed have left, the next save in the folder takes away.
  SaveNetwork(a, path);
  EXPECT_EQ(FileCount(folder), 1u);
}

// A process that has begun to write and waits.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    process_ = ::fork();
    if (process_ == 0) {
      const FileReplacement file(path);
      const char byte = 1;
      if (::write(ready[1], &byte, 1) == 1) {
        for (;;) ::pause();
      }
      ::_exit(1);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Writer() { Kill(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  pid_t process_ = 0;
};

TEST(FileReplacement, LeavesAFileThatSomebodyWrites) {
  const TemporaryFolder folder;
  Writer writer(folder.File("other"));
  EXPECT_EQ(FileCount(folder), 1u);
  const FileReplacement ours(folder.File("third"));  // this process writes as well
  SaveNetwork(SampleNetwork(), folder.File("model"));
  EXPECT_EQ(FileCount(folder), 3u);
  writer.Kill();
  SaveNetwork(SampleNetwork(), folder.File("model"));
  EXPECT_EQ(FileCount(folder), 2u);
}

TEST(FileReplacement, LeavesOtherFilesAlone) {
  const TemporaryFolder folder;
  for (const char* name : {".espalier-.tmp", ".espalier-1-2.tmp.txt", ".espalier-a-1.tmp",
                           ".espalier-1-2-3.tmp", "espalier-1-2.tmp", ".espalier-1.tmp"}) {
    WriteWholeFile(folder.File(name), "mine");
  }
  WriteWholeFile(folder.File("aside"), "mine");
  std::filesystem::create_directory(folder.path() / ".espalier-3-4.tmp");
  std::filesystem::create_symlink("aside", folder.path() / ".espalier-5-6.tmp");
  WriteWholeFile(folder.File(".espalier-1-2.tmp"), "of nobody");
  SaveNetwork(SampleNetwork(), folder.File("model"));
  EXPECT_EQ(FileCount(folder), 10u);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / ".espalier-1-2.tmp"));
  EXPECT_EQ(ReadWholeFile(folder.File("aside")), "mine");
}

}  // namespace
}  // namespace espalier
