// SPDX-License-Identifier: Apache-2.0
#include "espalier/weights.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/memory.h"
#include "espalier/builder.h"
#include "espalier/error.h"
#include "espalier/model_file.h"
#include "espalier/trainer.h"
#include "files/load_weights.h"
#include "files/sample_network.h"
#include "testing/known_networks.h"

namespace espalier {
namespace {

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// A safetensors file as another program may write it.
class OtherFile {
 public:
  OtherFile& Add(const std::string& name, const std::string& type, const std::string& shape,
                 const std::string& data) {
    if (!members_.empty()) members_ += ", ";
    members_ += "\"" + name + "\": {\"dtype\": \"" + type + "\", \"shape\": " + shape +
                ", \"data_offsets\": [" + std::to_string(data_.size()) + ", " +
                std::to_string(data_.size() + data.size()) + "]}";
    data_ += data;
    return *this;
  }

  std::string bytes() const {
    const std::string header = "{" + members_ + "}";
    return BytesOf(std::vector<std::uint64_t>{header.size()}) + header + data_;
  }

 private:
  std::string members_;
  std::string data_;
};

// Parameters: one.weight [3, 2], one.bias [3], heads.a.dense.weight [2, 3], heads.a.dense.bias [2].
Network Small() {
  NetworkBuilder builder(Shape::Vector(2));
  builder.Dense("one", 3).Head("a", ClassesTask(2));
  return builder.Build(1);
}

const std::string kWeight = BytesOf<float>({1, 2, 3, 4, 5, 6});
const std::string kBias = BytesOf<float>({7, 8, 9});

OtherFile SmallFile() {
  return OtherFile()
      .Add("one.weight", "F32", "[3, 2]", kWeight)
      .Add("one.bias", "F32", "[3]", kBias);
}

const WeightMap kHeadsStay = {.may_stay = {"heads.*"}};

WeightReport Load(Network& network, const std::string& bytes, const WeightMap& map = kHeadsStay) {
  return LoadWeightsFrom(network, MemorySource(std::as_bytes(std::span(bytes))), map);
}

std::vector<std::uint32_t> BitsOf(const Network& network) {
  std::vector<std::uint32_t> bits;
  for (const ParameterDescription& parameter : network.Parameters()) {
    for (const float value : network.ReadParameter(parameter.path)) {
      bits.push_back(std::bit_cast<std::uint32_t>(value));
    }
  }
  return bits;
}

// Expects an error, and the network as it was; returns its message.
std::string Refused(const std::string& bytes, const WeightMap& map = kHeadsStay,
                    ErrorCode code = ErrorCode::kModelFile) {
  Network network = Small();
  const std::vector<std::uint32_t> before = BitsOf(network);
  const std::int64_t native_bytes = NativeBytesInUse();
  std::string message = "accepted";
  try {
    Load(network, bytes, map);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    message = error.what();
  }
  EXPECT_EQ(BitsOf(network), before) << message;
  EXPECT_EQ(NativeBytesInUse(), native_bytes);
  return message;
}

void ExpectContains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "expected: " << part << "\ngot: " << text;
}

TEST(LoadWeights, ReadsWhatMatchesAndLeavesWhatMayStay) {
  Network network = Small();
  network.Freeze({"one"});
  const std::vector<float> head = network.ReadParameter("heads.a.dense.weight");
  const WeightReport report = Load(network, SmallFile().bytes());
  EXPECT_EQ(network.ReadParameter("one.weight"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(network.ReadParameter("one.bias"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(network.ReadParameter("heads.a.dense.weight"), head);
  ASSERT_EQ(report.matched.size(), 2u);
  EXPECT_EQ(report.matched[0].parameter, "one.weight");
  EXPECT_EQ(report.kept, (std::vector<std::string>{"heads.a.dense.weight", "heads.a.dense.bias"}));
  EXPECT_TRUE(report.unused.empty());
  ExpectContains(report.ToString(), "2 read, 0 of them reshaped, 2 left as they were, 0 tensors");
  ExpectContains(report.ToString(), "left: 'heads.a.dense.bias'");
}

TEST(LoadWeights, WidensEveryTypeOfFloats) {
  struct Type {
    const char* name;
    std::string data;
    std::vector<float> expected;
  };
  const std::vector<Type> types = {
      {"F16", BytesOf<std::uint16_t>({0x3C00, 0x0001, 0xFBFF}), {1.0f, 0x1p-24f, -65504.0f}},
      {"F16", BytesOf<std::uint16_t>({0x8000, 0x03FF, 0x3555}), {-0.0f, 0x3FFp-24f, 0x1.554p-2f}},
      {"BF16", BytesOf<std::uint16_t>({0x3F80, 0xC049, 0x0001}), {1.0f, -3.140625f, 0x1p-133f}},
      {"F64", BytesOf<double>({0.1, -1e-60, 3.4e38}), {0.1f, -0.0f, 3.4e38f}},
  };
  for (const Type& type : types) {
    Network network = Small();
    Load(network, OtherFile()
                      .Add("one.weight", "F32", "[3, 2]", kWeight)
                      .Add("one.bias", type.name, "[3]", type.data)
                      .bytes());
    EXPECT_EQ(BytesOf(network.ReadParameter("one.bias")), BytesOf(type.expected)) << type.name;
  }
}

TEST(LoadWeights, RulesRenameTransposeAndReshape) {
  Network network = Small();
  const WeightMap map = {
      .rules = {{"one.weight", "block.7.kernel", WeightRule::Values::kTransposed},
                {"one.bias", "block.7.bias", WeightRule::Values::kReshaped},
                {"heads.*.dense.weig?t", "*.fc.weig?t"},
                {"heads.*.dense.*", "*.fc.*"},
                {"*", "never.*"}}};
  const std::string bytes = OtherFile()
                                .Add("block.7.kernel", "F32", "[2, 3]", kWeight)
                                .Add("block.7.bias", "F32", "[1, 3, 1]", kBias)
                                .Add("a.fc.weight", "F32", "[2, 3]", kWeight)
                                .Add("a.fc.bias", "F32", "[2]", kBias.substr(0, 8))
                                .bytes();
  const WeightReport report = Load(network, bytes, map);
  EXPECT_EQ(network.ReadParameter("one.weight"), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(network.ReadParameter("one.bias"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(network.ReadParameter("heads.a.dense.bias"), (std::vector<float>{7, 8}));
  ASSERT_EQ(report.reshaped.size(), 1u);
  EXPECT_EQ(report.reshaped[0].tensor, "block.7.bias");
  EXPECT_EQ(report.matched.size(), 4u);
}

TEST(LoadWeights, TransposesLargeMatricesInPieces) {
  NetworkBuilder builder(Shape::Vector(300));
  builder.Dense("one", 257).Head("a", ClassesTask(2));
  Network network = builder.Build(1);
  const std::vector<float> expected = network.ReadParameter("one.weight");
  const TemporaryFolder folder;
  const WeightMap map = {.rules = {{"*.weight", "*.kernel", WeightRule::Values::kTransposed}}};
  ExportSafetensors(network, folder.File("a"), map);
  Network other = builder.Build(2);
  LoadWeights(other, folder.File("a"), map);
  EXPECT_EQ(other.ReadParameter("one.weight"), expected);
  EXPECT_EQ(BitsOf(other), BitsOf(network));
  ExpectContains(ReadWholeFile(folder.File("a")),
                 R"("one.kernel":{"dtype":"F32","shape":[300,257])");
}

TEST(LoadWeights, UnusedTensorsMayBeOfAnyTypeAndEmpty) {
  Network network = Small();
  WeightMap map = kHeadsStay;
  map.may_be_unused = {"*num_batches_tracked", "empty", "flags"};
  OtherFile file = SmallFile();
  file.Add("bn.num_batches_tracked", "I64", "[]", BytesOf<std::int64_t>({5}))
      .Add("empty", "F32", "[0, 4]", "")
      .Add("flags", "BOOL", "[3]", std::string(3, '\1'));
  for (int i = 100; i < 120; ++i) file.Add("fc" + std::to_string(i), "F32", "[3]", kBias);
  map.may_be_unused.push_back("fc*");
  WeightReport report = Load(network, file.bytes(), map);
  EXPECT_EQ(report.unused.size(), 23u);
  ExpectContains(report.ToString(), "unused: 15 more\n");
  report.unused.resize(3);
  EXPECT_EQ(report.unused, (std::vector<std::string>{"bn.num_batches_tracked", "empty", "fc100"}));
}

TEST(LoadWeights, AHeadOfAnotherWidthIsSkippedWhereItMayStay) {
  Network network = Small();
  OtherFile file = SmallFile();
  file.Add("heads.a.dense.weight", "F32", "[1, 3]", kBias)
      .Add("heads.a.dense.bias", "F32", "[2]", kBias.substr(0, 8));
  const WeightReport report = Load(network, file.bytes());
  EXPECT_EQ(report.kept, (std::vector<std::string>{"heads.a.dense.weight"}));
  EXPECT_EQ(report.unused, (std::vector<std::string>{"heads.a.dense.weight"}));
  EXPECT_EQ(network.ReadParameter("heads.a.dense.bias"), (std::vector<float>{7, 8}));
}

TEST(LoadWeights, OneErrorHasAllThatDoesNotFit) {
  const std::string message = Refused(OtherFile()
                                          .Add("one.weight", "F32", "[2, 3]", kWeight)
                                          .Add("one.bias", "I32", "[3]", kBias)
                                          .Add("more", "F32", "[3]", kBias)
                                          .bytes(),
                                      {});
  ExpectContains(message, "got 5 others");
  ExpectContains(message,
                 "parameter 'one.weight' from tensor 'one.weight': expected shape [3, 2], "
                 "got [2, 3]");
  ExpectContains(message, "expected the type F32, F16, BF16 or F64, got I32");
  ExpectContains(message, "'heads.a.dense.weight': expected shape [2, 3], got no such tensor");
  ExpectContains(message, "tensor 'more' of shape [3]: expected a parameter, got none");
  OtherFile many = SmallFile();
  for (int i = 100; i < 150; ++i) many.Add("more" + std::to_string(i), "F32", "[3]", kBias);
  const std::string first = Refused(many.bytes());
  ExpectContains(first, "got 50 others");
  ExpectContains(first, "'more119'");
  ExpectContains(first, "; and 30 more");
  EXPECT_EQ(first.find("'more120'"), std::string::npos);
}

TEST(LoadWeights, JoinsTensorsAndTakesOnesOff) {
  const WeightMap map = {.rules = {{"one.weight", "a", WeightRule::Values::kSame, {"c", "b"}},
                                   {"one.bias", "d", WeightRule::Values::kSame, {}, 2}},
                         .may_stay = {"heads.*"}};
  const std::string bytes = OtherFile()
                                .Add("a", "F32", "[1, 2]", BytesOf<float>({1, 2}))
                                .Add("b", "F16", "[1, 2]", BytesOf<std::uint16_t>({0, 0x3C00}))
                                .Add("c", "F32", "[1, 2]", BytesOf<float>({3, 4}))
                                .Add("d", "F32", "[1, 1, 3]", kBias)
                                .bytes();
  Network network = Small();
  const WeightReport report = Load(network, bytes, map);
  EXPECT_EQ(network.ReadParameter("one.weight"), (std::vector<float>{1, 2, 3, 4, 0, 1}));
  EXPECT_EQ(network.ReadParameter("one.bias"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(report.matched[0].tensor, "a, c, b");
  ASSERT_EQ(report.reshaped.size(), 1u);
  EXPECT_EQ(report.reshaped[0].tensor, "d");
  ExpectContains(report.ToString(), "by rule: 2");
  const TemporaryFolder folder;
  WeightMap all = map;
  all.rules.push_back({"heads.a.dense.*", "fc.*"});
  ExportSafetensors(network, folder.File("a"), all);
  Network other = Small();
  EXPECT_EQ(LoadWeights(other, folder.File("a"), all).matched.size(), 4u);
  EXPECT_EQ(BitsOf(other), BitsOf(network));
}

TEST(LoadWeights, LearnsNamesAndNamesWhatIsLeft) {
  const WeightMap map = {.may_stay = {"heads.*"}, .may_be_unused = {"old.*"}, .learned = true};
  const auto file = [] { return OtherFile().Add("old.x", "F32", "[3]", kBias); };
  Network network = Small();
  const WeightReport report = Load(network,
                                   file()
                                       .Add("layer.bias", "F32", "[3]", kBias)
                                       .Add("layer.weight", "F32", "[3, 2]", kWeight)
                                       .bytes(),
                                   map);
  EXPECT_EQ(network.ReadParameter("one.bias"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(report.matched[0].evidence, WeightEvidence::kShapes);
  EXPECT_EQ(report.unused, (std::vector<std::string>{"old.x"}));
  const std::string left = Refused(file().Add("y.weight", "F32", "[3, 2]", kWeight).bytes(), map);
  ExpectContains(left, "got 2 others: of shapes bias[3] weight[3,2]: expected as many");
  ExpectContains(left, "got no layers and tensors 'y'");
  const TemporaryFolder folder;
  EXPECT_THROW(ExportSafetensors(network, folder.File("a"), map), Error);
}

TEST(LoadWeights, RefusesValuesThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string message =
      Refused(OtherFile()
                  .Add("one.weight", "F32", "[3, 2]", BytesOf<float>({1, 2, 3, infinity, 5, 6}))
                  .Add("one.bias", "F64", "[3]", BytesOf<double>({1e39, 0, 0}))
                  .bytes());
  ExpectContains(message, "finite in float32, got 2 others: tensor 'one.weight'; tensor");
  Refused(OtherFile()
              .Add("one.weight", "F32", "[3, 2]", kWeight)
              .Add("one.bias", "F16", "[3]", BytesOf<std::uint16_t>({0, 0, 0x7E00}))
              .bytes());
}

TEST(LoadWeights, RefusesWrongMaps) {
  const auto refused = [](std::vector<WeightRule> rules) {
    return Refused(SmallFile().bytes(), {.rules = std::move(rules), .may_stay = {"*"}},
                   ErrorCode::kInvalidArgument);
  };
  ExpectContains(refused({{"a.*", "b"}}), "same wildcards in the same order, got 'a.*' and 'b'");
  ExpectContains(refused({{"?*", "*?"}}), "same wildcards");
  ExpectContains(refused({{"", "b"}}), "expected two names");
  ExpectContains(refused({{"*", "*"}, {"noe.weight", "x"}}),
                 "weight rule 'noe.weight' to 'x': expected one that matches a parameter, got none "
                 "that does; did you mean 'one.weight'?");
  ExpectContains(refused({{"two.*", "x.*"}}), "; there are 'one.weight', 'one.bias', 'heads.a.");
  ExpectContains(refused({{"one.weight", "x"}, {"one.bias", "x"}}),
                 "got 'x' for 'one.weight' and 'one.bias'");
  const auto transposed = WeightRule::Values::kTransposed;
  ExpectContains(refused({{"one.*", "one.*", transposed}}),
                 "'one.*' to 'one.*': expected a parameter of 2 dimensions to be transposed, got "
                 "'one.bias'");
  ExpectContains(refused({{"one.*", "a.*", transposed, {"b.*"}}}), "values that are the same");
  ExpectContains(refused({{"one.*", "a.*", WeightRule::Values::kSame, {"b"}}}),
                 "got 'one.*' and 'b'");
  ExpectContains(refused({{"one.*", "a.*", WeightRule::Values::kSame, {"b.*"}}}),
                 "expected a parameter whose rows are those of 2 tensors, got 'one.weight'");
  ExpectContains(refused({{"one.*", "a.*", WeightRule::Values::kSame, {}, 9}}),
                 "from 0 to 8, got 9");
  ExpectContains(Refused(SmallFile().bytes(),
                         {.rules = {{"one.bias", "one.weight", WeightRule::Values::kReshaped},
                                    {"one.weight", "one.bias", WeightRule::Values::kReshaped}},
                          .may_stay = {"h*"}}),
                 "expected 3 values for [3], got shape [3, 2]");
}

TEST(LoadWeights, RefusesEveryTruncationAndLengthening) {
  const std::string bytes = SmallFile().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(Refused(bytes.substr(0, size)), "accepted") << size;
  }
  EXPECT_NE(Refused(bytes + '\0'), "accepted");
}

// A flipped bit is an error that changes nothing, or other values: never anything else.
TEST(LoadWeights, BearsEveryFlippedBit) {
  const std::string bytes = SmallFile().bytes();
  Network network = Small();
  std::vector<std::uint32_t> before = BitsOf(network);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      Load(network, flipped);
      before = BitsOf(network);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelFile) << error.what();
      EXPECT_EQ(BitsOf(network), before) << error.what();
    }
  }
}

TEST(LoadWeights, RefusesHeadersThatLie) {
  const std::vector<std::pair<std::string, std::string>> headers = {
      {R"({"a":{"dtype":"F4","shape":[8],"data_offsets":[0,8]}})", "expected F32, F16, BF16, F64"},
      {R"({"a":{"dtype":"F16","shape":[3],"data_offsets":[0,8]}})",
       "expected 6 bytes for shape [3]"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "at least 0, got -2"},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", "2^63"},
      {R"({"a":{"dtype":"F16","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,8]}})", "0 to 8"},
      {R"({"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}})",
       "which overlaps"},
      {R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}})", "which leaves a hole"},
      {R"({"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},)"
       R"("a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})",
       "'a'"},
      {R"({"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8],"more":1}})", "more"},
      {R"({"a":{"dtype":"F16","shape":4,"data_offsets":[0,8]}})", "expected an array"},
      {R"({"__metadata__":[]})", "expected an object"},
      {"[]", "expected"},
      {"", "expected"},
      {std::string(1000, '['), "expected"},
  };
  for (const auto& [header, expected] : headers) {
    const std::string bytes =
        BytesOf(std::vector<std::uint64_t>{header.size()}) + header + std::string(8, '\0');
    ExpectContains(Refused(bytes), expected);
  }
}

