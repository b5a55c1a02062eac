// SPDX-License-Identifier: Apache-2.0
#include "espalier/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "espalier/builder.h"
#include "espalier/model_file.h"
#include "espalier/runtime.h"
#include "files/crc32.h"
#include "files/sample_network.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;

std::vector<double> Steps(Trainer& trainer, const RandomExamples& examples, int first, int count) {
  std::vector<double> losses;
  for (int i = first; i < first + count; ++i) {
    const std::int64_t at = i * kBatch % (examples.size() - kBatch + 1);
    losses.push_back(
        trainer.Step(kBatch, examples.Inputs(at, kBatch), examples.Targets(at, kBatch)).loss);
  }
  return losses;
}

// What a trainer holds, and gives back last: parameters, optimizer's state, averages, best weights.
struct Everything {
  NamedValues parameters;
  NamedValues state;
  NamedValues averages;
  NamedValues best;

  Everything(Trainer& trainer, const Network& network, bool has_average)
      : parameters(ParametersOf(network)), state(StateOf(trainer, network)) {
    if (has_average) {
      trainer.SwapAverage();
      averages = ParametersOf(network);
      trainer.SwapAverage();
    }
    trainer.RestoreBest();
    best = ParametersOf(network);
  }
};

const std::vector<OptimizerConfig>& Optimizers() {
  static const std::vector<OptimizerConfig> all = {
      Sgd{.learning_rate = 0.05},
      Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true},
      Adam{.learning_rate = 0.01},
      AdamW{.learning_rate = 0.01},
      RmsProp{.learning_rate = 0.001},
      RmsProp{.learning_rate = 0.001, .momentum = 0.9}};
  return all;
}

TrainerConfig ConfigOf(const OptimizerConfig& optimizer) {
  return {.optimizer = optimizer,
          .schedule = {.kind = ScheduleKind::kCosine, .total_steps = 20, .warmup_steps = 3},
          .seed = 7,
          .clip_norm = 5.0,
          .layer_decay = 0.7,
          .start_decay = 0.1,
          .average_decay = 0.9};
}

// One of each optimizer, and one of each way to weigh tasks.
std::vector<TrainerConfig> Configs() {
  std::vector<TrainerConfig> configs;
  for (const OptimizerConfig& optimizer : Optimizers()) configs.push_back(ConfigOf(optimizer));
  const std::vector<BalanceConfig> balances = {UncertaintyWeights{}, InverseLossWeights{},
                                               FamoWeights{}, ProjectedGradients{}};
  for (const BalanceConfig& balance : balances) {
    configs.push_back(ConfigOf(AdamW{.learning_rate = 0.01}));
    configs.back().balance = balance;
  }
  return configs;
}

TEST(Checkpoint, GoesOnToTheSameBits) {
  const TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  for (const TrainerConfig& config : Configs()) {
    Network whole = ThreeHeads().Build(5);
    Network resumed = ThreeHeads().Build(6);  // of other values
    const RandomExamples examples(whole, 100, 3);
    Trainer trainer(whole, config);
    Steps(trainer, examples, 0, 4);
    trainer.SaveBest();
    Steps(trainer, examples, 4, 3);
    SaveCheckpoint(trainer, path, "seven steps");
    EXPECT_EQ(ReadCheckpointNotes(path), "seven steps");
    const std::vector<double> losses = Steps(trainer, examples, 7, 6);

    Trainer other(resumed, config);
    EXPECT_EQ(LoadCheckpoint(other, path), "seven steps");
    EXPECT_EQ(other.steps(), 7);
    EXPECT_EQ(Steps(other, examples, 7, 6), losses);
    const Everything expected(trainer, whole, true);
    const Everything got(other, resumed, true);
    const std::vector<std::string> none;
    EXPECT_EQ(Differences(expected.parameters, got.parameters), none);
    EXPECT_EQ(Differences(expected.state, got.state), none);
    EXPECT_EQ(Differences(expected.averages, got.averages), none);
    EXPECT_EQ(Differences(expected.best, got.best), none);
  }
}

Network Words(std::uint64_t seed) {
  return NetworkBuilder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}})
      .Layer(testing::Spec("embedding", {{"count", std::int64_t{8}}, {"width", std::int64_t{4}}},
                           "words", {}))
      .Layer(testing::Spec("token_pool", "mean", {"words"}))
      .Head("signs", LabelsTask({"a"}))
      .Build(seed);
}

