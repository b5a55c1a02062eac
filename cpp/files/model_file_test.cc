// SPDX-License-Identifier: Apache-2.0
#include "espalier/model_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "espalier/error.h"
#include "files/crc32.h"
#include "files/graph_json.h"
#include "files/model_file.h"
#include "files/sample_network.h"
#include "network/network_state.h"

namespace espalier {
namespace {

void ExpectEqual(const Network& a, const Network& b) {
  EXPECT_EQ(NetworkSpecToJson(a.Spec()), NetworkSpecToJson(b.Spec()));
  const auto parameters = a.Parameters();
  ASSERT_EQ(parameters.size(), b.Parameters().size());
  for (const ParameterDescription& parameter : parameters) {
    const std::vector<float> left = a.ReadParameter(parameter.path);
    const std::vector<float> right = b.ReadParameter(parameter.path);
    ASSERT_EQ(left.size(), right.size());
    EXPECT_EQ(std::memcmp(left.data(), right.data(), left.size() * sizeof(float)), 0)
        << parameter.path;
  }
}

std::string ErrorOf(const std::string& bytes, const LoadOptions& options = {}) {
  try {
    LoadNetworkFrom(MemorySource(std::as_bytes(std::span(bytes))), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ModelFile, RoundTripKeepsEveryBitAndSetting) {
  const TemporaryFolder folder;
  const Network network = SampleNetwork();
  const std::string path = folder.File("模型 🌳.safetensors");
  SaveNetwork(network, path);
  const Network loaded = LoadNetwork(path);
  ExpectEqual(network, loaded);
  EXPECT_EQ(loaded.Spec().heads[0].task.labels[2], "開く");
  EXPECT_EQ(loaded.Spec().inputs[0].normalization->std[1], 1.0 / 3.0);
  EXPECT_TRUE(loaded.Describe()[1].is_frozen);
  EXPECT_TRUE(loaded.Describe()[1].adapts_statistics);
}

TEST(ModelFile, KeepsThresholdsAndWritesNoneWhereThereAreNone) {
  const TemporaryFolder folder;
  Network network = SampleNetwork();
  SaveNetwork(network, folder.File("none"));
  EXPECT_EQ(ReadWholeFile(folder.File("none")).find("thresholds"), std::string::npos);
  const std::vector<double> thresholds = {0.1, 0.5, 1.0 / 3.0};
  network.SetThresholds("trait", thresholds);
  SaveNetwork(network.Clone(), folder.File("some"));
  EXPECT_EQ(LoadNetwork(folder.File("some")).Spec().heads[0].task.thresholds, thresholds);
  network.SetThresholds("trait", {});
  EXPECT_TRUE(network.Spec().heads[0].task.thresholds.empty());
}

TEST(ModelFile, KeepsMetadataOfTheOwner) {
  const TemporaryFolder folder;
  Network network = SampleNetwork();
  SaveNetwork(network, folder.File("none"));
  EXPECT_EQ(ReadWholeFile(folder.File("none")).find("metadata\\"), std::string::npos);
  // All that grows in JSON within JSON, as much of it as there may be.
  const std::string worst = "\"\\\n\x01 模型" + std::string((1 << 20) - 100, '\x02');
  network.SetMetadata("table \"a\"", worst);
  network.SetMetadata("empty", "");
  SaveNetwork(network, folder.File("some"));
  ExpectEqual(network, LoadNetwork(folder.File("some")));
  EXPECT_EQ(LoadNetwork(folder.File("some")).Metadata(), network.Metadata());
  EXPECT_EQ(network.Metadata().at("table \"a\""), worst);
}

TEST(ModelFile, SpecialFloatsKeepTheirBits) {
  const TemporaryFolder folder;
  Network network = SampleNetwork();
  const std::vector<float> bits = {
      -0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(),
      -std::numeric_limits<float>::min(), std::numeric_limits<float>::lowest()};
  network.WriteParameter("features.bias", bits);
  SaveNetwork(network, folder.File("a"));
  ExpectEqual(network, LoadNetwork(folder.File("a")));
}

// Such a file comes from elsewhere, or from before: no network can be made to hold these.
TEST(ModelFile, NanAndInfinityAreRefusedNamingTheTensor) {
  const TemporaryFolder folder;
  const Network network = SampleNetwork();
  for (const GraphParameter& parameter : network.state()->parameters) {
    if (parameter.path == "features.bias") {
      network.state()->parameter_floats[parameter.offset + 2] =
          std::numeric_limits<float>::infinity();
    }
  }
  SaveNetwork(network, folder.File("bad"));
  EXPECT_EQ(ErrorOf(ReadWholeFile(folder.File("bad"))),
            "MODEL_FILE: 'features.bias': expected finite values, got others");
  EXPECT_EQ(ErrorOf(ReadWholeFile(folder.File("bad")), {.limits = {}, .finite_only = false}), "");
}

TEST(ModelFile, SavingTwiceGivesTheSameBytes) {
  const TemporaryFolder folder;
  const Network network = SampleNetwork();
  SaveNetwork(network, folder.File("a"));
  SaveNetwork(LoadNetwork(folder.File("a")), folder.File("b"));
  EXPECT_EQ(ReadWholeFile(folder.File("a")), ReadWholeFile(folder.File("b")));
}

// The file of version 1 as it was first written: it has to stay readable for ever.
TEST(ModelFile, ReadsTheGoldenFileOfVersion1) {
  ExpectEqual(LoadNetwork(ESPALIER_TESTDATA "/golden_v1.safetensors"), SampleNetwork());
}

// If the written form changes on purpose, this test changes with it; the golden file does not.
TEST(ModelFile, WritesTheGoldenFileOfVersion1) {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("a"));
  EXPECT_EQ(ReadWholeFile(folder.File("a")),
            ReadWholeFile(ESPALIER_TESTDATA "/golden_v1.safetensors"));
}

TEST(ModelFile, DataAreAlignedAndHeaderIsPaddedWithSpaces) {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("a"));
  const std::string bytes = ReadWholeFile(folder.File("a"));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(bytes[8], '{');
}

TEST(ModelFile, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("a"));
  const std::string bytes = ReadWholeFile(folder.File("a"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string error = ErrorOf(bytes.substr(0, size));
    ASSERT_TRUE(error.starts_with("MODEL_FILE: ")) << size << ": " << error;
  }
}

// Every byte changed to other values, and random bits flipped at several places: never a
// crash, and accepted only if nothing that matters has changed.
TEST(ModelFile, DamageIsNoticed) {
  const TemporaryFolder folder;
  const Network network = SampleNetwork();
  SaveNetwork(network, folder.File("a"));
  const std::string good = ReadWholeFile(folder.File("a"));
  const auto check = [&](const std::string& bytes) {
    try {
      const Network loaded = LoadNetworkFrom(MemorySource(std::as_bytes(std::span(bytes))));
      ExpectEqual(network, loaded);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kModelFile) << error.what();
    }
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bytes = good;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    check(bytes);
  }
  std::uint64_t random = 42;
  const auto next = [&](std::size_t bound) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(random >> 33) % bound;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (std::size_t flips = 1 + next(4); flips > 0; --flips) {
      char& byte = bytes[next(next(4) == 0 ? 16 : bytes.size())];
      byte = static_cast<char>(next(3) == 0 ? next(256) : byte ^ (1 << next(8)));
    }
    check(bytes);
  }
}

