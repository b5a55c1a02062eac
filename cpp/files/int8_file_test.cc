// SPDX-License-Identifier: Apache-2.0

// Files whose weights have 8 bits.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "files/hostile_file.h"
#include "files/model_stream.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/tolerance.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

using testing::SameBits;
using testing::Spec;

constexpr SaveOptions kInt8 = {.int8_weights = true};

// One layer of 8 bits, "wide.weight" [64, 64], and a head in float.
Network SmallNetwork() {
  NetworkBuilder builder(Shape::Vector(64));
  builder.Dense("wide", 64).Relu().Head("kind", ClassesTask(3));
  Network network = builder.Build(3);
  testing::FillWeights(network);
  return network;
}

// Convolutions with batch norms folded into them, of which one runs in a strip of rows.
Network ImageNetwork() {
  const auto conv = [](std::int64_t channels, std::int64_t kernel) {
    return Attributes{{"channels", channels}, {"kernel", kernel}};
  };
  NetworkBuilder builder(Shape::Image(3, 40, 40));
  builder.Layer(Spec("conv2d", conv(96, 3), "spatial")).BatchNorm("norm1").Relu();
  builder.Layer(Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}}, "deep"));
  builder.Layer(Spec("conv2d", conv(96, 1), "rows")).BatchNorm("norm2").Relu();
  builder.MaxPool2d(8);
  builder.Layer(Spec("conv2d", conv(128, 1), "expand")).BatchNorm("norm3").Relu();
  builder.Dense("features", 70).Relu().Head("kind", ClassesTask(5));
  Network network = builder.Build(3);
  testing::Scatter(network);
  return network;
}

std::string FileOf(const Network& network, const SaveOptions& options = kInt8) {
  std::ostringstream stream;
  SaveNetwork(network, stream, options);
  return stream.str();
}

Network Read(const std::string& file) {
  return LoadNetworkFrom(MemorySource(std::as_bytes(std::span(file))));
}

