// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files, read piece by piece and replaced as a whole. Errors are IO with the system's text;
// the caller adds the path.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace espalier {

/// Where bytes come from: a file, or memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::int64_t size() const = 0;
  /// Fills `bytes` from `offset`. Throws Error: MODEL_FILE if there are fewer.
  virtual void ReadAt(std::int64_t offset, std::span<std::byte> bytes) const = 0;
};

/// A regular file, open for reading; never mapped, so that a file which others cut or
/// rewrite meanwhile is an error and not a signal.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::int64_t size() const override { return size_; }
  void ReadAt(std::int64_t offset, std::span<std::byte> bytes) const override;

 private:
  FileSource() = default;

  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// Borrowed memory.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }
  void ReadAt(std::int64_t offset, std::span<std::byte> bytes) const override;

 private:
  std::span<const std::byte> bytes_;
};

/// A file that appears under its path complete or not at all: written to a temporary file
/// in the same folder, flushed to the disk, renamed; then the folder is flushed. Until
/// `Commit` a former file stays as it is; a symbolic link stays a link, its target changes.
///
/// A process that is killed leaves its temporary file. Whoever writes one holds a lock on it, so
/// the next replacement in the folder removes those that nobody locks, on file systems of this
/// machine alone: where others share a folder, a lock may be known to its own machine only.
class FileReplacement {
 public:
  explicit FileReplacement(const std::string& path);
  ~FileReplacement();  ///< without Commit: removes the temporary file
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;

  void Write(std::span<const std::byte> bytes);
  void Commit();

 private:
  FileReplacement() = default;
  void OpenTemporary();
  bool LockTemporary(const std::string& name);
  void CloseTemporary();

  std::string target_;     // `path` with links followed
  std::string folder_;     // of the target
  std::string temporary_;  // empty if there is none (any more)
  int descriptor_ = -1;
  int lock_ = -1;  // the same file, open until it has its name
};

#ifdef ESPALIER_FAIL_POINTS
/// Tests: the n-th operation on a file from now (1 = next) fails with this errno. 0: off.
void FailFileOperation(std::int64_t nth, int error_number);
/// Tests: one read or write moves at most so many bytes. 0: no limit.
void LimitFileTransfers(std::int64_t bytes);
/// Tests: operations since the last FailFileOperation.
std::int64_t FileOperationCount();
#endif

}  // namespace espalier
