// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/memory.h"
#include "core/text.h"
#include "files/crc32.h"
#include "files/graph_json.h"
#include "files/json_writer.h"
#include "files/model_file.h"
#include "files/safetensors.h"
#include "files/strict_json.h"
#include "network/graph.h"
#include "training/trainer_implementation.h"

namespace espalier {
namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "espalier-checkpoint";
constexpr const char* kVersionKey = "espalier.checkpoint.version";
constexpr const char* kVersion = "1";
constexpr const char* kGraphKey = "espalier.checkpoint.graph";  // its checksum
constexpr const char* kFrozenKey = "espalier.checkpoint.frozen";
constexpr const char* kChecksumsKey = "espalier.checkpoint.checksums";

constexpr const char* kFloats = "F32";
constexpr const char* kCounts = "I64";
constexpr const char* kText = "U8";
constexpr const char* kNotes = "notes";  // the tensor of the caller's text
constexpr std::string_view kBest = "best.";

constexpr std::size_t kMostNotes = std::size_t{1} << 28;
constexpr std::int64_t kPieceBytes = std::int64_t{256} << 10;
// No trainer comes this far, and a count stays exact as a double.
constexpr std::int64_t kMostSteps = std::int64_t{1} << 53;

using Checksums = std::map<std::string, std::string>;

std::string ChecksumOf(std::span<const std::byte> bytes) {
  Crc32 checksum;
  checksum.Update(bytes);
  return checksum.ToString();
}

std::string GraphChecksum(const NetworkState& network) {
  return Crc32Of(NetworkSpecToJson(SpecOf(network))).ToString();
}

std::string ToText(const Checksums& checksums) {
  JsonObject object;
  for (const auto& [name, checksum] : checksums) object.Add(name, checksum);
  return object.Finish().text;
}

Checksums FromText(const std::string& text, const char* what) {
  try {
    const JsonValue parsed = ParseStrictJson(text, what);
    const auto* const members = std::get_if<JsonValue::Object>(&parsed.content);
    if (members == nullptr) Fail(ErrorCode::kModelFile, what, ": expected an object");
    Checksums checksums;
    for (const JsonMember& member : *members) {
      const JsonReader value(member.value, JsonFieldPath(what, member.key));
      checksums.emplace(member.key, value.Text());
    }
    return checksums;
  } catch (const Error& error) {
    Fail(ErrorCode::kModelFile, MessageOf(error));
  }
}

const std::string& Required(const SafetensorsHeader& header, const char* key) {
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end()) {
    Fail(ErrorCode::kModelFile, "expected the metadata '", key, "', got none: not a checkpoint");
  }
  return found->second;
}

SafetensorsHeader ReadHeader(const ByteSource& file) {
  SafetensorsHeader header =
      ReadSafetensorsHeader(file, ModelFileLimits{}, SafetensorsForm::kAnyProgram);
  const std::string& format = Required(header, kFormatKey);
  if (format != kFormat) {
    Fail(ErrorCode::kModelFile, "expected a checkpoint, got a file of format \"",
         format.substr(0, 40), "\"", format == "espalier" ? ": a model file" : "");
  }
  const std::string& version = Required(header, kVersionKey);
  if (version != kVersion) {
    Fail(ErrorCode::kModelFile, "expected version ", kVersion, " of the checkpoint, got \"",
         version.substr(0, 40), "\": written by another version of the library");
  }
  return header;
}

// What the file says of its own text and tensors, to be held to it.
class Checks {
 public:
  explicit Checks(const SafetensorsHeader& header)
      : expected_(FromText(Required(header, kChecksumsKey), kChecksumsKey)) {
    for (const char* key : {kGraphKey, kFrozenKey}) {
      const std::string& text = Required(header, key);
      Check(key, std::as_bytes(std::span(text)));
    }
  }

  void Check(const std::string& name, std::span<const std::byte> bytes) const {
    Check(name, ChecksumOf(bytes));
  }
  void Check(const std::string& name, const std::string& got) const {
    const auto found = expected_.find(name);
    if (found == expected_.end() || found->second != got) {
      Fail(ErrorCode::kModelFile, "'", name, "' is damaged: expected the checksum ",
           found == expected_.end() ? std::string("of none") : found->second.substr(0, 40),
           ", got ", got);
    }
  }

 private:
  Checksums expected_;
};

// A piece at a time.
std::string ReadChecksum(const ByteSource& file, std::int64_t offset, std::int64_t bytes) {
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(bytes, kPieceBytes)));
  Crc32 checksum;
  while (bytes > 0) {
    const auto read = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::int64_t>(bytes, kPieceBytes)));
    file.ReadAt(offset, read);
    checksum.Update(read);
    offset += static_cast<std::int64_t>(read.size());
    bytes -= static_cast<std::int64_t>(read.size());
  }
  return checksum.ToString();
}

