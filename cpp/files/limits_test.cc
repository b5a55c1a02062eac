// SPDX-License-Identifier: Apache-2.0

// Small files that ask for much: refused before anything of that size is allocated or run, or
// predicted from within the limits.

#include <gtest/gtest.h>
#include <time.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/text.h"
#include "espalier/builder.h"
#include "espalier/model_file.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "files/sample_network.h"
#include "network/cost.h"
#include "testing/layer_spec.h"
#include "testing/sanitized.h"

namespace espalier {
namespace {

using testing::Spec;

constexpr std::uintmax_t kSmallFile = 32 * 1024;

// Enough for the smaller ones of each family.
constexpr NetworkLimits kTight = {
    .multiply_adds = 1'500'000'000, .native_bytes = 64 << 20, .layers = 20'000};

// Under a sanitizer everything takes many times as long.
#ifdef ESPALIER_SANITIZED
constexpr double kMostSeconds = 120.0;
#else
constexpr double kMostSeconds = 10.0;
#endif

// Of the processors, for this process: what other programs take of a machine is not counted.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Networks of up to so many like layers, then a global pool and a head.
struct Family {
  const char* name;
  int most;  // that fit a small file
  std::function<void(NetworkBuilder&, int)> add;
  Shape input = Shape::Image(1, 8, 8);
};

LayerSpec Pool(const char* kind, std::int64_t window) {
  return Spec(kind, {{"window", window}, {"stride", std::int64_t{1}}, {"padding", window - 1}});
}

const std::vector<Family>& Families() {
  static const std::vector<Family> families = {
      {"max pools that grow", 24, [](auto& b, int) { b.Layer(Pool("max_pool2d", 1024)); },
       Shape::Image(1, 2, 2)},
      {"average pools that grow", 24, [](auto& b, int) { b.Layer(Pool("average_pool2d", 1024)); },
       Shape::Image(1, 2, 2)},
      {"max pools of the whole image", 100,
       [](auto& b, int) {
         b.Layer(Spec("max_pool2d", {{"window", std::int64_t{1000}},
                                     {"stride", std::int64_t{1}},
                                     {"padding", std::string("same")}}));
       },
       Shape::Image(1, 40, 40)},
      {"padded convolutions", 60,
       [](auto& b, int) {
         b.Layer(Spec("conv2d", {{"channels", std::int64_t{1}},
                                 {"kernel", std::int64_t{1}},
                                 {"padding", std::int64_t{300}}}));
       }},
      {"padded depthwise convolutions", 40,
       [](auto& b, int) {
         b.Layer(Spec("depthwise_conv2d",
                      {{"kernel", std::int64_t{3}}, {"padding", std::int64_t{200}}}));
       },
       Shape::Image(3, 1, 1)},
      {"dilated convolutions of one channel", 40,
       [](auto& b, int) {
         b.Layer(Spec("conv2d", {{"channels", std::int64_t{1}},
                                 {"kernel", std::int64_t{5}},
                                 {"dilation", std::int64_t{100}}}));
       },
       Shape::Image(1, 500, 500)},
      {"grouped convolutions", 30,
       [](auto& b, int) {
         b.Layer(Spec("conv2d", {{"channels", std::int64_t{32}},
                                 {"kernel", std::int64_t{1}},
                                 {"groups", std::int64_t{16}}}));
       },
       Shape::Image(32, 200, 200)},
      {"pools of two by two", 12,
       [](auto& b, int) {
         b.Layer(Spec("max_pool2d", {{"window", std::int64_t{2}}, {"stride", std::int64_t{1}}}));
       },
       Shape::Image(1, 1000, 1000)},
      {"concat of twice the same", 9,
       [](auto& b, int i) {
         const std::string before = i == 0 ? "input" : "c" + std::to_string(i - 1);
         b.Layer(Spec("concat", "c" + std::to_string(i), {before, before}));
       },
       Shape::Image(1, 900, 900)},
      {"sums of a thousand terms", 10,
       [](auto& b, int i) {
         const std::string before = i == 0 ? "input" : "s" + std::to_string(i - 1);
         b.Layer(Spec("add", "s" + std::to_string(i), std::vector<std::string>(300, before)));
       },
       Shape::Image(1, 500, 500)},
      {"many activations", 190, [](auto& b, int) { b.Layer(Spec("gelu", "", {})); },
       Shape::Image(1, 1500, 1500)},
      {"norms", 30, [](auto& b, int) { b.Layer(Spec("batch_norm", "", {})); },
       Shape::Image(1, 2000, 2000)},
  };
  return families;
}

Network Build(const Family& family, int layers) {
  NetworkBuilder builder(family.input);
  for (int i = 0; i < layers; ++i) family.add(builder, i);
  builder.Layer(Spec("global_average_pool2d", "mean", {}));
  builder.Head("head", LabelsTask({"yes"}));
  return builder.Build(1);
}

std::string SavedFile(const TemporaryFolder& folder, const Network& network) {
  const std::string path = folder.File("model");
  SaveNetwork(network, path);
  return path;
}

// What LoadNetwork says against it; empty if it loads.
std::string Refusal(const std::string& path, const NetworkLimits& limits) {
  try {
    LoadNetwork(path, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelFile) << error.what();
    return error.what();
  }
  return "";
}

// Of the message against it; empty if there is none.
template <typename Make>
std::string ErrorOf(ErrorCode code, Make make) {
  try {
    make();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Limits, AnySmallFileIsRefusedOrPredictsSoonWithinThem) {
  for (const Family& family : Families()) {
    int predicted = 0;
    int refused = 0;
    for (int layers = 1; layers <= family.most; layers += 1 + layers / 4) {
      SCOPED_TRACE(Concat(family.name, ", ", layers));
      const TemporaryFolder folder;
      const std::string path = SavedFile(folder, Build(family, layers));
      ASSERT_LE(std::filesystem::file_size(path), kSmallFile);
      const double begin = CpuSeconds();
      const std::string refusal = Refusal(path, kTight);
      EXPECT_LT(CpuSeconds() - begin, 2.0);
      if (!refusal.empty()) {
        EXPECT_TRUE(Has(refusal, "limit of ") && Has(refusal, "takes most")) << refusal;
        ++refused;
        continue;
      }
      const Network network = LoadNetwork(path, kTight);
      const Predictor predictor(network, {.max_batch_size = 1, .threads = 1});
      EXPECT_LE(predictor.NativeBytes(), kTight.native_bytes);
      const std::vector<float> input(static_cast<std::size_t>(predictor.input_size()), 1.0f);
      float output = 0.0f;
      predictor.Predict(1, input, {&output, 1});
      EXPECT_LT(CpuSeconds() - begin, kMostSeconds);
      ++predicted;
    }
    EXPECT_GE(predicted, 1) << family.name;
    EXPECT_GE(refused, 1) << family.name << ": so the family is none that asks for much";
  }
}

TEST(Limits, OfPoolingThatTakesYearsAreCheckedBeforeItRuns) {
  const TemporaryFolder folder;
  const double begin = CpuSeconds();
  const std::string path = SavedFile(folder, Build(Families()[0], 20));
  EXPECT_LT(std::filesystem::file_size(path), 8192u);
  const std::string refusal = Refusal(path, {});
  EXPECT_TRUE(Has(refusal, "limit of multiply-adds: expected at most 2000000000000 an example"))
      << refusal;
  EXPECT_TRUE(Has(refusal, "layer 'max_pool2d20' (max_pool2d to [1, 20462, 20462]) takes most"))
      << refusal;
  EXPECT_LT(CpuSeconds() - begin, 2.0);
}

// Nobody waits for a predictor: one that takes long does not run in advance.
TEST(Limits, APredictorOfMuchWorkIsMadeAtOnce) {
  const double begin = CpuSeconds();
  const Predictor predictor(Build(Families()[0], 3), {.max_batch_size = 1});
  EXPECT_LT(CpuSeconds() - begin, 5.0);
  EXPECT_EQ(predictor.statistics().calls, 0);
}

TEST(Limits, OfLayersAreCheckedFirst) {
  const TemporaryFolder folder;
  const std::string path = SavedFile(folder, SampleNetwork());
  const NetworkLimits limits = {.layers = 8};
  EXPECT_TRUE(Has(Refusal(path, limits), "limit of layers: expected at most 8, those of heads"));
  EXPECT_TRUE(Has(Refusal(path, limits), "included, got 10")) << Refusal(path, limits);
}

TEST(Limits, OfNativeBytesNameTheLargestLayer) {
  const TemporaryFolder folder;
  const std::string path = SavedFile(folder, SampleNetwork());
  const std::string refusal = Refusal(path, {.native_bytes = 1000});
  EXPECT_TRUE(Has(refusal, "limit of native bytes: expected at most 1000 for predicting one"))
      << refusal;
}

TEST(Limits, BelowOneAreErrors) {
  const TemporaryFolder folder;
  const std::string path = SavedFile(folder, SampleNetwork());
  for (const NetworkLimits& limits :
       {NetworkLimits{.multiply_adds = 0}, NetworkLimits{.native_bytes = -1},
        NetworkLimits{.layers = 0}}) {
    EXPECT_TRUE(Has(ErrorOf(ErrorCode::kInvalidArgument, [&] { LoadNetwork(path, limits); }),
                    "expected at least 1"));
  }
}

TEST(Limits, HoldForPredictorsAndTrainersOfWhatANetworkBecomes) {
  const TemporaryFolder folder;
  const std::string path = SavedFile(folder, SampleNetwork());
  const Network loaded = LoadNetwork(path, {.multiply_adds = 100'000});
  TransferSpec spec;
  HeadSpec wide;
  wide.name = "wide";
  wide.layers = {Spec("dense", {{"units", std::int64_t{20'000}}})};
  wide.task = LabelsTask({"yes"});
  spec.heads = {wide};
  Network changed = loaded.Transfer(spec, 1).Clone();
  const std::string expected = "limit of multiply-adds: expected at most 100000 an example";
  EXPECT_TRUE(
      Has(ErrorOf(ErrorCode::kInvalidArgument, [&] { const Predictor p(changed); }), expected));
  EXPECT_TRUE(
      Has(ErrorOf(ErrorCode::kInvalidArgument, [&] { const Trainer t(changed, {}); }), expected));
  // The network itself stays of use.
  EXPECT_NO_THROW(Predictor{loaded});
}

TEST(Limits, DoNotHoldForNetworksThatWereBuilt) {
  const Network network = Build(Families()[0], 3);
  EXPECT_GT(EstimateCost(*network.state(), CostUse::kPrediction).multiply_adds,
            NetworkLimits{}.multiply_adds);
  EXPECT_NO_THROW(Predictor(network, {.max_batch_size = 1}));
}

// A plan took four seconds when each buffer was compared with each.
TEST(Limits, PlansOfManyLayersTakeTimeInProportion) {
  NetworkBuilder builder(Shape::Vector(4));
  for (int i = 0; i < 90'000; ++i) builder.Relu();
  builder.Head("head", LabelsTask({"yes"}));
  Network network = builder.Build(1);
  const TemporaryFolder folder;
  const std::string path = SavedFile(folder, network);
  double begin = CpuSeconds();
  EXPECT_NO_THROW(LoadNetwork(path, {.layers = 100'000}));
  EXPECT_TRUE(Has(Refusal(path, {}), "limit of layers: expected at most 20000"));
  EXPECT_LT(CpuSeconds() - begin, kMostSeconds);
  begin = CpuSeconds();
  const Predictor predictor(network, {.max_batch_size = 1});
  EXPECT_LT(CpuSeconds() - begin, kMostSeconds / 5);
  begin = CpuSeconds();
  const Trainer trainer(network, {.max_batch_size = 1});
  EXPECT_LT(CpuSeconds() - begin, kMostSeconds / 5);
}

// The estimate of memory against what predictors hold.
TEST(Limits, EstimatesOfBytesAreNoLessThanWhatIsHeld) {
  for (const Family& family : Families()) {
    const Network network = Build(family, 1);
    const std::int64_t estimate = EstimateCost(*network.state(), CostUse::kPrediction).native_bytes;
    if (estimate > (256 << 20)) continue;
    const Predictor predictor(network, {.max_batch_size = 1});
    // Which may prepare sets of buffers of up to a MiB for further callers.
    EXPECT_GE(estimate + (1 << 20), predictor.NativeBytes()) << family.name;
  }
}

}  // namespace
}  // namespace espalier
