// SPDX-License-Identifier: Apache-2.0
#include "import/external_data.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/import.h"
#include "testing/imported_network.h"
#include "testing/onnx_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

ProtoWriter Entry(const std::string& key, const std::string& value) {
  return ProtoWriter().Bytes(1, key).Bytes(2, value);
}

// A folder with a model whose matrix lies in another file, and a secret beside the folder.
class ExternalDataTest : public testing::Test {
 protected:
  ExternalDataTest() {
    root_ = fs::path(testing::TempDir()) /
            ("external_data_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
    fs::create_directories(root_ / "model" / "parts");
    const std::vector<float> values = {9, 1, 2, 3, 4};
    Write(root_ / "model" / "parts" / "w",
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
    Write(root_ / "secret", std::string(64, 's'));
  }
  ~ExternalDataTest() override { fs::remove_all(root_); }

  static void Write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  // What importing says of a matrix at that place; empty if all is well.
  std::string Outcome(const std::string& location, const std::string& offset = "4",
                      const std::string& length = "16", ImportOptions options = {}) {
    ProtoWriter tensor;
    tensor.Integer(1, 2).Integer(1, 2).Integer(2, OnnxModel::kFloat).Bytes(8, "w");
    tensor.Message(13, Entry("location", location)).Message(13, Entry("offset", offset));
    tensor.Message(13, Entry("length", length)).Integer(14, 1);
    OnnxModel model;
    model.Input("x", {std::string("N"), 2}).Add(tensor);
    model.Node("MatMul", {"x", "w"}, {"y"}).Output("y");
    const fs::path path = root_ / "model" / "model.onnx";
    Write(path, model.Bytes());
    try {
      ImportReport report;
      const Network network = ImportOnnx(path.string(), options, &report);
      EXPECT_EQ(OutputOf(network, report, 0, {1, 10}), (std::vector<float>{31, 42}));
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::string Allowed(const std::string& location, const std::string& offset = "4",
                      const std::string& length = "16") {
    return Outcome(location, offset, length, {.external_data = true});
  }

  fs::path root_;
};

void ExpectHas(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(ExternalDataTest, IsReadWhereItIsAllowed) {
  EXPECT_EQ(Allowed("parts/w"), "");
  EXPECT_EQ(Allowed("./parts/w"), "");
  ExpectHas(Outcome("parts/w"), "MODEL_FILE");
  ExpectHas(Outcome("parts/w"), "expected all data in the model's file, got some in 'parts/w'");
}

TEST_F(ExternalDataTest, StaysBelowTheFolder) {
  const std::string part = "expected data in the model's folder";
  ExpectHas(Allowed("../secret"), part);
  ExpectHas(Allowed("parts/../../secret"), part);
  ExpectHas(Allowed((root_ / "secret").string()), part);
  ExpectHas(Allowed(""), part);
  fs::create_symlink(root_ / "secret", root_ / "model" / "link");
  ExpectHas(Allowed("link"), "a link out of it");
  fs::create_directory_symlink(root_, root_ / "model" / "up");
  ExpectHas(Allowed("up/secret"), "a link out of it");
  fs::create_symlink("w", root_ / "model" / "parts" / "inside");
  EXPECT_EQ(Allowed("parts/inside"), "");
}

TEST_F(ExternalDataTest, HasTheBytesThatAreAskedFor) {
  ExpectHas(Allowed("parts/w", "8"), "expected 16 bytes from 8 in 'parts/w', which has 20");
  ExpectHas(Allowed("parts/w", "9223372036854775807"), "expected 16 bytes from");
  ExpectHas(Allowed("parts/w", "-4"), "offset: expected a whole number, got '-4'");
  ExpectHas(Allowed("parts/w", "4", "12"), "expected 16 bytes in 'parts/w', got 12");
  ExpectHas(Allowed("nothing"), "IO: ");
  ExpectHas(Allowed("parts"), "expected a regular file");
  ExpectHas(Outcome("parts/w", "4", "16", {.external_data = true, .file_bytes = 15}), "at most 15");
}

}  // namespace
}  // namespace espalier