void WordSteps(Trainer& trainer, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const std::vector<std::int32_t> ids = {i % 8, i * i % 8, (i + 3) % 8};
    const float answer[] = {static_cast<float>(i % 2)};
    const TaskTargets targets[] = {{.values = answer}};
    const InputData inputs[] = {std::span<const std::int32_t>(ids)};
    trainer.Step(1, Inputs(std::span<const InputData>(inputs)), targets);
  }
}

TEST(Checkpoint, RowsOfTablesKeepTheirCountsAndState) {
  const TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  const TrainerConfig config{.optimizer = Adam{.learning_rate = 0.1}, .max_batch_size = 4};
  Network whole = Words(1);
  Network resumed = Words(2);
  Trainer trainer(whole, config);
  WordSteps(trainer, 0, 5);
  SaveCheckpoint(trainer, path, "");
  WordSteps(trainer, 5, 9);
  Trainer other(resumed, config);
  LoadCheckpoint(other, path);
  WordSteps(other, 5, 9);
  EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(resumed)), std::vector<std::string>{});
  EXPECT_EQ(Differences(StateOf(trainer, whole), StateOf(other, resumed)),
            std::vector<std::string>{});
  Network alone = Words(1);
  Trainer unsaved(alone, config);
  WordSteps(unsaved, 0, 14);
  EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(alone)), std::vector<std::string>{});
  EXPECT_EQ(Differences(StateOf(trainer, whole), StateOf(unsaved, alone)),
            std::vector<std::string>{});
}

TEST(Checkpoint, FrozenLayersAreHeldToWhatTheyWere) {
  const TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  const TrainerConfig config{.optimizer = AdamW{.learning_rate = 0.01}};
  Network network = OneHead().Build(1);
  network.Freeze({.pattern = "features", .through = true});
  const RandomExamples examples(network, 40, 3);
  Network same = network.Clone();
  Network other = OneHead().Build(2);
  other.Freeze({.pattern = "features", .through = true});
  Network thawed = OneHead().Build(1);
  {
    Trainer trainer(network, config);
    Steps(trainer, examples, 0, 3);
    SaveCheckpoint(trainer, path, "");
  }
  {
    Trainer trainer(same, config);
    LoadCheckpoint(trainer, path);
  }
  EXPECT_EQ(Differences(ParametersOf(network), ParametersOf(same)), std::vector<std::string>{});
  {
    Trainer trainer(other, config);
    const std::string message =
        MessageOf(ErrorCode::kInvalidArgument, [&] { LoadCheckpoint(trainer, path); });
    EXPECT_NE(message.find("others are dense1.weight, dense2.weight"), std::string::npos)
        << message;
    EXPECT_NE(message.find(path), std::string::npos) << message;
  }
  Trainer trainer(thawed, config);
  const std::string message =
      MessageOf(ErrorCode::kInvalidArgument, [&] { LoadCheckpoint(trainer, path); });
  EXPECT_NE(message.find("it lacks parameter.dense1"), std::string::npos) << message;
}

TEST(Checkpoint, RefusesAnotherNetworkOrOptimizerByName) {
  const TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  Network network = OneHead().Build(1);
  const RandomExamples examples(network, 40, 3);
  {
    Trainer trainer(network, {.optimizer = AdamW{}});
    Steps(trainer, examples, 0, 1);
    SaveCheckpoint(trainer, path, "");
  }
  const auto refusal = [&](Network other, const TrainerConfig& config) {
    Trainer trainer(other, config);
    const NamedValues before = ParametersOf(other);
    const std::string message =
        MessageOf(ErrorCode::kInvalidArgument, [&] { LoadCheckpoint(trainer, path); });
    EXPECT_EQ(Differences(before, ParametersOf(other)), std::vector<std::string>{});
    return message;
  };
  const std::string optimizer = refusal(OneHead().Build(1), {.optimizer = Sgd{}});
  EXPECT_NE(optimizer.find("it has as well exp_avg.dense1"), std::string::npos) << optimizer;
  NetworkBuilder wider(Shape::Vector(12));
  wider.Dense("dense1", 20).Relu().Dense("dense2", 10).Layer({.name = "features", .kind = "relu"});
  wider.Head("signs", LabelsTask({"a", "b", "c", "d"}));
  const std::string width = refusal(wider.Build(1), {.optimizer = AdamW{}});
  EXPECT_NE(width.find("expected F32 [20, 12], got F32 [19, 12]"), std::string::npos) << width;
  NetworkBuilder bent(Shape::Vector(12));
  bent.Dense("dense1", 19)
      .Layer({.name = "bend", .kind = "gelu"})
      .Dense("dense2", 10)
      .Layer({.name = "features", .kind = "relu"});
  bent.Head("signs", LabelsTask({"a", "b", "c", "d"}));
  const std::string layers = refusal(bent.Build(1), {.optimizer = AdamW{}});
  EXPECT_NE(layers.find("whose layers, tasks, rates or metadata differ"), std::string::npos)
      << layers;
}

