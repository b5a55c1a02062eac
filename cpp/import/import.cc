// SPDX-License-Identifier: Apache-2.0
#include "import/import.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/memory.h"
#include "core/near_names.h"
#include "core/text.h"
#include "files/file_io.h"
#include "files/foreign_file.h"
#include "import/external_data.h"
#include "import/folding.h"
#include "import/network_lowering.h"
#include "import/onnx_reader.h"
#include "import/passes.h"
#include "import/tflite_reader.h"
#include "network/cost.h"
#include "network/int8_weights.h"

namespace espalier {
namespace {

void CheckOptions(const ImportOptions& options) {
  CheckLimitValues(options.limits);
  if (options.file_bytes < 1 || options.nodes < 1) {
    Fail(ErrorCode::kInvalidArgument, "expected limits of at least 1, got ", options.file_bytes,
         " bytes and ", options.nodes, " nodes");
  }
}

void ChooseOutputs(ForeignGraph& graph, const std::vector<std::string>& outputs) {
  if (outputs.empty()) return;
  graph.ClearOutputs();
  for (const std::string& output : outputs) {
    if (!graph.Knows(output)) {
      std::vector<std::string> known;
      for (const ForeignNode& node : graph.nodes()) {
        known.insert(known.end(), node.outputs.begin(), node.outputs.end());
      }
      Fail(ErrorCode::kInvalidArgument, "the model has no value '", output, "'",
           DidYouMean(output, known));
    }
    graph.AddOutput(output, output);
  }
}

// What would be a wrong argument of the user's is a wrong file.
template <typename Make>
auto AsModelFile(Make make) {
  try {
    return make();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kShapeMismatch && error.code() != ErrorCode::kInvalidArgument) {
      throw;
    }
    Fail(ErrorCode::kModelFile, MessageOf(error));
  }
}

struct FrontEnd {
  ForeignGraph (*read)(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                       const ImportOptions& options, ExternalData* external);
  const char* own;  // as SeemsToBe says it
};
constexpr FrontEnd kOnnx = {ReadOnnx, "an ONNX model"};
constexpr FrontEnd kTflite = {
    [](std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
       const ImportOptions& options, ExternalData*) { return ReadTflite(bytes, owner, options); },
    "a TensorFlow Lite model"};

ForeignGraph ReadModel(const FrontEnd& front_end, std::span<const std::byte> bytes,
                       const std::shared_ptr<const void>& owner, const ImportOptions& options,
                       ExternalData* external) {
  try {
    return AsModelFile([&] { return front_end.read(bytes, owner, options, external); });
  } catch (const Error& error) {
    const std::string foreign = SeemsToBeOurs(bytes)
                                    ? "a model file of this library; load it, in C++ by "
                                      "LoadNetwork, in Java by Network.load"
                                    : SeemsToBe(bytes);
    if (foreign.empty() || foreign.starts_with(front_end.own)) throw;
    Fail(error.code(), MessageOf(error), "; it seems to be ", foreign);
  }
}

Network ImportBytes(const FrontEnd& front_end, std::span<const std::byte> bytes,
                    const std::shared_ptr<const void>& owner, const ImportOptions& options,
                    ExternalData* external, ImportReport* wanted) {
  ImportReport own;
  ImportReport& report = wanted == nullptr ? own : *wanted;
  report = ImportReport();
  return NetworkOf(ReadModel(front_end, bytes, owner, options, external), options, report);
}

void CheckFileSize(std::int64_t bytes, const ImportOptions& options) {
  if (bytes > options.file_bytes) {
    Fail(ErrorCode::kModelFile, "expected a file of at most ", options.file_bytes, " bytes, got ",
         bytes);
  }
}

Network ImportFile(const FrontEnd& front_end, const std::string& path, const ImportOptions& options,
                   ImportReport* report) {
  CheckOptions(options);
  try {
    const FileSource file(path);
    CheckFileSize(file.size(), options);
    const auto bytes = std::make_shared<AlignedArray<std::byte>>(file.size());
    file.ReadAt(0, bytes->span());
    std::optional<ExternalData> external;
    if (options.external_data) external.emplace(path, options.file_bytes);
    return ImportBytes(front_end, std::as_const(*bytes).span(), bytes, options,
                       external ? &*external : nullptr, report);
  } catch (const Error& error) {
    Fail(error.code(), path, ": ", MessageOf(error));
  }
}

void NoteInt8Weights(const NetworkState& network, ImportReport& report) {
  std::int64_t count = 0;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    if (HasInt8Weights(network, i) && AreInt8Weights(network, i)) ++count;
  }
  if (count == 0) return;
  report.notes.push_back({"", Concat("weights of ", count,
                                     " layers are bytes with a scale for each output: predictors "
                                     "and files with 8 bits keep them as they are")});
}

}  // namespace

Network NetworkOf(ForeignGraph graph, const ImportOptions& options, ImportReport& report) {
  report.producer = graph.metadata["producer"];
  ChooseOutputs(graph, options.outputs);
  graph.RemoveDead();
  report.nodes = static_cast<std::int64_t>(graph.nodes().size());
  BindInputs(graph, options);
  return AsModelFile([&] {
    const UnknownReasons reasons = Fold(graph, report);
    graph.RemoveDead();
    for (const ForeignPass pass : ForeignPasses()) {
      pass(graph, report);
      graph.RemoveDead();
    }
    const std::shared_ptr<NetworkState> network =
        NetworkLowering(graph, reasons, report).Lower(options.limits);
    NoteInt8Weights(*network, report);
    return Network(network);
  });
}

Network ImportOnnx(const std::string& path, const ImportOptions& options, ImportReport* report) {
  return ImportFile(kOnnx, path, options, report);
}

Network ImportOnnx(std::span<const std::byte> bytes, const ImportOptions& options,
                   ImportReport* report) {
  CheckOptions(options);
  CheckFileSize(static_cast<std::int64_t>(bytes.size()), options);
  return ImportBytes(kOnnx, bytes, nullptr, options, nullptr, report);
}

Network ImportTflite(const std::string& path, const ImportOptions& options, ImportReport* report) {
  return ImportFile(kTflite, path, options, report);
}

Network ImportTflite(std::span<const std::byte> bytes, const ImportOptions& options,
                     ImportReport* report) {
  CheckOptions(options);
  CheckFileSize(static_cast<std::int64_t>(bytes.size()), options);
  // Numbers in it are read where they lie.
  const auto aligned =
      std::make_shared<AlignedArray<std::byte>>(static_cast<std::int64_t>(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), aligned->data());
  return ImportBytes(kTflite, std::as_const(*aligned).span(), aligned, options, nullptr, report);
}

}  // namespace espalier
