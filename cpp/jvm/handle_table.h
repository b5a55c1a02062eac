// SPDX-License-Identifier: Apache-2.0
#pragma once

// Native objects that Java refers to: by opaque ids, never by addresses, so that a stale,
// forged or closed id is an error and not a crash.

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

namespace espalier::jvm {

enum class HandleKind : std::uint32_t { kNetwork, kTrainer, kPredictor };

/// "network", "trainer", "predictor".
const char* HandleKindName(HandleKind kind);

/// Ids are generation << 32 | slot; a slot that is used again has another generation.
/// Everything is lock-free and waits for nobody.
class HandleTable {
 public:
  using Destroy = void (*)(void* object) noexcept;

  /// The table of the process. It is never destroyed: calls may come until the very end.
  static HandleTable& Shared();

  HandleTable() = default;
  ~HandleTable();  // objects of open handles are not destroyed
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  /// Takes an object over. Throws Error: OUT_OF_MEMORY if kMaxHandles are open; the object
  /// is then still the caller's.
  std::int64_t Open(HandleKind kind, void* object, Destroy destroy);

  /// The object, which lives at least until the matching Exit. Throws Error: INVALID_STATE
  /// if the handle is closed, unknown or of another kind.
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
  struct Slot {
    std::atomic<std::uint64_t> word{0};  // a HandleWord
    std::atomic<std::uint32_t> next_free{0};
    HandleKind kind = HandleKind::kNetwork;
    void* object = nullptr;
    Destroy destroy = nullptr;
  };

  static constexpr std::uint32_t kChunkSlots = 256;

  Slot& SlotAt(std::uint32_t index) const;
  Slot* FindSlot(std::int64_t id) const noexcept;
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

}  // namespace espalier::jvm