TEST(Checkpoint, RefusesOtherFiles) {
  const TemporaryFolder folder;
  Network network = OneHead().Build(1);
  Trainer trainer(network, {});
  SaveNetwork(SampleNetwork(), folder.File("model"));
  std::string message =
      MessageOf(ErrorCode::kModelFile, [&] { LoadCheckpoint(trainer, folder.File("model")); });
  EXPECT_NE(message.find("a model file"), std::string::npos) << message;
  std::ofstream(folder.File("text")) << "not much";
  MessageOf(ErrorCode::kModelFile, [&] { LoadCheckpoint(trainer, folder.File("text")); });
  MessageOf(ErrorCode::kIo, [&] { LoadCheckpoint(trainer, folder.File("absent")); });
  MessageOf(ErrorCode::kIo, [&] { ReadCheckpointNotes(folder.File("absent")); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { SaveCheckpoint(trainer, folder.File("notes"), std::string("a\0b", 3)); });
}

// Written by the first version of the library that had checkpoints. If this fails, files of users
// are not read any more either.
TEST(Checkpoint, ReadsFilesOfVersion1) {
  const std::string path = std::string(ESPALIER_TESTDATA) + "/checkpoint_v1.safetensors";
  const TrainerConfig config = ConfigOf(AdamW{.learning_rate = 0.01});
  Network network = OneHead().Build(2);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, config);
  EXPECT_EQ(LoadCheckpoint(trainer, path), "three steps");
  EXPECT_EQ(trainer.steps(), 3);
  Steps(trainer, examples, 3, 1);
  Network again = OneHead().Build(1);
  Trainer other(again, config);
  Steps(other, examples, 0, 2);
  other.SaveBest();
  Steps(other, examples, 2, 2);
  // Other instruction sets round otherwise.
  for (const auto& [path_of, values] : ParametersOf(again)) {
    const std::vector<float> read = network.ReadParameter(path_of);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(read[i], values[i], 1e-5f);
  }
}

// A checkpoint taken apart, to be changed and put together again.
struct Parts {
  nlohmann::ordered_json header;
  std::string data;

  explicit Parts(const std::string& bytes) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    header = nlohmann::ordered_json::parse(bytes.substr(8, length));
    data = bytes.substr(8 + length);
  }

  void SetChecksum(const std::string& name, const std::string& checksum) {
    auto all = nlohmann::ordered_json::parse(
        header["__metadata__"]["espalier.checkpoint.checksums"].get<std::string>());
    all[name] = checksum;
    header["__metadata__"]["espalier.checkpoint.checksums"] = all.dump();
  }

  template <typename Value>
  void SetFirst(const std::string& tensor, Value value) {
    const std::size_t begin = header[tensor]["data_offsets"][0];
    const std::size_t end = header[tensor]["data_offsets"][1];
    std::memcpy(data.data() + begin, &value, sizeof(value));
    SetChecksum(tensor, Crc32Of(data.substr(begin, end - begin)).ToString());
  }

  std::string bytes() const {
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = text.size();
    std::string all(sizeof(length), '\0');
    std::memcpy(all.data(), &length, sizeof(length));
    return all + text + data;
  }
};

