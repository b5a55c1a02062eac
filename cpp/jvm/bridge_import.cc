// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "import/foreign_importer.h"
#include "jvm/bridge.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"
#include "jvm/import_json.h"

namespace espalier::jvm {

namespace {

ForeignFormat FormatOf(std::string_view name) {
  if (name == "onnx") return ForeignFormat::kOnnx;
  if (name == "tflite") return ForeignFormat::kTflite;
  Fail(ErrorCode::kInvalidArgument, "expected the format onnx or tflite, got '", name, "'");
}

}  // namespace

std::int64_t foreignImporterCreate(const char* format, const char* options_json) {
  return Guard([&] {
    return Adopt(std::make_unique<ForeignImporter>(
        FormatOf(Text("format", format)), ImportOptionsFromJson(Text("options", options_json))));
  });
}

void foreignImporterWrite(std::int64_t importer, const std::int8_t* bytes, std::int64_t count) {
  Guard([&] {
    Entered<ForeignImporter>(importer)->Write(std::as_bytes(Borrow("bytes", bytes, count)));
  });
}

std::int64_t foreignImporterFinish(std::int64_t importer) {
  return Guard([&] {
    return Adopt(std::make_unique<Network>(Entered<ForeignImporter>(importer)->Finish()));
  });
}

std::int64_t foreignImporterRead(std::int64_t importer, const char* path) {
  return Guard([&] {
    return Adopt(std::make_unique<Network>(
        Entered<ForeignImporter>(importer)->Read(std::string(Text("path", path)))));
  });
}

std::string foreignImporterReport(std::int64_t importer) {
  return Guard([&] { return ToJsonText(Entered<ForeignImporter>(importer)->report()); });
}

}  // namespace espalier::jvm