std::vector<float> Predict(const Network& network, std::int64_t batch, const Inputs& inputs,
                           Precision precision = Precision::kInt8) {
  const Predictor predictor(network, {.logits = true, .precision = precision, .threads = 1});
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

std::set<std::string> TensorsOfBytes(const std::string& file) {
  std::set<std::string> names;
  const MemorySource source(std::as_bytes(std::span(file)));
  for (const SafetensorsTensor& tensor : ReadSafetensorsHeader(source, {}).tensors) {
    if (tensor.type == "I8") names.insert(tensor.name);
  }
  return names;
}

// Expects values of 8 bits within half a step of the network's own, and all others to be the same.
void ExpectRounded(const Network& network, const std::string& file) {
  const Network loaded = Read(file);
  const std::set<std::string> bytes = TensorsOfBytes(file);
  for (const ParameterDescription& parameter : network.Parameters()) {
    const std::vector<float> values = network.ReadParameter(parameter.path);
    const std::vector<float> rounded = loaded.ReadParameter(parameter.path);
    if (!bytes.contains(parameter.path)) {
      EXPECT_TRUE(SameBits(rounded, values)) << parameter.path;
      continue;
    }
    const auto columns =
        static_cast<std::size_t>(parameter.shape.element_count() / parameter.shape[0]);
    for (std::size_t begin = 0; begin < values.size(); begin += columns) {
      float most = 0.0f;
      for (std::size_t i = begin; i < begin + columns; ++i) {
        most = std::max(most, std::abs(values[i]));
      }
      for (std::size_t i = begin; i < begin + columns; ++i) {
        ASSERT_LE(std::abs(rounded[i] - values[i]), most / 254.0f * 1.0001f) << parameter.path;
      }
    }
  }
}

TEST(Int8File, HasBytesWherePredictorsHaveThemAndFloatsElsewhere) {
  const Network network = ImageNetwork();
  const std::string file = FileOf(network);
  EXPECT_EQ(TensorsOfBytes(file),
            (std::set<std::string>{"rows.weight", "expand.weight", "features.weight"}));
  ExpectRounded(network, file);
  EXPECT_TRUE(TensorsOfBytes(FileOf(network, {})).empty());
}

TEST(Int8File, PredictorsInInt8HaveTheBitsOfTheNetworkThatWasSaved) {
  const Network small = SmallNetwork();
  const Network small_loaded = Read(FileOf(small));
  const Network images = ImageNetwork();
  const Network images_loaded = Read(FileOf(images));
  const std::vector<float> rows = testing::NormalFloats(5 * 64, 7);
  const std::vector<float> pixels = testing::NormalFloats(2 * 3 * 40 * 40, 7);
  testing::ForEachCpuTarget([&] {
    EXPECT_TRUE(SameBits(Predict(small_loaded, 5, rows), Predict(small, 5, rows)));
    EXPECT_FALSE(SameBits(Predict(small_loaded, 5, rows, Precision::kFp32),
                          Predict(small, 5, rows, Precision::kFp32)));
    EXPECT_TRUE(SameBits(Predict(images_loaded, 2, pixels), Predict(images, 2, pixels)));
  });
  const std::string text = Predictor(images, {.precision = Precision::kInt8}).Describe();
  EXPECT_NE(text.find("deep > rows + norm2"), std::string::npos) << text;
}

TEST(Int8File, TransformersToo) {
  const testing::BertSizes sizes = {.length = 9,
                                    .vocabulary = 60,
                                    .positions = 16,
                                    .layers = 1,
                                    .width = 96,
                                    .heads = 3,
                                    .feed_forward = 160};
  Network network = testing::Bert(sizes).Head("x", ValuesTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  const std::string file = FileOf(network);
  EXPECT_TRUE(TensorsOfBytes(file).contains("words.weight"));
  EXPECT_FALSE(TensorsOfBytes(file).contains("token_types.weight"));
  ExpectRounded(network, file);
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 3 * 9; ++i) ids.push_back(i * i % 60);
  const std::vector<std::int32_t> types(ids.size());
  const std::vector<std::int32_t> lengths = {9, 1, 6};
  const std::vector<InputData> inputs = {std::span<const std::int32_t>(ids),
                                         std::span<const std::int32_t>(types),
                                         std::span<const std::int32_t>(lengths)};
  const Inputs all{std::span<const InputData>(inputs)};
  const Network loaded = Read(file);
  testing::ForEachCpuTarget(
      [&] { EXPECT_TRUE(SameBits(Predict(loaded, 3, all), Predict(network, 3, all))); });
}

TEST(Int8File, SavedAgainHasTheSameBytes) {
  for (const Network& network : {SmallNetwork(), ImageNetwork()}) {
    const std::string file = FileOf(network);
    EXPECT_TRUE(FileOf(Read(file)) == file);
    EXPECT_TRUE(FileOf(Read(FileOf(Read(file), {}))) == file);
  }
}

// Scales whose last bits are all there are, so that one of them would show a rounding too many.
TEST(Int8File, EveryScaleComesBackToTheBit) {
  NetworkBuilder builder(Shape::Vector(32));
  builder.Dense("wide", 4096).Head("kind", ClassesTask(3));
  Network network = builder.Build(3);
  std::vector<float> weights(32 * 4096);
  std::uint32_t state = 1;
  for (float& weight : weights) {
    state = state * 1664525u + 1013904223u;
    weight = std::ldexp(static_cast<float>(static_cast<std::int32_t>(state) >> 7), -24);
  }
  network.WriteParameter("wide.weight", weights);
  const std::string file = FileOf(network);
  EXPECT_TRUE(FileOf(Read(file)) == file);
}

TEST(Int8File, TakesAQuarterOfTheBytes) {
  NetworkBuilder builder(Shape::Vector(512));
  builder.Dense("one", 512).Relu().Dense("two", 512).Relu().Head("kind", ClassesTask(5));
  const Network network = builder.Build(3);
  EXPECT_LT(FileOf(network).size(), FileOf(network, {}).size() * 27 / 100);
}

TEST(Int8File, RowsOfZerosAndOfExtremesComeBack) {
  Network network = SmallNetwork();
  std::vector<float> weights = network.ReadParameter("wide.weight");
  const auto fill = [&](std::size_t row, float value) {
    std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>(64 * row), 64, value);
  };
  fill(0, 0.0f);
  fill(1, std::numeric_limits<float>::denorm_min());
  fill(2, 0x1p-57f);
  fill(3, std::numeric_limits<float>::max());
  fill(4, -3.0f);
  weights[64 * 5] = 1e9f;  // one outlier: all else rounds to 0
  network.WriteParameter("wide.weight", weights);
  const Network loaded = Read(FileOf(network));
  const std::vector<float> rounded = loaded.ReadParameter("wide.weight");
  for (const std::size_t i : {0, 64, 128, 64 * 5 + 1}) EXPECT_EQ(rounded[i], 0.0f) << i;
  EXPECT_GT(rounded[64 * 3], 3.4e38f);
  EXPECT_TRUE(std::isfinite(rounded[64 * 3]));
  EXPECT_FLOAT_EQ(rounded[64 * 4], -3.0f);
  EXPECT_FLOAT_EQ(rounded[64 * 5], 1e9f);
  const std::vector<float> rows = testing::NormalFloats(64, 7);
  EXPECT_TRUE(SameBits(Predict(loaded, 1, rows), Predict(network, 1, rows)));
  EXPECT_TRUE(FileOf(loaded) == FileOf(network));
}