class DamagedCheckpoint : public ::testing::Test {
 protected:
  DamagedCheckpoint()
      : network_(OneHead().Build(1)),
        trainer_(std::in_place, network_,
                 TrainerConfig{.optimizer = AdamW{.learning_rate = 0.01}}) {
    const RandomExamples examples(network_, 40, 3);
    Steps(*trainer_, examples, 0, 2);
    SaveCheckpoint(*trainer_, folder_.File("checkpoint"), "notes");
    bytes_ = ReadWholeFile(folder_.File("checkpoint"));
    Steps(*trainer_, examples, 2, 2);
    SaveCheckpoint(*trainer_, folder_.File("latest"), "notes");
    latest_ = ReadWholeFile(folder_.File("latest"));
  }

  std::string Refusal(const std::string& bytes) {
    const NamedValues parameters = ParametersOf(network_);
    const NamedValues state = StateOf(*trainer_, network_);
    const std::string message = MessageOf(ErrorCode::kModelFile, [&] {
      LoadCheckpointFrom(*trainer_, MemorySource(std::as_bytes(std::span(bytes))));
    });
    EXPECT_EQ(Differences(parameters, ParametersOf(network_)), std::vector<std::string>{});
    EXPECT_EQ(Differences(state, StateOf(*trainer_, network_)), std::vector<std::string>{});
    EXPECT_EQ(trainer_->steps(), 4);
    return message;
  }

  TemporaryFolder folder_;
  Network network_;
  std::optional<Trainer> trainer_;
  std::string bytes_;   // of two steps
  std::string latest_;  // of four, as the trainer is
};

TEST_F(DamagedCheckpoint, EveryByteCounts) {
  const std::size_t data =
      8 + static_cast<unsigned char>(bytes_[0]) + 256u * static_cast<unsigned char>(bytes_[1]);
  for (std::size_t at = data; at < bytes_.size(); at += 7) {
    std::string bytes = bytes_;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const std::string message = Refusal(bytes);
    ASSERT_NE(message.find("is damaged"), std::string::npos) << at << ": " << message;
  }
  for (std::size_t length = 0; length < bytes_.size(); length += 97) {
    Refusal(bytes_.substr(0, length));
  }
}

// What a byte of the header says may be of another network too; never is a part of it taken.
TEST_F(DamagedCheckpoint, AHeaderOfOtherBytesIsRefused) {
  const NamedValues parameters = ParametersOf(network_);
  const std::size_t end = bytes_.size() - 64;
  int refused = 0;
  int tried = 0;
  for (std::size_t at = 0; at < end && at < 9000; ++at) {
    for (const int bit : {1, 4, 32}) {
      std::string bytes = bytes_;
      bytes[at] = static_cast<char>(bytes[at] ^ bit);
      ++tried;
      try {
        LoadCheckpointFrom(*trainer_, MemorySource(std::as_bytes(std::span(bytes))));
        break;  // white space, say: the same checkpoint
      } catch (const Error& error) {
        ++refused;
        ASSERT_TRUE(error.code() == ErrorCode::kModelFile ||
                    error.code() == ErrorCode::kInvalidArgument)
            << at << ": " << error.what();
      }
    }
    if (trainer_->steps() != 4) {
      LoadCheckpointFrom(*trainer_, MemorySource(std::as_bytes(std::span(latest_))));
    }
    ASSERT_EQ(Differences(parameters, ParametersOf(network_)), std::vector<std::string>{}) << at;
  }
  EXPECT_GT(refused, tried * 9 / 10);
}

TEST_F(DamagedCheckpoint, ValuesThatNoTrainerHasAreRefused) {
  const float nan = std::nanf("");
  const std::vector<std::pair<std::string, std::function<void(Parts&)>>> changes = {
      {"expected finite numbers, got", [&](Parts& p) { p.SetFirst("parameter.dense1.bias", nan); }},
      {"expected finite numbers, got", [&](Parts& p) { p.SetFirst("exp_avg.dense1.bias", nan); }},
      {"finite numbers of at least 0, got -1",
       [](Parts& p) { p.SetFirst("exp_avg_sq.dense1.bias", -1.0f); }},
      {"expected counts of at least 0, got -1",
       [](Parts& p) { p.SetFirst("steps", std::int64_t{-1}); }},
      {"expected counts of at least 0",
       [](Parts& p) { p.SetFirst("updates", std::int64_t{1} << 62); }},
      {"expected version 1",
       [](Parts& p) { p.header["__metadata__"]["espalier.checkpoint.version"] = "2"; }},
      {"'espalier.checkpoint.graph' is damaged",
       [](Parts& p) { p.header["__metadata__"]["espalier.checkpoint.graph"] = "other"; }},
      {"expected the tensor 'notes', got none",
       [](Parts& p) { p.header["notes"]["dtype"] = "I8"; }},
      {"espalier.checkpoint.checksums",
       [](Parts& p) { p.header["__metadata__"]["espalier.checkpoint.checksums"] = "[1]"; }},
      {"espalier.checkpoint.checksums",
       [](Parts& p) {
         p.header["__metadata__"]["espalier.checkpoint.checksums"] = "{\"steps\":1}";
       }},
  };
  for (const auto& [expected, change] : changes) {
    Parts parts(bytes_);
    change(parts);
    const std::string message = Refusal(parts.bytes());
    EXPECT_NE(message.find(expected), std::string::npos) << expected << ": " << message;
  }
}