std::string ReadNotes(const ByteSource& file, const SafetensorsHeader& header,
                      const Checks& checks) {
  for (const SafetensorsTensor& tensor : header.tensors) {
    if (tensor.name != kNotes || tensor.type != kText) continue;
    std::string notes(static_cast<std::size_t>(tensor.end - tensor.begin), ' ');
    file.ReadAt(header.data_begin + tensor.begin, std::as_writable_bytes(std::span(notes)));
    checks.Check(kNotes, std::as_bytes(std::span(notes)));
    return notes;
  }
  Fail(ErrorCode::kModelFile, "expected the tensor '", kNotes, "', got none");
}

// By name: the trainer's tensors and the file's have to be the same.
std::vector<const SafetensorsTensor*> Match(const std::vector<StateTensor>& tensors,
                                            const SafetensorsHeader& header) {
  std::map<std::string_view, const SafetensorsTensor*> by_name;
  for (const SafetensorsTensor& tensor : header.tensors) {
    if (tensor.name != kNotes) by_name.emplace(tensor.name, &tensor);
  }
  std::vector<const SafetensorsTensor*> matched;
  std::vector<std::string> missing;
  for (const StateTensor& tensor : tensors) {
    const auto entry = by_name.extract(tensor.name);
    if (entry.empty()) {
      missing.push_back(tensor.name);
      continue;
    }
    const SafetensorsTensor& got = *entry.mapped();
    const char* const type = tensor.counts.empty() ? kFloats : kCounts;
    if (got.shape != tensor.shape || got.type != type) {
      Fail(ErrorCode::kInvalidArgument, "'", tensor.name, "': expected ", type, " [",
           Join(tensor.shape, ", "), "], got ", got.type, " [", Join(got.shape, ", "),
           "] in the checkpoint, which is of another network");
    }
    matched.push_back(&got);
  }
  std::vector<std::string> unknown;
  for (const auto& [name, tensor] : by_name) unknown.emplace_back(name);
  if (!missing.empty() || !unknown.empty()) {
    Fail(ErrorCode::kInvalidArgument,
         "expected a checkpoint of a trainer of the same network, frozen layers and kind of ",
         "optimizer", missing.empty() ? "" : ", it lacks ", Listed(missing),
         unknown.empty() ? "" : ", it has as well ", Listed(unknown));
  }
  return matched;
}

void CheckValues(const StateTensor& tensor, std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value) || (tensor.is_never_negative && value < 0.0f)) {
      Fail(ErrorCode::kModelFile, "'", tensor.name, "': expected finite numbers",
           tensor.is_never_negative ? " of at least 0" : "", ", got ", value);
    }
  }
}

void CheckValues(const StateTensor& tensor, std::span<const std::int64_t> counts) {
  for (const std::int64_t count : counts) {
    if (count < 0 || count > kMostSteps) {
      Fail(ErrorCode::kModelFile, "'", tensor.name, "': expected counts of at least 0, got ",
           count);
    }
  }
}

// All of a trainer's tensors as the file has them, read and checked before any of them is used.
class ReadTensors {
 public:
  ReadTensors(const ByteSource& file, const SafetensorsHeader& header, const Checks& checks,
              const std::vector<StateTensor>& tensors) {
    const std::vector<const SafetensorsTensor*> matched = Match(tensors, header);
    std::int64_t floats = 0;
    for (const StateTensor& tensor : tensors) {
      floats += static_cast<std::int64_t>(tensor.floats.size());
    }
    floats_ = AlignedArray<float>(floats);
    std::size_t first = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::int64_t at = header.data_begin + matched[i]->begin;
      const StateTensor& tensor = tensors[i];
      if (tensor.counts.empty()) {
        const auto values = floats_.span().subspan(first, tensor.floats.size());
        first += values.size();
        Read(file, at, tensor, values, checks);
      } else {
        counts_.emplace_back(tensor.counts.size());
        Read(file, at, tensor, std::span(counts_.back()), checks);
      }
    }
  }

  void CopyTo(const std::vector<StateTensor>& tensors) const {
    const float* values = floats_.data();
    auto counts = counts_.begin();
    for (const StateTensor& tensor : tensors) {
      if (tensor.counts.empty()) {
        std::copy_n(values, tensor.floats.size(), tensor.floats.begin());
        values += tensor.floats.size();
      } else {
        std::ranges::copy(*counts++, tensor.counts.begin());
      }
    }
  }

 private:
  template <typename Value>
  static void Read(const ByteSource& file, std::int64_t at, const StateTensor& tensor,
                   std::span<Value> values, const Checks& checks) {
    file.ReadAt(at, std::as_writable_bytes(values));
    checks.Check(tensor.name, std::as_bytes(values));
    CheckValues(tensor, std::span<const Value>(values));
  }

  AlignedArray<float> floats_;
  std::vector<std::vector<std::int64_t>> counts_;
};

Checksums FrozenChecksums(const TrainerState::Implementation& trainer) {
  Checksums checksums;
  for (const int i : trainer.Frozen()) {
    const GraphParameter& parameter = trainer.network().parameters[static_cast<std::size_t>(i)];
    const std::span values(trainer.network().parameter_values(i),
                           static_cast<std::size_t>(parameter.shape.element_count()));
    checksums.emplace(parameter.path, ChecksumOf(std::as_bytes(values)));
  }
  return checksums;
}

