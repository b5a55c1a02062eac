// SPDX-License-Identifier: Apache-2.0
#pragma once

// Native objects that Java refers to: by opaque ids, never by addresses, so that a stale,
// forged or closed id is an error and not a crash.

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "core/text.h"
#include "jvm/handle_word.h"

namespace espalier::jvm {

enum class HandleKind : std::uint32_t {
  kNetwork,
  kTrainer,
  kPredictor,
  kModelReader,
  kModelWriter,
  kFeatures,
  kFeaturePredictor,
  kForeignImporter
};

/// "network", "trainer", "predictor", "model reader", "model writer", "features", "feature
/// predictor", "ONNX importer".
const char* HandleKindName(HandleKind kind);

/// Ids are generation << 32 | slot; a slot that is used again has another generation.
/// Everything is lock-free and waits for nobody.
class HandleTable {
 public:
  using Destroy = void (*)(void* object) noexcept;

  /// The table of the process. It is never destroyed: calls may come until the very end.
  static HandleTable& Shared();

  constexpr HandleTable() = default;
  ~HandleTable();  // objects of open handles are not destroyed
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  /// Takes an object over. Throws Error: OUT_OF_MEMORY if kMaxHandles are open; the object
  /// is then still the caller's.
  std::int64_t Open(HandleKind kind, void* object, Destroy destroy);

  /// The object, which lives at least until the matching Exit. Throws Error: CLOSED if
  /// the handle is closed or unknown, INVALID_STATE if it is of another kind.
  void* Enter(std::int64_t id, HandleKind kind);
  void Exit(std::int64_t id) noexcept;

  /// As Enter, for any kind.
  std::pair<void*, HandleKind> EnterAny(std::int64_t id);

  /// No call enters from now on; the last one inside, or this one, destroys the object.
  /// Nothing happens if the handle is closed or unknown.
  void Close(std::int64_t id) noexcept;

  /// Objects that are not destroyed yet.
  std::int64_t live_count() const { return live_count_.load(std::memory_order_relaxed); }

  static constexpr std::uint32_t kMaxHandles = std::uint32_t{1} << 20;

 private:
  union Undestroyed;
  static Undestroyed shared_;

  struct Slot {
    std::atomic<std::uint64_t> word{0};  // a HandleWord
    std::atomic<std::uint32_t> next_free{0};
    HandleKind kind = HandleKind::kNetwork;
    void* object = nullptr;
    Destroy destroy = nullptr;
  };

  static constexpr std::uint32_t kChunkSlots = 256;

  static std::uint32_t SlotOf(std::int64_t id) { return static_cast<std::uint32_t>(id); }
  static std::uint32_t GenerationOf(std::int64_t id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
  }

  Slot& SlotAt(std::uint32_t index) const {
    return chunks_[index / kChunkSlots].load(std::memory_order_acquire)[index % kChunkSlots];
  }
  Slot* FindSlot(std::int64_t id) const noexcept {
    const std::uint32_t index = SlotOf(id);
    return index < used_slots_.load(std::memory_order_acquire) ? &SlotAt(index) : nullptr;
  }
  Slot* TryEnter(std::int64_t id) noexcept;
  std::uint32_t TakeSlot();
  std::uint32_t TakeUnusedSlot();
  void GiveBack(std::uint32_t index) noexcept;
  void Free(std::int64_t id, Slot& slot) noexcept;

  // Chunks stay where they are once made, so that slots are reached without a lock.
  std::array<std::atomic<Slot*>, kMaxHandles / kChunkSlots> chunks_{};
  std::atomic<std::uint32_t> used_slots_{0};
  // Free slots, a stack: times changed << 32 | slot + 1, or 0 in the lower half if empty.
  std::atomic<std::uint64_t> free_slots_{0};
  std::atomic<std::int64_t> live_count_{0};
};

// Keeps the table's destructor from running when the process exits.
union HandleTable::Undestroyed {
  constexpr Undestroyed() : table() {}
  ~Undestroyed() {}
  HandleTable table;
};

// Here, as every prediction goes through them.

inline HandleTable& HandleTable::Shared() { return shared_.table; }

inline void* HandleTable::Enter(std::int64_t id, HandleKind kind) {
  Slot* slot = TryEnter(id);
  if (slot == nullptr) {
    Fail(ErrorCode::kClosed, HandleKindName(kind), " is closed");
  }
  if (slot->kind != kind) {
    const HandleKind actual = slot->kind;
    Exit(id);
    Fail(ErrorCode::kInvalidState, "expected a ", HandleKindName(kind), ", got a ",
         HandleKindName(actual));
  }
  return slot->object;
}

inline void HandleTable::Exit(std::int64_t id) noexcept {
  Slot& slot = SlotAt(SlotOf(id));
  const HandleWord before(slot.word.fetch_sub(1, std::memory_order_acq_rel));
  if (before.Left().MustFree()) [[unlikely]] {
    Free(id, slot);
  }
}

inline HandleTable::Slot* HandleTable::TryEnter(std::int64_t id) noexcept {
  Slot* slot = FindSlot(id);
  if (slot == nullptr) {
    return nullptr;
  }
  std::uint64_t bits = slot->word.load(std::memory_order_relaxed);
  for (;;) {
    const auto entered = HandleWord(bits).Entered(GenerationOf(id));
    if (!entered) {
      return nullptr;
    }
    if (slot->word.compare_exchange_weak(bits, entered->bits(), std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
      return slot;
    }
  }
}

}  // namespace espalier::jvm