TEST(Int8File, ReadsTheGoldenFileOfVersion2) {
  const std::string golden = ReadWholeFile(ESPALIER_TESTDATA "/golden_v2.safetensors");
  EXPECT_TRUE(FileOf(Read(golden)) == golden);
  ExpectRounded(SmallNetwork(), golden);
}

TEST(Int8File, WritesTheGoldenFileOfVersion2) {
  const TemporaryFolder folder;
  SaveNetwork(SmallNetwork(), folder.File("a"), kInt8);
  EXPECT_TRUE(ReadWholeFile(folder.File("a")) ==
              ReadWholeFile(ESPALIER_TESTDATA "/golden_v2.safetensors"));
}

// What others may write: the same tensors in the opposite order, bytes before their scales.
std::string Reversed(const std::string& file) {
  const MemorySource source(std::as_bytes(std::span(file)));
  SafetensorsHeader header = ReadSafetensorsHeader(source, {});
  const std::string data = file.substr(static_cast<std::size_t>(header.data_begin));
  std::reverse(header.tensors.begin(), header.tensors.end());
  std::string reversed;
  for (SafetensorsTensor& tensor : header.tensors) {
    const auto begin = static_cast<std::int64_t>(reversed.size());
    reversed += data.substr(static_cast<std::size_t>(tensor.begin),
                            static_cast<std::size_t>(tensor.end - tensor.begin));
    tensor.begin = begin;
    tensor.end = static_cast<std::int64_t>(reversed.size());
  }
  return WriteSafetensorsHeader(header, {}) + reversed;
}

TEST(Int8File, StreamsGiveTheSameNetworkInPiecesAndInAnyOrder) {
  const std::string file = FileOf(SmallNetwork());
  for (const std::string& bytes : {file, Reversed(file)}) {
    EXPECT_TRUE(FileOf(Read(bytes)) == file);
    for (const std::size_t size : {1, 7, 5000}) {
      ModelReader reader({});
      for (std::size_t begin = 0; begin < bytes.size(); begin += size) {
        reader.Write(
            std::as_bytes(std::span(bytes).subspan(begin, std::min(size, bytes.size() - begin))));
      }
      EXPECT_TRUE(FileOf(reader.Finish()) == file);
    }
  }
}

TEST(Int8File, EveryTruncationIsRefused) {
  const std::string file = FileOf(SmallNetwork());
  for (std::size_t size = 0; size < file.size(); size += 1 + size / 100) {
    EXPECT_THROW(Read(file.substr(0, size)), Error) << size;
  }
}

// The small network's file taken apart.
HostileFile TakenApart() {
  const std::string bytes = FileOf(SmallNetwork());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  HostileFile file;
  file.header = JsonTree::parse(bytes.substr(8, length));
  file.data = bytes.substr(8 + length);
  return file;
}

std::size_t Begin(HostileFile& file, const char* tensor) {
  return file.tensor(tensor).at("data_offsets").at(0).get<std::size_t>();
}

// Puts bytes into a tensor, and its checksum right.
void Put(HostileFile& file, const char* tensor, std::size_t offset, const std::string& bytes) {
  const std::size_t begin = Begin(file, tensor);
  const std::size_t end = file.tensor(tensor).at("data_offsets").at(1).get<std::size_t>();
  file.data.replace(begin + offset, bytes.size(), bytes);
  file.SetChecksum(tensor, Crc32Of(file.data.substr(begin, end - begin)).ToString());
}

void Scale(HostileFile& file, float scale) {
  std::string bytes(sizeof(scale), '\0');
  std::memcpy(bytes.data(), &scale, sizeof(scale));
  Put(file, "wide.weight.scale", 5 * sizeof(scale), bytes);
}