void CheckNetwork(const TrainerState::Implementation& trainer, const SafetensorsHeader& header) {
  const Checksums expected = FromText(Required(header, kFrozenKey), kFrozenKey);
  const Checksums frozen = FrozenChecksums(trainer);
  std::vector<std::string> others;
  for (const auto& [path, checksum] : frozen) {
    const auto found = expected.find(path);
    if (found == expected.end() || found->second != checksum) others.push_back(path);
  }
  for (const auto& [path, checksum] : expected) {
    if (!frozen.contains(path)) others.push_back(path);
  }
  if (!others.empty()) {
    Fail(ErrorCode::kInvalidArgument,
         "expected frozen parameters as they were when the checkpoint was written, others are ",
         Listed(others));
  }
  if (Required(header, kGraphKey) != GraphChecksum(trainer.network())) {
    Fail(
        ErrorCode::kInvalidArgument,
        "expected the network that the checkpoint was written for, got one of the same parameters ",
        "whose layers, tasks, rates or metadata differ");
  }
}

// The first bytes of a file with these tensors.
std::string HeaderOf(const TrainerState::Implementation& trainer,
                     const std::vector<StateTensor>& tensors, std::string_view notes) {
  SafetensorsHeader header;
  header.metadata = {{kFormatKey, kFormat},
                     {kVersionKey, kVersion},
                     {kGraphKey, GraphChecksum(trainer.network())},
                     {kFrozenKey, ToText(FrozenChecksums(trainer))}};
  Checksums checksums;
  for (const char* key : {kGraphKey, kFrozenKey}) {
    checksums.emplace(key, Crc32Of(header.metadata.at(key)).ToString());
  }
  std::int64_t end = 0;
  const auto add = [&](const std::string& name, const char* type,
                       const std::vector<std::int64_t>& shape, std::span<const std::byte> bytes) {
    const auto size = static_cast<std::int64_t>(bytes.size());
    checksums.emplace(name, ChecksumOf(bytes));
    header.tensors.push_back(
        {.name = name, .type = type, .shape = shape, .begin = end, .end = end + size});
    end += size;
  };
  for (const StateTensor& tensor : tensors) {
    add(tensor.name, tensor.counts.empty() ? kFloats : kCounts, tensor.shape, tensor.bytes());
  }
  add(kNotes, kText, {static_cast<std::int64_t>(notes.size())}, std::as_bytes(std::span(notes)));
  header.metadata.emplace(kChecksumsKey, ToText(checksums));
  return WriteSafetensorsHeader(header, ModelFileLimits{});
}

template <typename Function>
auto WithPath(const std::string& path, const Function& function) {
  try {
    return function();
  } catch (const Error& error) {
    Fail(error.code(), path, ": ", MessageOf(error));
  }
}

}  // namespace

void SaveCheckpoint(Trainer& trainer, const std::string& path, std::string_view notes) {
  if (notes.size() > kMostNotes || notes.find('\0') != std::string_view::npos) {
    Fail(ErrorCode::kInvalidArgument, "notes: expected at most ", kMostNotes,
         " bytes without NUL, got ", notes.size());
  }
  TrainerState::Implementation& from = TrainerState::Of(trainer);
  const std::vector<StateTensor> tensors = from.State(from.has_best());
  WithPath(path, [&] {
    const std::string header = HeaderOf(from, tensors, notes);
    FileReplacement file(path);
    file.Write(std::as_bytes(std::span(header)));
    for (const StateTensor& tensor : tensors) file.Write(tensor.bytes());
    file.Write(std::as_bytes(std::span(notes)));
    file.Commit();
  });
}

std::string LoadCheckpointFrom(Trainer& trainer, const ByteSource& file) {
  const SafetensorsHeader header = ReadHeader(file);
  const Checks checks(header);
  const bool has_best = std::ranges::any_of(
      header.tensors, [](const SafetensorsTensor& t) { return t.name.starts_with(kBest); });
  TrainerState::Implementation& to = TrainerState::Of(trainer);
  const bool had_best = to.has_best();
  std::string notes;
  try {
    const std::vector<StateTensor> tensors = to.State(has_best);
    const ReadTensors read(file, header, checks, tensors);
    CheckNetwork(to, header);
    notes = ReadNotes(file, header, checks);
    read.CopyTo(tensors);
  } catch (const Error&) {
    to.StateChanged(had_best);
    throw;
  }
  to.StateChanged(has_best);
  return notes;
}

std::string LoadCheckpoint(Trainer& trainer, const std::string& path) {
  return WithPath(path, [&] { return LoadCheckpointFrom(trainer, FileSource(path)); });
}

std::string ReadCheckpointNotes(const std::string& path) {
  return WithPath(path, [&] {
    const FileSource file(path);
    const SafetensorsHeader header = ReadHeader(file);
    const Checks checks(header);
    for (const SafetensorsTensor& tensor : header.tensors) {
      checks.Check(tensor.name,
                   ReadChecksum(file, header.data_begin + tensor.begin, tensor.end - tensor.begin));
    }
    return ReadNotes(file, header, checks);
  });
}

}  // namespace espalier