TEST(ModelFile, OtherMetadataIsAllowed) {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("a"));
  const SafetensorsHeader header = ReadSafetensorsHeader(FileSource(folder.File("a")), {});
  SafetensorsHeader with_author = header;
  with_author.metadata["author"] = "someone";
  const std::string bytes =
      WriteSafetensorsHeader(with_author, {}) +
      ReadWholeFile(folder.File("a")).substr(static_cast<std::size_t>(header.data_begin));
  EXPECT_EQ(ErrorOf(bytes), "");
}

TEST(ModelFile, ErrorsNameThePath) {
  const TemporaryFolder folder;
  const auto load = [](const std::string& path) -> std::string {
    try {
      LoadNetwork(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(load(folder.File("none")),
            "IO: " + folder.File("none") + ": cannot open the file: No such file or directory");
  EXPECT_EQ(load(folder.path()),
            "IO: " + folder.path().string() + ": expected a regular file, got a folder");
  EXPECT_EQ(load("/dev/null"),
            "IO: /dev/null: expected a regular file, got a device, pipe or "
            "socket");
  WriteWholeFile(folder.File("short"), "abc");
  EXPECT_EQ(load(folder.File("short")),
            "MODEL_FILE: " + folder.File("short") + ": expected at least 8 bytes, got 3");
}

TEST(ModelFile, RefusesNetworksTooLargeForAHeader) {
  SafetensorsHeader header;
  header.metadata["espalier.graph"] = std::string(17 << 20, 'x');
  EXPECT_THROW(WriteSafetensorsHeader(header, {}), Error);
}

TEST(Crc32, EqualsThePublishedCheckValue) {
  EXPECT_EQ(Crc32Of("123456789").value(), 0xCBF43926u);
  EXPECT_EQ(Crc32Of("").ToString(), "00000000");
  const std::string text(1000, 'z');
  for (const std::size_t split : {1, 7, 8, 9, 500}) {
    Crc32 checksum = Crc32Of(text.substr(0, split));
    checksum.Update(std::as_bytes(std::span(text).subspan(split)));
    EXPECT_EQ(checksum.value(), Crc32Of(text).value());
  }
}

}  // namespace
}  // namespace espalier