void Remove(HostileFile& file, const char* tensor) {
  const std::size_t begin = Begin(file, tensor);
  const std::size_t end = file.tensor(tensor).at("data_offsets").at(1).get<std::size_t>();
  file.header.erase(tensor);
  file.data.erase(begin, end - begin);
  for (auto& [name, entry] : file.header.items()) {
    if (name == "__metadata__" || entry.at("data_offsets").at(0) < begin) continue;
    for (auto& offset : entry.at("data_offsets")) {
      offset = offset.get<std::size_t>() - (end - begin);
    }
  }
}

TEST(Int8File, WhatIsWrongIsRefusedWithWhatWasExpected) {
  struct Wrong {
    const char* expected;
    std::function<void(HostileFile&)> change;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const char* scale = "'wide.weight.scale': expected scales above 0 that give finite values, got";
  const std::vector<Wrong> all = {
      {"in row 5", [&](HostileFile& file) { Scale(file, nan); }},
      {scale, [&](HostileFile& file) { Scale(file, nan); }},
      {scale, [&](HostileFile& file) { Scale(file, 0.0f); }},
      {scale, [&](HostileFile& file) { Scale(file, -0.0f); }},
      {scale, [&](HostileFile& file) { Scale(file, -1.0f); }},
      {scale, [&](HostileFile& file) { Scale(file, infinity); }},
      {scale, [&](HostileFile& file) { Scale(file, 2.7e36f); }},
      {"'wide.weight': expected bytes from -127 to 127, got -128 in row 1",
       [](HostileFile& file) { Put(file, "wide.weight", 70, "\x80"); }},
      {"'wide.weight' is damaged", [](HostileFile& file) { file.data.back() ^= 1; }},
      {"missing wide.weight.scale", [](HostileFile& file) { Remove(file, "wide.weight.scale"); }},
      {"missing wide.weight", [](HostileFile& file) { Remove(file, "wide.weight"); }},
      {"tensor 'wide.weight.scale': expected shape [64], got [32, 2]",
       [](HostileFile& file) { file.tensor("wide.weight.scale")["shape"] = {32, 2}; }},
      {"tensor 'wide.weight': expected shape [64, 64], got [32, 128]",
       [](HostileFile& file) { file.tensor("wide.weight")["shape"] = {32, 128}; }},
      {"tensor 'wide.weight.scale': expected F32, got I8",
       [](HostileFile& file) {
         // Bytes where scales should be: as many elements, three quarters of the bytes gone.
         const std::size_t begin = Begin(file, "wide.weight.scale");
         file.tensor("wide.weight.scale")["dtype"] = "I8";
         file.tensor("wide.weight.scale")["data_offsets"] = {begin, begin + 64};
         file.data.erase(begin + 64, 192);
         for (auto& [name, entry] : file.header.items()) {
           if (name == "__metadata__" || entry.at("data_offsets").at(0) <= begin) continue;
           for (auto& offset : entry.at("data_offsets")) {
             offset = offset.get<std::size_t>() - 192;
           }
         }
       }},
      {"'wide.weight': expected data_offsets in order from 0 to 5388",
       [](HostileFile& file) { file.tensor("wide.weight")["data_offsets"][1] = 1 << 30; }},
      {"'wide.bias': expected 64 bytes for shape [64], got data_offsets [256, 512]",
       [](HostileFile& file) { file.tensor("wide.bias")["dtype"] = "I8"; }},
      {"expected F32 in version 1 of the model file, got I8",
       [](HostileFile& file) { file.metadata()["espalier.version"] = "1"; }},
      {"expected an entry 'wide.weight.scale', got none",
       [](HostileFile& file) {
         JsonTree checksums = file.checksums();
         checksums.erase("wide.weight.scale");
         file.metadata()["espalier.checksums"] = checksums.dump();
       }},
  };
  const HostileFile good = TakenApart();
  EXPECT_NO_THROW(Read(HostileFile::Join(good.text(), good.data)));
  for (const Wrong& wrong : all) {
    ExpectRefused({wrong.expected, wrong.expected, [&](const HostileFile&) {
                     HostileFile file = good;
                     wrong.change(file);
                     return HostileFile::Join(file.text(), file.data);
                   }});
  }
}

}  // namespace
}  // namespace espalier