TEST(LoadWeights, NamesFilesOfOtherKinds) {
  ExpectContains(Refused("PK\x03\x04 archive/data.pkl and more"), "it seems to be a PyTorch file");
  ExpectContains(Refused(""), "it seems to be an empty file");
  const std::string torn = SmallFile().bytes();
  EXPECT_EQ(Refused(torn.substr(0, torn.size() - 1)).find("seems to be"), std::string::npos);
}

TEST(LoadWeights, ChangesNothingWhereThereIsNoMemory) {
  Network network = Small();
  const std::vector<std::uint32_t> before = BitsOf(network);
  SetNativeBytesLimit(NativeBytesInUse());
  EXPECT_THROW(Load(network, SmallFile().bytes()), Error);
  SetNativeBytesLimit(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(BitsOf(network), before);
}

TEST(LoadWeights, ANetworkThatOthersTrainIsBusy) {
  Network network = Small();
  Trainer trainer(network, {});
  std::thread([&] {
    try {
      Load(network, SmallFile().bytes());
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBusy) << error.what();
    }
  }).join();
}

TEST(LoadWeights, AnErrorNamesTheFile) {
  Network network = Small();
  const TemporaryFolder folder;
  try {
    LoadWeights(network, folder.File("none"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    ExpectContains(error.what(), folder.File("none"));
  }
}

TEST(ExportSafetensors, ComesBackToTheSameBits) {
  const Network network = SampleNetwork();
  const TemporaryFolder folder;
  const WeightMap map = {.rules = {{"norm1.*", "bn1.*"}, {"heads.*.dense.*", "fc_*.*"}}};
  ExportSafetensors(network, folder.File("a"), map);
  Network other = SampleNetwork();
  for (const ParameterDescription& parameter : other.Parameters()) {
    other.WriteParameter(
        parameter.path,
        std::vector<float>(static_cast<std::size_t>(parameter.shape.element_count()), 0.5f));
  }
  const WeightReport report = LoadWeights(other, folder.File("a"), map);
  EXPECT_EQ(BitsOf(other), BitsOf(network));
  EXPECT_TRUE(report.kept.empty() && report.unused.empty());
  const std::string bytes = ReadWholeFile(folder.File("a"));
  for (const char* part : {"\"bn1.running_var\"", "\"fc_digit.bias\"", R"({"format":"pt"})"}) {
    ExpectContains(bytes, part);
  }
}

TEST(ExportSafetensors, AModelFileIsReadToo) {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("a"));
  Network other = SampleNetwork();
  EXPECT_EQ(LoadWeights(other, folder.File("a")).matched.size(), other.Parameters().size());
}

TEST(ExportSafetensors, RefusesWhatItCantWrite) {
  const Network network = Small();
  const TemporaryFolder folder;
  const auto refused = [&](const WeightRule& rule) -> std::string {
    try {
      ExportSafetensors(network, folder.File("a"), {.rules = {rule}});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  };
  ExpectContains(refused({"one.*", "two.*", WeightRule::Values::kReshaped}),
                 "weight rule 'one.*' to 'two.*': expected one that says the tensor's shape");
  ExpectContains(refused({"one.*", "two.*", WeightRule::Values::kTransposed}), "got 'one.bias'");
  ExpectContains(refused({"one.weight", "__metadata__"}), "__metadata__");
  ExpectContains(refused({"one.weight", std::string(600, 'a')}), "at most 512 bytes");
  ExpectContains(refused({"one.weight", "\xFF"}), "UTF-8");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Members of a family need not have all that its names are for.
TEST(KnownWeights, NeedNotAllMatch) {
  const TemporaryFolder folder;
  ExportSafetensors(Small(), folder.File("a"), TorchvisionResNetWeights());
  Network other = Small();
  EXPECT_EQ(LoadWeights(other, folder.File("a"), BertWeights()).matched.size(), 4u);
}

// Names and shapes as torchvision has them.
TEST(KnownWeights, NameWhatTorchvisionNames) {
  struct Family {
    NetworkSpec spec;
    WeightMap map;
    std::vector<std::pair<const char*, const char*>> names;
  };
  const Shape image = Shape::Image(3, 32, 32);
  const std::vector<Family> families = {
      {testing::ResNet18(image, 10, 4),
       TorchvisionResNetWeights(),
       {{"conv1.weight", "[4,3,7,7]"},
        {"bn1.running_var", "[4]"},
        {"layer1.0.conv2.weight", "[4,4,3,3]"},
        {"layer2.0.bn1.weight", "[8]"},
        {"layer2.0.downsample.0.weight", "[8,4,1,1]"},
        {"layer4.0.downsample.1.running_mean", "[32]"}}},
      {testing::MobileNetV2(image, 10, 4),
       TorchvisionMobileNetV2Weights(),
       {{"features.0.0.weight", "[8,3,3,3]"},
        {"features.0.1.bias", "[8]"},
        {"features.1.conv.0.0.weight", "[8,1,3,3]"},
        {"features.1.conv.1.weight", "[4,8,1,1]"},
        {"features.1.conv.2.weight", "[4]"},
        {"features.17.conv.0.0.weight", "[240,40,1,1]"},
        {"features.17.conv.1.0.weight", "[240,1,3,3]"},
        {"features.17.conv.2.weight", "[80,240,1,1]"},
        {"features.17.conv.3.running_var", "[80]"},
        {"features.18.1.weight", "[320]"}}},
  };
  const TemporaryFolder folder;
  for (const Family& family : families) {
    const Network network = Network::Build(family.spec, 1);
    ExportSafetensors(network, folder.File("a"), family.map);
    const std::string bytes = ReadWholeFile(folder.File("a"));
    for (const auto& [name, shape] : family.names) {
      ExpectContains(bytes, "\"" + std::string(name) + R"(":{"dtype":"F32","shape":)" + shape);
    }
    EXPECT_EQ(bytes.find(".bn."), std::string::npos);
    Network other = Network::Build(family.spec, 2);
    EXPECT_TRUE(LoadWeights(other, folder.File("a"), family.map).kept.empty());
    EXPECT_EQ(BitsOf(other), BitsOf(network));
  }
}

}  // namespace
}  // namespace espalier
