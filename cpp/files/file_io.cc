// SPDX-License-Identifier: Apache-2.0
#include "files/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/text.h"

namespace espalier {
namespace {

// One system call moves at most this much, so that sizes fit ssize_t everywhere.
constexpr std::size_t kMaxTransferBytes = std::size_t{1} << 30;
constexpr int kMaxLinks = 40;  // as Linux follows
constexpr int kMaxNames = 1000;

#ifdef ESPALIER_FAIL_POINTS
std::atomic<std::int64_t> operation_count{0};
std::atomic<std::int64_t> failing_operation{0};
std::atomic<int> failing_error{0};
std::atomic<std::int64_t> transfer_limit{0};

int InjectedError() {
  return operation_count.fetch_add(1) + 1 == failing_operation ? failing_error.load() : 0;
}

std::size_t TransferSize(std::size_t bytes) {
  const std::int64_t limit = transfer_limit;
  return std::min(bytes, limit > 0 ? static_cast<std::size_t>(limit) : kMaxTransferBytes);
}
#else
constexpr int InjectedError() { return 0; }
std::size_t TransferSize(std::size_t bytes) { return std::min(bytes, kMaxTransferBytes); }
#endif

// Runs a system call until no signal interrupts it.
template <typename Call>
auto Uninterrupted(Call call) -> decltype(call()) {
  for (;;) {
    if (const int error = InjectedError(); error != 0) {
      errno = error;
    } else if (const auto result = call(); result >= 0) {
      return result;
    }
    if (errno != EINTR) {
      return -1;
    }
  }
}

[[noreturn]] void FailIo(const char* what) {
  const int error = errno;
  Fail(ErrorCode::kIo, what, ": ", std::generic_category().message(error));
}

// The path that a chain of symbolic links ends at; it need not exist.
std::string FollowLinks(const std::string& path) {
  std::filesystem::path current(path);
  for (int links = 0; links <= kMaxLinks; ++links) {
    struct stat status{};
    if (Uninterrupted([&] { return ::lstat(current.c_str(), &status); }) != 0) {
      if (errno == ENOENT) {
        return current;
      }
      FailIo("cannot look at the file");
    }
    if (!S_ISLNK(status.st_mode)) {
      if (!S_ISREG(status.st_mode)) {
        Fail(ErrorCode::kIo, "expected a regular file, got a ",
             S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
      }
      return current;
    }
    std::error_code error;
    const std::filesystem::path target = std::filesystem::read_symlink(current, error);
    if (error) {
      Fail(ErrorCode::kIo, "cannot follow the symbolic link: ", error.message());
    }
    current = target.is_absolute() ? target : current.parent_path() / target;
  }
  Fail(ErrorCode::kIo, "expected at most ", kMaxLinks, " symbolic links, got more");
}

}  // namespace

#ifdef ESPALIER_FAIL_POINTS
void FailFileOperation(std::int64_t nth, int error_number) {
  operation_count = 0;
  failing_error = error_number;
  failing_operation = nth;
}

void LimitFileTransfers(std::int64_t bytes) { transfer_limit = bytes; }

std::int64_t FileOperationCount() { return operation_count; }
#endif

// The constructor it delegates to has made a whole object, so that the destructor cleans up
// after an error.
FileSource::FileSource(const std::string& path) : FileSource() {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  descriptor_ =
      Uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (descriptor_ < 0) {
    FailIo("cannot open the file");
  }
  struct stat status{};
  if (Uninterrupted([&] { return ::fstat(descriptor_, &status); }) != 0) {
    FailIo("cannot look at the file");
  }
  if (!S_ISREG(status.st_mode)) {
    Fail(ErrorCode::kIo, "expected a regular file, got a ",
         S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
  }
  size_ = status.st_size;
}

FileSource::~FileSource() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void FileSource::ReadAt(std::int64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = Uninterrupted(
        [&] { return ::pread(descriptor_, bytes.data(), TransferSize(bytes.size()), offset); });
    if (count < 0) {
      FailIo("cannot read the file");
    }
    if (count == 0) {
      Fail(ErrorCode::kModelFile, "expected ", bytes.size(), " more bytes at ", offset,
           ", got the end of the file");
    }
    offset += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void MemorySource::ReadAt(std::int64_t offset, std::span<std::byte> bytes) const {
  const std::int64_t wanted = static_cast<std::int64_t>(bytes.size());
  if (offset < 0 || offset > size() || wanted > size() - offset) {
    Fail(ErrorCode::kModelFile, "expected ", wanted, " more bytes at ", offset,
         ", got the end of the file");
  }
  if (wanted > 0) {
    std::memcpy(bytes.data(), bytes_.data() + offset, bytes.size());
  }
}

FileReplacement::FileReplacement(const std::string& path) : FileReplacement() {
  target_ = FollowLinks(path);
  const std::filesystem::path target(target_);
  if (!target.has_filename()) {
    Fail(ErrorCode::kIo, "expected the path of a file, got one that ends with a folder");
  }
  folder_ = target.has_parent_path() ? target.parent_path().string() : ".";
  OpenTemporary();
}

FileReplacement::~FileReplacement() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

void FileReplacement::OpenTemporary() {
  static std::atomic<std::uint64_t> serial{0};
  for (int i = 0; i < kMaxNames; ++i) {
    std::string name = Concat(folder_, "/.espalier-", ::getpid(), "-", serial.fetch_add(1), ".tmp");
    descriptor_ = Uninterrupted(
        [&] { return ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ >= 0) {
      temporary_ = std::move(name);
      break;
    }
    if (errno != EEXIST) {
      FailIo("cannot create a temporary file in the folder");
    }
  }
  if (descriptor_ < 0) {
    Fail(ErrorCode::kIo, "cannot find a free name for a temporary file in the folder");
  }
  struct stat former{};
  if (Uninterrupted([&] { return ::stat(target_.c_str(), &former); }) == 0) {
    if (Uninterrupted([&] { return ::fchmod(descriptor_, former.st_mode & 07777); }) != 0) {
      FailIo("cannot give the temporary file the rights of the former file");
    }
  } else if (errno != ENOENT) {
    FailIo("cannot look at the file");
  }
}

void FileReplacement::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = Uninterrupted(
        [&] { return ::write(descriptor_, bytes.data(), TransferSize(bytes.size())); });
    if (count <= 0) {
      errno = count == 0 ? EIO : errno;
      FailIo("cannot write the file");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void FileReplacement::CloseTemporary() {
  // Closed whatever close says; it reports what an earlier write could not.
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  const int injected = InjectedError();
  if (injected != 0) {
    errno = injected;
  }
  if ((closed != 0 || injected != 0) && errno != EINTR) {
    FailIo("cannot write the file");
  }
}

void FileReplacement::Commit() {
  if (Uninterrupted([&] { return ::fsync(descriptor_); }) != 0) {
    FailIo("cannot flush the file to the disk");
  }
  CloseTemporary();
  if (Uninterrupted([&] { return std::rename(temporary_.c_str(), target_.c_str()); }) != 0) {
    FailIo("cannot rename the temporary file");
  }
  temporary_.clear();
  const int folder =
      Uninterrupted([&] { return ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  const bool is_flushed = folder >= 0 && Uninterrupted([&] { return ::fsync(folder); }) == 0;
  const int error = errno;
  if (folder >= 0) {
    ::close(folder);
  }
  // Some file systems cannot flush a folder and say so; one that may not be listed cannot be
  // opened.
  if (!is_flushed && error != EINVAL && error != ENOTSUP && error != EACCES) {
    errno = error;
    FailIo("the file is written, but its folder cannot be flushed to the disk");
  }
}

}  // namespace espalier
