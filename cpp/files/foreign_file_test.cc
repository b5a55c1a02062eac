// SPDX-License-Identifier: Apache-2.0
#include "files/foreign_file.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "files/hostile_file.h"

namespace espalier {
namespace {

using namespace std::string_literals;

struct Foreign {
  std::string what;  // part of the message
  std::string bytes;
};

std::string Safetensors(const std::string& header) {
  return HostileFile::Join(header, std::string(8, '\0'));
}

const std::vector<Foreign>& Files() {
  static const std::vector<Foreign> files = {
      {"an empty file", ""},
      {"a pointer of Git LFS",
       "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"},
      {"a web page", "<!DOCTYPE html>\n<html><head><title>404</title></head></html>"},
      {"a web page", "\xEF\xBB\xBF\r\n <HTML lang=en><body>Sign in</body></HTML>"},
      {"an XML text", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"},
      {"a JSON text", "{\"architectures\": [\"ResNet\"], \"hidden_size\": 768}"},
      {"compressed by gzip", "\x1f\x8b\x08\0\0\0\0\0\0\x03 more of it"s},
      {"compressed by Zstandard", "\x28\xb5\x2f\xfd\x24 more of it"},
      {"a PyTorch file", "PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0"s +
                             "\x12\0archive/data.pkl"s + std::string(80, 'x')},
      {"a Keras model", "PK\x03\x04\x14\0\0\0\0\0\0\0!\0 more metadata.json"s},
      {"arrays of NumPy (.npz)", "PK\x03\x04\x14\0\0\0\0\0\0\0!\0 weights.npy"s},
      {"a zip archive", "PK\x03\x04\x14\0\0\0\0\0\0\0!\0 META-INF/MANIFEST.MF"s},
      {"an array of NumPy", "\x93NUMPY\x01\0v\0{'descr': '<f4'}"s},
      {"an HDF5 file", "\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"s},
      {"a TensorFlow Lite model", "\x1c\0\0\0TFL3\x14\0 \0\0\0"s},
      {"a pickle", "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."},
      {"an ONNX model",
       "\x08\x07\x12\x07pytorch\x1a\x05"
       "2.1.0:"},
      {"a TensorFlow SavedModel", "\x08\x01\x12\x90\x02\n\x10"},
      {"a GGUF model", "GGUF\x03\0\0\0"s},
      {"a safetensors file of another program",
       Safetensors(R"({"__metadata__":{"format":"pt"},)"
                   R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})")},
      {"a safetensors file of another program",
       Safetensors(R"({"w":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}})")},
  };
  return files;
}

std::string MessageOf(const std::function<void()>& load) {
  try {
    load();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelFile);
    return error.what();
  }
  return "accepted";
}

TEST(ForeignFile, IsNamedWhereverItComesFrom) {
  for (const Foreign& file : Files()) {
    const auto bytes = std::as_bytes(std::span(file.bytes));
    EXPECT_NE(SeemsToBe(bytes).find(file.what), std::string::npos) << SeemsToBe(bytes);
    EXPECT_FALSE(SeemsToBeOurs(bytes)) << file.what;
    const std::string of_bytes = MessageOf([&] { LoadNetwork(bytes); });
    EXPECT_NE(of_bytes.find("it seems to be " + file.what), std::string::npos) << of_bytes;
    std::istringstream stream(file.bytes);
    const std::string of_stream = MessageOf([&] { LoadNetwork(stream); });
    EXPECT_NE(of_stream.find("it seems to be " + file.what), std::string::npos) << of_stream;
    const TemporaryFolder folder;
    std::ofstream(folder.File("a"), std::ios::binary) << file.bytes;
    const std::string of_file = MessageOf([&] { LoadNetwork(folder.File("a")); });
    EXPECT_NE(of_file.find("it seems to be " + file.what), std::string::npos) << of_file;
  }
}

// A damaged file of our own is not called another program's.
TEST(ForeignFile, OursIsNot) {
  const HostileFile sample;
  const std::string whole = HostileFile::Join(sample.text(), sample.data);
  EXPECT_EQ(SeemsToBe(std::as_bytes(std::span(whole))), "");
  EXPECT_TRUE(SeemsToBeOurs(std::as_bytes(std::span(whole))));
  for (std::size_t at = 0; at < 16; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(SeemsToBe(std::as_bytes(std::span(damaged))), "") << at;
  }
  EXPECT_EQ(SeemsToBe(std::as_bytes(std::span("no known kind of file"))), "");
}

}  // namespace
}  // namespace espalier
