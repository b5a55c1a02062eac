// SPDX-License-Identifier: Apache-2.0
#include <new>
#include <stdexcept>
#include <utility>

#include "core/stack.h"
#include "core/text.h"
#include "espalier/runtime.h"
#include "jvm/bridge.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"
#include "jvm/seeded_faults.h"

namespace espalier::jvm {
namespace {

constexpr int kErrorCodes = static_cast<int>(ErrorCode::kInternal) + 1;

ErrorCode CodeAt(int code) {
  if (code < 0 || code >= kErrorCodes) {
    Fail(ErrorCode::kInvalidArgument, "expected an error code of 0 to ", kErrorCodes - 1, ", got ",
         code);
  }
  return static_cast<ErrorCode>(code);
}

std::int64_t BytesOf(void* object, HandleKind kind) {
  switch (kind) {
    case HandleKind::kNetwork:
      return static_cast<Network*>(object)->NativeBytes();
    case HandleKind::kTrainer: {
      const BusyTrainer alone(*static_cast<TrainerObject*>(object));
      return alone->trainer.NativeBytes();
    }
    case HandleKind::kPredictor:
      return static_cast<Predictor*>(object)->NativeBytes();
    case HandleKind::kModelReader:
      return static_cast<ModelReader*>(object)->NativeBytes();
    case HandleKind::kModelWriter:
      return 0;
    case HandleKind::kFeatures:
      return static_cast<Features*>(object)->NativeBytes();
    case HandleKind::kFeaturePredictor:
      return static_cast<FeaturePredictorObject*>(object)->predictor.NativeBytes();
    case HandleKind::kForeignImporter:
      return static_cast<ForeignImporter*>(object)->NativeBytes();
  }
  return 0;
}

std::int64_t BytesOfHandle(std::int64_t handle) {
  HandleTable& table = HandleTable::Shared();
  const auto [object, kind] = table.EnterAny(handle);
  struct Leave {
    HandleTable& table;
    std::int64_t handle;
    ~Leave() { table.Exit(handle); }
  } const leave{table, handle};
  return BytesOf(object, kind);
}

}  // namespace

std::int64_t stackBytesLeft() {
  return Guard([] { return StackBytesLeft(); });
}

void setThreadCount(int threads) {
  Guard([&] { SetThreadCount(threads); });
}

int threadCount() {
  return Guard([] { return ThreadCount(); });
}

std::string cpuTarget() {
  return Guard([] { return CpuTarget(); });
}

std::string describeRuntime() {
  return Guard([] { return DescribeRuntime(); });
}

std::int64_t nativeBytes() {
  return Guard([] { return NativeBytes(); });
}

std::int64_t nativeBytesBudget() {
  return Guard([] { return NativeBytesBudget(); });
}

void setNativeBytesBudget(std::int64_t bytes) {
  Guard([&] { SetNativeBytesBudget(bytes); });
}

std::int64_t liveHandles() {
  return Guard([] { return HandleTable::Shared().live_count(); });
}

void setOpenBlasPath(const char* path) {
  Guard([&] { SetOpenBlasPath(std::string(Text("path", path))); });
}

void throwError(int code) {
#ifdef ESPALIER_SEEDED_FAULTS
  CommitSeededFault(code);
#endif
  Guard([&] { Fail(CodeAt(code), "expected nothing, got this: größe 開く 🌳"); });
}

int errorCodeCount() {
  return Guard([] { return kErrorCodes; });
}

std::string errorCodeName(int code) {
  return Guard([&] { return std::string(ErrorCodeName(CodeAt(code))); });
}

void closeHandle(std::int64_t handle) {
  Guard([&] { HandleTable::Shared().Close(handle); });
}

std::int64_t handleBytes(std::int64_t handle) {
  return Guard([&] { return BytesOfHandle(handle); });
}

}  // namespace espalier::jvm
