// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>

namespace espalier {

/// Who may touch a network now: many readers, one writer, or one trainer. Nobody ever
/// waits; a conflict throws BUSY. The thread that trains may itself read and write
/// between steps.
class Access {
 public:
  /// Throws BUSY if another thread trains or writes. `what` names the caller's verb.
  void BeginRead(const char* what);
  void EndRead() noexcept;

  /// Throws BUSY if another thread trains, or anybody reads or writes.
  void BeginWrite(const char* what);
  void EndWrite() noexcept;

  /// The calling thread becomes the owner. Throws BUSY if anybody trains, reads or
  /// writes. Any thread may end it.
  void BeginTraining(const char* what);
  void EndTraining() noexcept;
  bool IsTraining() const;

 private:
  void CheckNotTrainedByOthers(const char* what) const;  // mutex held

  mutable std::mutex mutex_;
  int readers_ = 0;
  bool writing_ = false;
  bool training_ = false;
  std::thread::id owner_;
};

/// A read for the length of a scope.
class ReadScope {
 public:
  ReadScope(Access& access, const char* what) : access_(access) { access_.BeginRead(what); }
  ~ReadScope() { access_.EndRead(); }
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

 private:
  Access& access_;
};

/// A change for the length of a scope.
class WriteScope {
 public:
  WriteScope(Access& access, const char* what) : access_(access) { access_.BeginWrite(what); }
  ~WriteScope() { access_.EndWrite(); }
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;

 private:
  Access& access_;
};

}  // namespace espalier
