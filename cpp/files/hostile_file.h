// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests: a good model file taken apart, to be changed and put together again; and lists
// of named changes with the errors that they must lead to.

#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/memory.h"
#include "espalier/error.h"
#include "files/crc32.h"
#include "files/model_file.h"
#include "files/sample_network.h"

namespace espalier {

/// Keeps the order of members.
using JsonTree = nlohmann::ordered_json;

struct HostileFile {
  JsonTree header;  // of the sample network's file
  std::string data;

  HostileFile() {
    const TemporaryFolder folder;
    SaveNetwork(SampleNetwork(), folder.File("sample"));
    const std::string bytes = ReadWholeFile(folder.File("sample"));
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    header = JsonTree::parse(bytes.substr(8, length));
    data = bytes.substr(8 + length);
  }

  JsonTree& tensor(const std::string& name) { return header.at(name); }
  JsonTree& metadata() { return header.at("__metadata__"); }

  JsonTree graph() { return JsonTree::parse(metadata().at("espalier.graph").get<std::string>()); }
  void SetGraph(const std::string& text) {
    metadata()["espalier.graph"] = text;
    SetChecksum("graph", Crc32Of(text).ToString());
  }

  JsonTree checksums() {
    return JsonTree::parse(metadata().at("espalier.checksums").get<std::string>());
  }
  void SetChecksum(const std::string& name, const std::string& checksum) {
    JsonTree all = checksums();
    all[name] = checksum;
    metadata()["espalier.checksums"] = all.dump();
  }

  std::string text() const { return header.dump(); }

  /// A file with this text for a header, padded as it has to be.
  static std::string Join(std::string text, const std::string& data) {
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return WithLength(text.size(), text, data);
  }

  static std::string WithLength(std::uint64_t length, const std::string& text,
                                const std::string& data) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, sizeof(length));
    return bytes + text + data;
  }
};

struct Case {
  std::string name;
  std::string expected;  // part of the message
  std::function<std::string(HostileFile)> make;
};

class Gallery {
 public:
  std::vector<Case> cases;

  void Bytes(std::string name, std::string expected, std::function<std::string(HostileFile)> make) {
    cases.push_back({std::move(name), std::move(expected), std::move(make)});
  }

  // The header's text with `from` (which has to be there) replaced.
  void Text(std::string name, std::string expected, std::string from, std::string to) {
    Bytes(std::move(name), std::move(expected), [from, to](const HostileFile& file) {
      return HostileFile::Join(Replaced(file.text(), from, to), file.data);
    });
  }

  void Header(std::string name, std::string expected, std::function<void(HostileFile&)> change) {
    Bytes(std::move(name), std::move(expected), [change](HostileFile file) {
      change(file);
      return HostileFile::Join(file.text(), file.data);
    });
  }

  // One field of the tensor features.bias, which has shape [5].
  void Tensor(std::string name, std::string expected, std::string field, const char* json) {
    Header(std::move(name), std::move(expected), [field, json](HostileFile& file) {
      file.tensor("features.bias")[field] = JsonTree::parse(json);
    });
  }

  // As Tensor, for JSON that a tree cannot hold: numbers in disguise.
  void RawTensor(std::string name, std::string expected, std::string field, std::string json) {
    Bytes(std::move(name), std::move(expected), [field, json](HostileFile file) {
      file.tensor("features.bias")[field] = "@";
      return HostileFile::Join(Replaced(file.text(), "\"@\"", json), file.data);
    });
  }

  void Metadata(std::string name, std::string expected, std::string key, JsonTree value) {
    Header(std::move(name), std::move(expected),
           [key, value](HostileFile& file) { file.metadata()[key] = value; });
  }

  void Graph(std::string name, std::string expected, std::function<void(JsonTree&)> change) {
    Header(std::move(name), std::move(expected), [change](HostileFile& file) {
      JsonTree graph = file.graph();
      change(graph);
      file.SetGraph(graph.dump());
    });
  }

  // A field of the graph by JSON pointer.
  void Graph(std::string name, std::string expected, std::string pointer, JsonTree value) {
    Graph(std::move(name), std::move(expected),
          [pointer, value](JsonTree& graph) { graph[JsonTree::json_pointer(pointer)] = value; });
  }

  static std::string Replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) {
      throw std::logic_error("the sample has no " + from);
    }
    return text.replace(at, from.size(), to);
  }
};

/// Loads the case's file and expects its error: soon, without native memory left behind.
inline void ExpectRefused(const Case& hostile) {
  static const HostileFile sample;
  const std::string bytes = hostile.make(sample);
  const std::int64_t native_bytes = NativeBytesInUse();
  const std::clock_t begin = std::clock();  // of this process, whatever others have
  try {
    LoadNetworkFrom(MemorySource(std::as_bytes(std::span(bytes))));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kModelFile) << text;
    EXPECT_NE(text.find(hostile.expected), std::string::npos)
        << "expected: " << hostile.expected << "\ngot: " << text;
    EXPECT_LT(text.size(), 2000u);
  }
  EXPECT_LT((std::clock() - begin) / CLOCKS_PER_SEC, 10);
  EXPECT_EQ(NativeBytesInUse(), native_bytes);
}

/// A case's name as test programs want it.
inline std::string TestName(const Case& hostile) {
  std::string name;
  for (const char c : hostile.name) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

}  // namespace espalier
