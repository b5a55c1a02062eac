// SPDX-License-Identifier: Apache-2.0
#include "files/file_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

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

constexpr std::string_view kTemporaryPrefix = ".espalier-";
constexpr std::string_view kTemporarySuffix = ".tmp";

// ".espalier-<process>-<serial>.tmp".
bool IsTemporaryName(std::string_view name) {
  if (!name.starts_with(kTemporaryPrefix) || !name.ends_with(kTemporarySuffix)) return false;
  name.remove_prefix(kTemporaryPrefix.size());
  name.remove_suffix(kTemporarySuffix.size());
  return std::count(name.begin(), name.end(), '-') == 1 &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

// True if all who may use the file system do so through this kernel, which knows their locks.
bool IsLocal(int folder) {
  struct statfs system{};
  if (::fstatfs(folder, &system) != 0) return false;
  constexpr std::array<std::uint32_t, 7> kLocal = {
      0xEF53u,      // ext2, ext3, ext4
      0x58465342u,  // XFS
      0x9123683Eu,  // Btrfs
      0x01021994u,  // tmpfs
      0x794C7630u,  // overlay
      0xF2F52010u,  // F2FS
      0x2FC12FC1u,  // ZFS
  };
  return std::find(kLocal.begin(), kLocal.end(), static_cast<std::uint32_t>(system.f_type)) !=
         kLocal.end();
}

bool AreSame(int descriptor, int folder, const char* name) {
  struct stat open{};
  struct stat named{};
  return ::fstat(descriptor, &open) == 0 &&
         ::fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

// Removes a temporary file whose writer is dead: one that can be locked.
void RemoveIfAbandoned(int folder, const char* name) {
  const int file =
      ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return;
  struct stat status{};
  // Its writer may have given it its final name meanwhile, and another one this name.
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
      ::flock(file, LOCK_EX | LOCK_NB) == 0 && AreSame(file, folder, name)) {
    ::unlinkat(folder, name, 0);
  }
  ::close(file);
}

// What stands in its way is no error of whoever saves.
void RemoveAbandoned(const std::string& path) {
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) return;
  if (IsLocal(::dirfd(folder))) {
    while (const dirent* entry = ::readdir(folder)) {
      if (IsTemporaryName(entry->d_name)) RemoveIfAbandoned(::dirfd(folder), entry->d_name);
    }
  }
  ::closedir(folder);
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
  RemoveAbandoned(folder_);
  OpenTemporary();
}

FileReplacement::~FileReplacement() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

void FileReplacement::OpenTemporary() {
  static std::atomic<std::uint64_t> serial{0};
  for (int i = 0; i < kMaxNames; ++i) {
    std::string name = Concat(folder_, "/.espalier-", ::getpid(), "-", serial.fetch_add(1), ".tmp");
    descriptor_ = Uninterrupted(
        [&] { return ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ >= 0) {
      if (LockTemporary(name)) {
        temporary_ = std::move(name);
        break;
      }
      ::close(std::exchange(descriptor_, -1));
      continue;
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

// False if another process took the file for abandoned before it was locked. The lock is on what
// both descriptors share. Where there are no locks, nobody takes any file for abandoned.
bool FileReplacement::LockTemporary(const std::string& name) {
  lock_ = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (lock_ < 0) {
    const int error = errno;
    ::unlink(name.c_str());
    errno = error;
    FailIo("cannot lock the temporary file");
  }
  const bool is_locked = ::flock(lock_, LOCK_EX | LOCK_NB) == 0;
  if (is_locked && AreSame(lock_, AT_FDCWD, name.c_str())) return true;
  const bool is_taken = is_locked || errno == EWOULDBLOCK;
  ::close(std::exchange(lock_, -1));
  return !is_taken;
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
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
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
