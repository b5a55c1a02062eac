// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the handles stand for, and how bridge functions get at it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/features.h"
#include "espalier/network.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "files/model_stream.h"
#include "import/foreign_importer.h"
#include "jvm/handle_table.h"

namespace espalier::jvm {

/// Where the columns of heads lie, and what their targets look like.
class HeadTable {
 public:
  explicit HeadTable(const Network& network);

  std::size_t count() const { return heads_.size(); }
  std::int64_t total_width() const { return total_width_; }

  /// Targets of a batch from addresses, one a head; 0 is absent. `masks` may be null: none.
  /// `result` has an entry a head.
  void ReadTargets(std::int64_t batch, const std::int64_t* targets, const std::int64_t* masks,
                   std::span<TaskTargets> result) const;

 private:
  struct Head {
    TaskKind kind;
    std::int64_t width;
  };
  std::vector<Head> heads_;
  std::int64_t total_width_ = 0;
};

/// Elements of all inputs of an example.
std::int64_t InputSize(const Network& network);

/// A trainer with what its calls need, made once so that steps allocate nothing.
class TrainerObject {
 public:
  TrainerObject(Network& network, const TrainerConfig& config);

  Trainer trainer;
  const HeadTable heads;
  const std::int64_t input_size;
  std::vector<TaskTargets> targets;
  std::vector<LossAnswer> answers;  // of the step that was begun: their sizes
  std::int64_t begun_floats = 0;    // all of these
  std::atomic_flag is_busy = ATOMIC_FLAG_INIT;
};

/// A predictor from features with what its calls need. Java lets in one thread at a time.
struct FeaturePredictorObject {
  FeaturePredictorObject(const Network& network, const FeaturePredictorConfig& config)
      : predictor(network, config),
        input_size(InputSize(network)),
        total_width(HeadTable(network).total_width()) {}

  FeaturePredictor predictor;
  const std::int64_t input_size;
  const std::int64_t total_width;
};

template <typename Object>
inline constexpr HandleKind kKindOf = HandleKind::kNetwork;
template <>
inline constexpr HandleKind kKindOf<TrainerObject> = HandleKind::kTrainer;
template <>
inline constexpr HandleKind kKindOf<Predictor> = HandleKind::kPredictor;
template <>
inline constexpr HandleKind kKindOf<ModelReader> = HandleKind::kModelReader;
template <>
inline constexpr HandleKind kKindOf<ModelWriter> = HandleKind::kModelWriter;
template <>
inline constexpr HandleKind kKindOf<Features> = HandleKind::kFeatures;
template <>
inline constexpr HandleKind kKindOf<FeaturePredictorObject> = HandleKind::kFeaturePredictor;
template <>
inline constexpr HandleKind kKindOf<ForeignImporter> = HandleKind::kForeignImporter;

/// Gives an object to the table.
template <typename Object>
std::int64_t Adopt(std::unique_ptr<Object> object) {
  const std::int64_t id = HandleTable::Shared().Open(
      kKindOf<Object>, object.get(),
      [](void* adopted) noexcept { delete static_cast<Object*>(adopted); });
  object.release();
  return id;
}

/// The object of a handle for the length of a scope.
template <typename Object>
class Entered {
 public:
  explicit Entered(std::int64_t id)
      : id_(id), object_(static_cast<Object*>(HandleTable::Shared().Enter(id, kKindOf<Object>))) {}
  ~Entered() { HandleTable::Shared().Exit(id_); }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

  Object& operator*() const { return *object_; }
  Object* operator->() const { return object_; }

 private:
  std::int64_t id_;
  Object* object_;
};

/// A trainer for one thread at a time, for the length of a scope: throws BUSY if another is
/// inside.
class BusyTrainer {
 public:
  explicit BusyTrainer(TrainerObject& trainer);
  ~BusyTrainer() { trainer_.is_busy.clear(std::memory_order_release); }
  BusyTrainer(const BusyTrainer&) = delete;
  BusyTrainer& operator=(const BusyTrainer&) = delete;

  TrainerObject& operator*() const { return trainer_; }
  TrainerObject* operator->() const { return &trainer_; }

 private:
  TrainerObject& trainer_;
};

/// The trainer of a handle, as BusyTrainer.
class EnteredTrainer {
 public:
  explicit EnteredTrainer(std::int64_t id) : entered_(id), alone_(*entered_) {}

  TrainerObject& operator*() const { return *alone_; }
  TrainerObject* operator->() const { return &*alone_; }

 private:
  Entered<TrainerObject> entered_;
  BusyTrainer alone_;
};

/// Java's text; null is INVALID_ARGUMENT.
std::string_view Text(const char* what, const char* text);

/// Throws what is wrong with memory that Borrow won't lend.
[[noreturn]] void RefuseToBorrow(const char* what, std::int64_t address, std::int64_t count);

/// Memory of Java's, borrowed for the call: `count` elements at an address.
template <typename Element>
std::span<Element> Borrow(const char* what, std::int64_t address, std::int64_t count) {
  constexpr std::int64_t kMost = INT64_MAX / static_cast<std::int64_t>(sizeof(Element));
  if (count < 0 || count > kMost || (address == 0 && count > 0)) [[unlikely]] {
    RefuseToBorrow(what, address, count);
  }
  return {reinterpret_cast<Element*>(address), static_cast<std::size_t>(count)};
}

/// The same for an array of Java's.
template <typename Element>
std::span<Element> Borrow(const char* what, Element* elements, std::int64_t count) {
  return Borrow<Element>(what, reinterpret_cast<std::int64_t>(elements), count);
}

}  // namespace espalier::jvm
