// SPDX-License-Identifier: Apache-2.0
#include "jvm/handle_table.h"

#include <memory>

namespace espalier::jvm {
namespace {

std::int64_t IdOf(std::uint32_t generation, std::uint32_t slot) {
  return static_cast<std::int64_t>(std::uint64_t{generation} << 32 | slot);
}

}  // namespace

const char* HandleKindName(HandleKind kind) {
  switch (kind) {
    case HandleKind::kNetwork:
      return "network";
    case HandleKind::kTrainer:
      return "trainer";
    case HandleKind::kPredictor:
      return "predictor";
    case HandleKind::kModelReader:
      return "model reader";
    case HandleKind::kModelWriter:
      return "model writer";
    case HandleKind::kFeatures:
      return "features";
    case HandleKind::kFeaturePredictor:
      return "feature predictor";
    case HandleKind::kForeignImporter:
      return "ONNX importer";
  }
  return "object";
}

constinit HandleTable::Undestroyed HandleTable::shared_;

HandleTable::~HandleTable() {
  for (std::atomic<Slot*>& chunk : chunks_) {
    delete[] chunk.load();
  }
}

std::int64_t HandleTable::Open(HandleKind kind, void* object, Destroy destroy) {
  const std::uint32_t index = TakeSlot();
  Slot& slot = SlotAt(index);
  slot.kind = kind;
  slot.object = object;
  slot.destroy = destroy;
  const std::uint32_t generation =
      HandleWord(slot.word.load(std::memory_order_relaxed)).generation() + 1;
  live_count_.fetch_add(1, std::memory_order_relaxed);
  slot.word.store(HandleWord::Open(generation).bits(), std::memory_order_release);
  return IdOf(generation, index);
}

std::pair<void*, HandleKind> HandleTable::EnterAny(std::int64_t id) {
  Slot* slot = TryEnter(id);
  if (slot == nullptr) {
    Fail(ErrorCode::kClosed, "object is closed");
  }
  return {slot->object, slot->kind};
}

void HandleTable::Close(std::int64_t id) noexcept {
  Slot* slot = FindSlot(id);
  if (slot == nullptr) {
    return;
  }
  std::uint64_t bits = slot->word.load(std::memory_order_relaxed);
  for (;;) {
    const auto closed = HandleWord(bits).Closed(GenerationOf(id));
    if (!closed) {
      return;
    }
    if (slot->word.compare_exchange_weak(bits, closed->bits(), std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
      if (closed->MustFree()) {
        Free(id, *slot);
      }
      return;
    }
  }
}

std::uint32_t HandleTable::TakeSlot() {
  std::uint64_t top = free_slots_.load(std::memory_order_acquire);
  while (static_cast<std::uint32_t>(top) != 0) {
    const std::uint32_t index = static_cast<std::uint32_t>(top) - 1;
    // Stale if another thread takes the slot first; then the exchange fails, as the upper
    // half of the word never comes back.
    const std::uint32_t next = SlotAt(index).next_free.load(std::memory_order_relaxed);
    const std::uint64_t changed = ((top >> 32) + 1) << 32 | next;
    if (free_slots_.compare_exchange_weak(top, changed, std::memory_order_acq_rel,
                                          std::memory_order_acquire)) {
      return index;
    }
  }
  return TakeUnusedSlot();
}

std::uint32_t HandleTable::TakeUnusedSlot() {
  std::uint32_t index = used_slots_.load(std::memory_order_acquire);
  for (;;) {
    if (index == kMaxHandles) {
      Fail(ErrorCode::kOutOfMemory, "expected at most ", kMaxHandles, " open objects, got more");
    }
    std::atomic<Slot*>& chunk = chunks_[index / kChunkSlots];
    if (chunk.load(std::memory_order_acquire) == nullptr) {
      auto fresh = std::make_unique<Slot[]>(kChunkSlots);
      Slot* none = nullptr;
      if (chunk.compare_exchange_strong(none, fresh.get(), std::memory_order_acq_rel)) {
        fresh.release();
      }
    }
    if (used_slots_.compare_exchange_weak(index, index + 1, std::memory_order_acq_rel,
                                          std::memory_order_acquire)) {
      return index;
    }
  }
}

void HandleTable::GiveBack(std::uint32_t index) noexcept {
  Slot& slot = SlotAt(index);
  std::uint64_t top = free_slots_.load(std::memory_order_relaxed);
  for (;;) {
    slot.next_free.store(static_cast<std::uint32_t>(top), std::memory_order_relaxed);
    const std::uint64_t changed = ((top >> 32) + 1) << 32 | (std::uint64_t{index} + 1);
    if (free_slots_.compare_exchange_weak(top, changed, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
      return;
    }
  }
}

void HandleTable::Free(std::int64_t id, Slot& slot) noexcept {
  slot.destroy(slot.object);
  slot.object = nullptr;
  const std::uint32_t generation = GenerationOf(id);
  slot.word.store(HandleWord::Free(generation).bits(), std::memory_order_release);
  live_count_.fetch_sub(1, std::memory_order_relaxed);
  // A slot whose generations are used up is not used again, so that no id ever comes back.
  if (generation != UINT32_MAX) {
    GiveBack(SlotOf(id));
  }
}

}  // namespace espalier::jvm
