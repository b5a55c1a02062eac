// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>

#include "import/onnx_importer.h"
#include "jvm/bridge.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"
#include "jvm/import_json.h"

namespace espalier::jvm {

std::int64_t onnxImporterCreate(const char* options_json) {
  return Guard([&] {
    return Adopt(
        std::make_unique<OnnxImporter>(ImportOptionsFromJson(Text("options", options_json))));
  });
}

void onnxImporterWrite(std::int64_t importer, const std::int8_t* bytes, std::int64_t count) {
  Guard([&] {
    Entered<OnnxImporter>(importer)->Write(std::as_bytes(Borrow("bytes", bytes, count)));
  });
}

std::int64_t onnxImporterFinish(std::int64_t importer) {
  return Guard(
      [&] { return Adopt(std::make_unique<Network>(Entered<OnnxImporter>(importer)->Finish())); });
}

std::int64_t onnxImporterRead(std::int64_t importer, const char* path) {
  return Guard([&] {
    return Adopt(std::make_unique<Network>(
        Entered<OnnxImporter>(importer)->Read(std::string(Text("path", path)))));
  });
}

std::string onnxImporterReport(std::int64_t importer) {
  return Guard([&] { return ToJsonText(Entered<OnnxImporter>(importer)->report()); });
}

}  // namespace espalier::jvm
