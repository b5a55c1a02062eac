// SPDX-License-Identifier: Apache-2.0
#include "jvm/handle_objects.h"

#include "core/checked.h"
#include "core/text.h"

namespace espalier::jvm {

void RefuseToBorrow(const char* what, std::int64_t address, std::int64_t count) {
  if (count < 0) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected at least 0 elements, got ", count);
  }
  if (address == 0) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected memory, got null");
  }
  Fail(ErrorCode::kInvalidArgument, what, ": expected fewer elements than memory can hold, got ",
       count);
}

HeadTable::HeadTable(const Network& network) {
  for (const HeadSpec& head : network.Spec().heads) {
    heads_.push_back({head.task.kind, static_cast<std::int64_t>(head.task.labels.size())});
    total_width_ += heads_.back().width;
  }
}

void HeadTable::ReadTargets(std::int64_t batch, const std::int64_t* targets,
                            const std::int64_t* masks, std::span<TaskTargets> result) const {
  if (targets == nullptr) {
    Fail(ErrorCode::kInvalidArgument, "targets: expected an address for each head, got null");
  }
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    const std::int64_t count =
        head.kind == TaskKind::kClasses ? batch : CheckedMultiply(batch, head.width);
    result[i] = TaskTargets{};
    if (targets[i] == 0) {
      continue;
    }
    if (head.kind == TaskKind::kClasses) {
      result[i].classes = Borrow<const std::int32_t>("targets", targets[i], count);
    } else {
      result[i].values = Borrow<const float>("targets", targets[i], count);
    }
    if (masks != nullptr && masks[i] != 0) {
      result[i].mask = Borrow<const std::uint8_t>("masks", masks[i], count);
    }
  }
}

std::int64_t InputSize(const Network& network) {
  std::int64_t size = 0;
  for (const InputSpec& input : network.Spec().inputs) size += input.shape.element_count();
  return size;
}

TrainerObject::TrainerObject(Network& network, const TrainerConfig& config)
    : trainer(network, config),
      heads(network),
      input_size(InputSize(network)),
      targets(heads.count()) {}

BusyTrainer::BusyTrainer(TrainerObject& trainer) : trainer_(trainer) {
  if (trainer_.is_busy.test_and_set(std::memory_order_acquire)) {
    Fail(ErrorCode::kBusy, "trainer is in use by another thread");
  }
}

std::string_view Text(const char* what, const char* text) {
  if (text == nullptr) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected text, got null");
  }
  return text;
}

}  // namespace espalier::jvm
