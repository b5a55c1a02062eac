// SPDX-License-Identifier: Apache-2.0
#include "jvm/handle_word.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace espalier::jvm {
namespace {

TEST(HandleWord, CountsCallsWhileOpen) {
  const HandleWord open = HandleWord::Open(7);
  EXPECT_TRUE(open.IsOpenFor(7));
  EXPECT_FALSE(open.IsOpenFor(8));
  EXPECT_EQ(open.Entered(7)->calls(), 1u);
  EXPECT_EQ(open.Entered(7)->Left().bits(), open.bits());
  EXPECT_FALSE(open.Entered(8));
  EXPECT_FALSE(HandleWord::Free(7).Entered(7));
  EXPECT_FALSE(open.Closed(7)->Entered(7));
  EXPECT_FALSE(open.Closed(7)->Closed(7));
}

TEST(HandleWord, RefusesCallsBeyondTheCounter) {
  const HandleWord full(HandleWord::Open(1).bits() | HandleWord::kMaxCalls);
  EXPECT_FALSE(full.Entered(1));
  EXPECT_TRUE(full.is_open());
  EXPECT_EQ(full.generation(), 1u);
}

// How the table moves the word: the real way, and wrong ways which the walk must catch.
struct RealProtocol {
  static bool MustFreeOnClose(HandleWord closed) { return closed.MustFree(); }
  static bool MustFreeOnExit(HandleWord left) { return left.MustFree(); }
  static std::uint32_t NextGeneration(std::uint32_t generation) { return generation + 1; }
};
struct CloseIgnoresCalls : RealProtocol {
  static bool MustFreeOnClose(HandleWord) { return true; }
};
struct ExitNeverFrees : RealProtocol {
  static bool MustFreeOnExit(HandleWord) { return false; }
};
struct GenerationStays : RealProtocol {
  static std::uint32_t NextGeneration(std::uint32_t generation) { return generation; }
};

// Walks through all interleavings of atomic steps of callers, closers and one that opens a
// new object in the same slot once it is free. A compare-and-exchange is two steps, so that
// other threads come between reading and writing.
template <typename Protocol>
class Walk {
 public:
  enum Role { kCaller, kCloser, kOpener };
  enum Step { kStart, kLoaded, kInside, kFreeing, kDone };

  explicit Walk(std::vector<Role> roles) : roles_(std::move(roles)) {
    State start;
    start.threads.resize(roles_.size());
    Visit(start);
  }

  const std::set<std::string>& violations() const { return violations_; }
  std::size_t states() const { return seen_.size(); }

 private:
  struct Thread {
    Step step = kStart;
    std::uint64_t loaded = 0;
    auto operator<=>(const Thread&) const = default;
  };
  struct State {
    std::uint64_t word = HandleWord::Open(1).bits();
    std::array<int, 4> destroyed{};  // by number of object: 1 and 2
    int current = 1;                 // the object in the slot
    std::vector<Thread> threads;
    auto operator<=>(const State&) const = default;
  };

  void Visit(const State& state) {
    if (!seen_.insert(state).second) {
      return;
    }
    bool moved = false;
    for (std::size_t i = 0; i < roles_.size(); ++i) {
      State next = state;
      if (Advance(next, i)) {
        moved = true;
        Visit(next);
      }
    }
    if (!moved) {
      CheckEnd(state);
    }
  }

  // Callers and closers hold the id of object 1.
  bool Advance(State& state, std::size_t i) {
    Thread& thread = state.threads[i];
    const HandleWord word(state.word);
    switch (thread.step) {
      case kStart:
        if (roles_[i] == kOpener) {
          return Reopen(state, thread);
        }
        thread.loaded = state.word;
        thread.step = kLoaded;
        return true;
      case kLoaded:
        return roles_[i] == kCaller ? Enter(state, thread) : Close(state, thread);
      case kInside: {
        if (state.destroyed[1] != 0 || state.current != 1) {
          violations_.insert("a call is inside a destroyed object");
        }
        const HandleWord left = word.Left();
        state.word = left.bits();
        thread.step = Protocol::MustFreeOnExit(left) ? kFreeing : kDone;
        return true;
      }
      case kFreeing:
        if (++state.destroyed[static_cast<std::size_t>(state.current)] > 1) {
          violations_.insert("an object is destroyed twice");
        }
        state.word = HandleWord::Free(word.generation()).bits();
        thread.step = kDone;
        return true;
      case kDone:
        return false;
    }
    return false;
  }

  bool Enter(State& state, Thread& thread) {
    const auto entered = HandleWord(thread.loaded).Entered(1);
    if (!entered) {
      thread.step = kDone;
    } else if (state.word == thread.loaded) {
      state.word = entered->bits();
      if (state.current != 1) {
        violations_.insert("an old id enters a new object");
      }
      thread.step = kInside;
    } else {
      thread.step = kStart;
    }
    return true;
  }

  bool Close(State& state, Thread& thread) {
    const auto closed = HandleWord(thread.loaded).Closed(1);
    if (!closed) {
      thread.step = kDone;
    } else if (state.word == thread.loaded) {
      state.word = closed->bits();
      thread.step = Protocol::MustFreeOnClose(*closed) ? kFreeing : kDone;
    } else {
      thread.step = kStart;
    }
    return true;
  }

  bool Reopen(State& state, Thread& thread) {
    const HandleWord word(state.word);
    if (word.is_open() || word.is_closing() || state.destroyed[1] == 0) {
      return false;
    }
    state.word = HandleWord::Open(Protocol::NextGeneration(word.generation())).bits();
    state.current = 2;
    thread.step = kDone;
    return true;
  }

  void CheckEnd(const State& state) {
    if (state.destroyed[1] != 1) {
      violations_.insert("a closed object is not destroyed");
    }
    if (state.destroyed[2] != 0) {
      violations_.insert("an old id closes a new object");
    }
  }

  std::vector<Role> roles_;
  std::set<State> seen_;
  std::set<std::string> violations_;
};

template <typename Protocol>
Walk<Protocol> WalkAll(int callers) {
  using W = Walk<Protocol>;
  std::vector<typename W::Role> roles(static_cast<std::size_t>(callers), W::kCaller);
  roles.insert(roles.end(), {W::kCloser, W::kCloser, W::kOpener});
  return W(roles);
}

TEST(HandleWord, EveryInterleavingFreesOnceAfterTheLastCall) {
  const auto walk = WalkAll<RealProtocol>(3);
  EXPECT_TRUE(walk.violations().empty()) << *walk.violations().begin();
  EXPECT_GT(walk.states(), 1000u);
}

TEST(HandleWord, TheWalkCatchesWrongProtocols) {
  EXPECT_TRUE(
      WalkAll<CloseIgnoresCalls>(2).violations().contains("a call is inside a destroyed object"));
  EXPECT_TRUE(WalkAll<ExitNeverFrees>(2).violations().contains("a closed object is not destroyed"));
  EXPECT_TRUE(WalkAll<GenerationStays>(2).violations().contains("an old id enters a new object"));
}

}  // namespace
}  // namespace espalier::jvm
