// SPDX-License-Identifier: Apache-2.0
#pragma once

// The states of a handle in one word, and the only transitions between them. Pure functions,
// so that a test can walk through every interleaving of them.

#include <cstdint>
#include <optional>

namespace espalier::jvm {

/// generation (32 bits) | state (2 bits) | calls inside (30 bits).
///
/// free -> open -> closing -> free of the next generation. Calls enter while open; whoever
/// moves the word to (closing, 0 calls) frees the object, and nobody else does.
class HandleWord {
 public:
  static constexpr std::uint64_t kMaxCalls = (std::uint64_t{1} << 30) - 1;

  constexpr explicit HandleWord(std::uint64_t bits) : bits_(bits) {}

  static constexpr HandleWord Free(std::uint32_t generation) {
    return HandleWord(std::uint64_t{generation} << kGenerationShift);
  }
  static constexpr HandleWord Open(std::uint32_t generation) {
    return HandleWord(Free(generation).bits_ | kOpen);
  }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(bits_ >> kGenerationShift);
  }
  constexpr bool is_open() const { return (bits_ & kStateMask) == kOpen; }
  constexpr bool is_closing() const { return (bits_ & kStateMask) == kClosing; }
  constexpr std::uint64_t calls() const { return bits_ & kMaxCalls; }

  /// True if the handle that was given out with `generation` is open.
  constexpr bool IsOpenFor(std::uint32_t generation) const {
    return is_open() && this->generation() == generation;
  }

  /// One call more; nothing if closed, of another generation, or full.
  constexpr std::optional<HandleWord> Entered(std::uint32_t generation) const {
    if (!IsOpenFor(generation) || calls() == kMaxCalls) {
      return std::nullopt;
    }
    return HandleWord(bits_ + 1);
  }

  /// One call less. If then `MustFree`, the leaving call frees.
  constexpr HandleWord Left() const { return HandleWord(bits_ - 1); }

  /// Closing; nothing if that has been done. If then `MustFree`, the closer frees.
  constexpr std::optional<HandleWord> Closed(std::uint32_t generation) const {
    if (!IsOpenFor(generation)) {
      return std::nullopt;
    }
    return HandleWord((bits_ & ~kStateMask) | kClosing);
  }

  constexpr bool MustFree() const { return is_closing() && calls() == 0; }

 private:
  static constexpr int kGenerationShift = 32;
  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kClosing = std::uint64_t{2} << 30;
  static constexpr std::uint64_t kStateMask = std::uint64_t{3} << 30;

  std::uint64_t bits_;
};

}  // namespace espalier::jvm
