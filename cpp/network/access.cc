// SPDX-License-Identifier: Apache-2.0
#include "network/access.h"

#include "core/text.h"

namespace espalier {

void Access::CheckNotTrainedByOthers(const char* what) const {
  if (training_ && owner_ != std::this_thread::get_id()) {
    Fail(ErrorCode::kBusy, what, ": expected a network at rest, but another thread trains it");
  }
}

void Access::BeginRead(const char* what) {
  const std::lock_guard lock(mutex_);
  CheckNotTrainedByOthers(what);
  if (writing_) {
    Fail(ErrorCode::kBusy, what, ": expected a network at rest, but another call changes it");
  }
  ++readers_;
}

void Access::EndRead() noexcept {
  const std::lock_guard lock(mutex_);
  --readers_;
}

void Access::BeginWrite(const char* what) {
  const std::lock_guard lock(mutex_);
  CheckNotTrainedByOthers(what);
  if (writing_ || readers_ > 0) {
    Fail(ErrorCode::kBusy, what, ": expected a network at rest, but another call ",
         writing_ ? "changes" : "reads", " it");
  }
  writing_ = true;
}

void Access::EndWrite() noexcept {
  const std::lock_guard lock(mutex_);
  writing_ = false;
}

void Access::BeginTraining(const char* what) {
  const std::lock_guard lock(mutex_);
  if (training_) {
    Fail(ErrorCode::kBusy, what, ": expected a network at rest, but another trainer holds it");
  }
  if (writing_ || readers_ > 0) {
    Fail(ErrorCode::kBusy, what, ": expected a network at rest, but another call ",
         writing_ ? "changes" : "reads", " it");
  }
  training_ = true;
  owner_ = std::this_thread::get_id();
}

void Access::EndTraining() noexcept {
  const std::lock_guard lock(mutex_);
  training_ = false;
  owner_ = {};
}

bool Access::IsTraining() const {
  const std::lock_guard lock(mutex_);
  return training_;
}

}  // namespace espalier
