// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>

namespace espalier {

/// Who may touch a network now: many readers, or one trainer. Nobody ever waits; a
/// conflict throws INVALID_STATE. The thread that trains may itself read between steps.
class Access {
 public:
  /// Throws INVALID_STATE if another thread trains, or (write) anybody else is at it.
  void BeginRead(const char* what);
  void EndRead() noexcept;
  void BeginTraining(const char* what);   // the calling thread becomes the owner
  void EndTraining() noexcept;
  bool IsTraining() const;

 private:
  mutable std::mutex mutex_;
  int readers_ = 0;
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

}  // namespace espalier
