// SPDX-License-Identifier: Apache-2.0
#include "core/reserved_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "core/text.h"

namespace espalier {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void Refuse(const std::string& folder, std::int64_t bytes, int error) {
  Fail(ErrorCode::kOutOfMemory, "expected room for ", bytes, " bytes in folder ", folder,
       ", got: ", std::generic_category().message(error));
}

// A new file without a name, or -1.
int OpenNameless(const std::string& folder) {
#ifdef O_TMPFILE
  const int nameless = open(folder.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (nameless >= 0) return nameless;
#endif
  // Some file systems cannot do that: a name for the blink of an eye.
  std::string path = folder + "/espalier-XXXXXX";
  const int named = mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) unlink(path.c_str());
  return named;
}

}  // namespace

ReservedFile::ReservedFile(const std::string& folder, std::int64_t bytes) {
  if (bytes < 0) {
    Fail(ErrorCode::kInvalidArgument, "bytes of a file: expected at least 0, got ", bytes);
  }
  if (bytes == 0) return;
  const FileDescriptor file(OpenNameless(folder));
  if (file.get() < 0) Refuse(folder, bytes, errno);
  int error = EINTR;
  while (error == EINTR) error = posix_fallocate(file.get(), 0, bytes);
  if (error != 0) Refuse(folder, bytes, error);
  void* const mapped = mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) Refuse(folder, bytes, errno);
  data_ = mapped;
  bytes_ = bytes;
}

ReservedFile::~ReservedFile() {
  if (data_ != nullptr) munmap(data_, static_cast<std::size_t>(bytes_));
}

}  // namespace espalier