TEST_F(DamagedCheckpoint, NoFailureOfTheDiskLosesTheFormerOne) {
  const std::string path = folder_.File("checkpoint");
  FailFileOperation(0, 0);
  SaveCheckpoint(*trainer_, folder_.File("other"), "later");
  const std::int64_t operations = FileOperationCount();
  ASSERT_GT(operations, 5);
  for (const int error : {ENOSPC, EIO, EROFS}) {
    for (std::int64_t nth = 1; nth <= operations; ++nth) {
      FailFileOperation(nth, error);
      try {
        SaveCheckpoint(*trainer_, path, "later");
      } catch (const Error& failure) {
        EXPECT_EQ(failure.code(), ErrorCode::kIo) << failure.what();
      }
      FailFileOperation(0, 0);
      const std::string notes = ReadCheckpointNotes(path);
      ASSERT_TRUE(notes == "notes" || notes == "later") << notes;
      SaveCheckpoint(*trainer_, path, "notes");  // training may go on, and save again
    }
  }
}

// Kills a process that trains and saves: what is found is the last one that it finished, or the
// next, and leads to the bits of a run without a kill.
TEST(Checkpoint, AKilledProcessLosesNothing) {
  constexpr int kUsualKills = 300;
  const char* const given = std::getenv("ESPALIER_KILLS");
  const int kills = given == nullptr ? kUsualKills : std::stoi(given);
  constexpr int kSteps = 40;
  const int threads = ThreadCount();
  SetThreadCount(1);  // a forked process has no other
  const TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  const TrainerConfig config = ConfigOf(AdamW{.learning_rate = 0.01});
  Network whole = OneHead().Build(1);
  const RandomExamples examples(whole, 100, 3);
  Trainer trainer(whole, config);
  Steps(trainer, examples, 0, kSteps);
  for (int kill = 0; kill < kills; ++kill) {
    int saved[2];
    ASSERT_EQ(::pipe(saved), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        Network network = OneHead().Build(1);
        Trainer other(network, config);
        if (::access(path.c_str(), F_OK) == 0) LoadCheckpoint(other, path);
        while (other.steps() < kSteps - 1) {
          Steps(other, examples, static_cast<int>(other.steps()), 1);
          SaveCheckpoint(other, path, std::to_string(other.steps()));
          const auto steps = static_cast<unsigned char>(other.steps());
          if (::write(saved[1], &steps, 1) != 1) ::_exit(1);
        }
        for (;;) ::pause();
      } catch (...) {
        ::_exit(1);
      }
    }
    ::close(saved[1]);
    ::usleep(static_cast<useconds_t>(500 + 1777 * kill % 9000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed";
    unsigned char told = 0;
    for (unsigned char steps = 0; ::read(saved[0], &steps, 1) == 1;) told = steps;
    ::close(saved[0]);
    if (told == 0 && ::access(path.c_str(), F_OK) != 0) continue;
    const int found = std::stoi(ReadCheckpointNotes(path));
    ASSERT_GE(found, told);
    if (kill % 10 != 0 && found < kSteps - 1) continue;
    Network resumed = OneHead().Build(3);
    {
      Trainer other(resumed, config);
      LoadCheckpoint(other, path);
      Steps(other, examples, found, kSteps - found);
    }
    ASSERT_EQ(Differences(ParametersOf(whole), ParametersOf(resumed)), std::vector<std::string>{});
    if (found == kSteps - 1) ::unlink(path.c_str());
  }
  SetThreadCount(threads);
}

}  // namespace
}  // namespace espalier
