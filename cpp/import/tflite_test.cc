// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/error.h"
#include "espalier/import.h"
#include "testing/imported_network.h"
#include "testing/normal_floats.h"
#include "testing/tflite_file.h"

namespace espalier {
namespace {

using testing::TfliteFile;
using Floats = std::vector<float>;

Floats Random(std::int64_t count, std::uint32_t index) {
  return testing::NormalFloats(count, {.seed = 9, .purpose = RandomPurpose::kTest, .index = index});
}

// [height, width, channels], as TensorFlow has images.
struct Image {
  int height, width, channels;
  Floats values;

  double at(int y, int x, int c) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0.0;
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  float& at(int y, int x, int c) {
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
};

Image Empty(int height, int width, int channels) {
  return {height, width, channels, Floats(static_cast<std::size_t>(height * width * channels))};
}

Floats ChannelsFirst(const Image& image) {
  Floats moved;
  for (int c = 0; c < image.channels; ++c) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        moved.push_back(static_cast<float>(image.at(y, x, c)));
      }
    }
  }
  return moved;
}

// 3 x 3, "same": what is odd of the padding stands at the end. `weight(out, y, x, in)`.
Image Convolved(const Image& from, int outputs, int stride,
                const std::function<double(int, int, int, int)>& weight, const Floats& bias) {
  Image to =
      Empty((from.height + stride - 1) / stride, (from.width + stride - 1) / stride, outputs);
  const int pad_y = std::max(0, (to.height - 1) * stride + 3 - from.height) / 2;
  const int pad_x = std::max(0, (to.width - 1) * stride + 3 - from.width) / 2;
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      for (int o = 0; o < outputs; ++o) {
        double sum = bias[static_cast<std::size_t>(o)];
        for (int dy = 0; dy < 3; ++dy) {
          for (int dx = 0; dx < 3; ++dx) {
            for (int i = 0; i < from.channels; ++i) {
              sum += weight(o, dy, dx, i) *
                     from.at(y * stride + dy - pad_y, x * stride + dx - pad_x, i);
            }
          }
        }
        to.at(y, x, o) = static_cast<float>(sum);
      }
    }
  }
  return to;
}

void Clip(Floats& values, float greatest) {
  for (float& value : values) value = std::clamp(value, 0.0f, greatest);
}

// A mobile block and its head: convolution with relu6, depthwise convolution, a shortcut, the mean,
// a dense layer and a sigmoid.
struct MobileModel {
  static constexpr int kSize = 7, kInputs = 3, kWidth = 4, kAnswers = 2;
  Floats conv = Random(kWidth * 9 * kInputs, 1), conv_bias = Random(kWidth, 2);
  Floats depthwise = Random(9 * kWidth, 3), depthwise_bias = Random(kWidth, 4);
  Floats dense = Random(kAnswers * kWidth, 5), dense_bias = Random(kAnswers, 6);

  std::vector<std::byte> Bytes() const {
    TfliteFile file;
    const int image = file.Tensor("image", {1, kSize, kSize, kInputs});
    const int w1 = file.Constant("w1", {kWidth, 3, 3, kInputs}, conv);
    const int b1 = file.Constant("b1", {kWidth}, conv_bias);
    const int first = file.Tensor("first", {1, 4, 4, kWidth});
    file.Operator(3, {image, w1, b1}, {first}, {{1, 4, 2}, {2, 4, 2}, {3, 1, 3}});
    const int w2 = file.Constant("w2", {1, 3, 3, kWidth}, depthwise);
    const int b2 = file.Constant("b2", {kWidth}, depthwise_bias);
    const int second = file.Tensor("second", {1, 4, 4, kWidth});
    file.Operator(4, {first, w2, b2}, {second}, {{1, 4, 1}, {2, 4, 1}, {3, 4, 1}, {4, 1, 1}});
    const int sum = file.Tensor("sum", {1, 4, 4, kWidth});
    file.Operator(0, {first, second}, {sum});
    const int axes = file.Constant("axes", {2}, std::vector<std::int32_t>{1, 2});
    const int mean = file.Tensor("mean", {1, kWidth});
    file.Operator(40, {sum, axes}, {mean});
    const int w3 = file.Constant("w3", {kAnswers, kWidth}, dense);
    const int b3 = file.Constant("b3", {kAnswers}, dense_bias);
    const int logits = file.Tensor("logits", {1, kAnswers});
    file.Operator(9, {mean, w3, b3}, {logits});
    const int answers = file.Tensor("answers", {1, kAnswers});
    file.Operator(14, {logits}, {answers});
    return file.Bytes({image}, {answers, sum});
  }

  Image Sum(const Image& image) const {
    const auto at = [](const Floats& values, int index) {
      return static_cast<double>(values[static_cast<std::size_t>(index)]);
    };
    Image first = Convolved(
        image, kWidth, 2,
        [&](int o, int y, int x, int i) { return at(conv, ((o * 3 + y) * 3 + x) * kInputs + i); },
        conv_bias);
    Clip(first.values, 6.0f);
    Image second = Convolved(
        first, kWidth, 1,
        [&](int o, int y, int x, int i) {
          return o == i ? at(depthwise, (y * 3 + x) * kWidth + o) : 0.0;
        },
        depthwise_bias);
    Clip(second.values, INFINITY);
    for (std::size_t i = 0; i < first.values.size(); ++i) second.values[i] += first.values[i];
    return second;
  }

  Floats Answers(const Image& image) const {
    const Image sum = Sum(image);
    Floats answers;
    for (int a = 0; a < kAnswers; ++a) {
      double logit = dense_bias[static_cast<std::size_t>(a)];
      for (int c = 0; c < kWidth; ++c) {
        double mean = 0.0;
        for (int p = 0; p < 16; ++p) mean += sum.at(p / 4, p % 4, c) / 16;
        logit += mean * dense[static_cast<std::size_t>(a * kWidth + c)];
      }
      answers.push_back(static_cast<float>(1.0 / (1.0 + std::exp(-logit))));
    }
    return answers;
  }
};

void ExpectNear(const Floats& got, const Floats& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
}

TEST(ImportTflite, ComputesWhatTheModelDoes) {
  const MobileModel model;
  ImportReport report;
  const Network network = ImportTflite(model.Bytes(), {}, &report);
  Image image = Empty(MobileModel::kSize, MobileModel::kSize, MobileModel::kInputs);
  image.values = Random(static_cast<std::int64_t>(image.values.size()), 11);
  ASSERT_EQ(report.inputs.size(), 1u);
  EXPECT_EQ(report.inputs[0].shape, Shape::Image(3, 7, 7));
  ASSERT_EQ(report.outputs.size(), 2u);
  const Floats rows = ChannelsFirst(image);
  ExpectNear(OutputOf(network, report, 0, rows), model.Answers(image));
  ExpectNear(OutputOf(network, report, 1, rows), ChannelsFirst(model.Sum(image)));
}

// Java's tests read it.
TEST(ImportTflite, TheFileInTestdataIsThisModel) {
  std::ifstream file(std::string(ESPALIER_TESTDATA) + "/mobile_block.tflite", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(std::vector<std::byte>(bytes.begin(), bytes.end()), MobileModel().Bytes());
}

// What has another meaning channels first is turned before.
TEST(ImportTflite, ReshapesAsTheFileLies) {
  TfliteFile file;
  const int image = file.Tensor("image", {1, 2, 3, 2});
  const int shape = file.Constant("shape", {3}, std::vector<std::int32_t>{1, 6, 2});
  const int rows = file.Tensor("rows", {1, 6, 2});
  file.Operator(22, {image, shape}, {rows});
  ImportReport report;
  const Network network = ImportTflite(file.Bytes({image}, {rows}), {}, &report);
  Image from = Empty(2, 3, 2);
  for (std::size_t i = 0; i < from.values.size(); ++i) from.values[i] = static_cast<float>(i);
  ExpectNear(OutputOf(network, report, 0, ChannelsFirst(from)), from.values);
}

struct MapCase {
  std::int32_t kind;
  double (*function)(double x);
  std::vector<TfliteFile::Option> options = {};
};

TEST(ImportTflite, MapsAsTheFormulasSay) {
  const MapCase cases[] = {
      {14, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {19, [](double x) { return std::max(x, 0.0); }},
      {20, [](double x) { return std::clamp(x, -1.0, 1.0); }},
      {21, [](double x) { return std::clamp(x, 0.0, 6.0); }},
      {28, [](double x) { return std::tanh(x); }},
      {47, [](double x) { return std::exp(x); }},
      {59, [](double x) { return -x; }},
      {98, [](double x) { return x < 0 ? 0.25 * x : x; }, {{0, 4, std::bit_cast<int>(0.25f)}}},
      {101, [](double x) { return std::abs(x); }},
      {111, [](double x) { return x < 0 ? std::exp(x) - 1 : x; }},
      {117, [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }},
      {150, [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {150,
       [](double x) {
         constexpr double kRate = 0.7978845608028654;  // sqrt(2 / pi)
         return x / 2 * (1 + std::tanh(kRate * (x + 0.044715 * x * x * x)));
       },
       {{0, 1, 1}}},
  };
  const Floats inputs = {-7.5f, -2.0f, -0.3f, 0.0f, 0.4f, 1.7f, 8.0f};
  const auto width = static_cast<std::int32_t>(inputs.size());
  for (const MapCase& map : cases) {
    TfliteFile file;
    const int x = file.Tensor("x", {1, width});
    const int y = file.Tensor("y", {1, width});
    file.Operator(map.kind, {x}, {y}, map.options);
    ImportReport report;
    const Network network = ImportTflite(file.Bytes({x}, {y}), {}, &report);
    const Floats got = OutputOf(network, report, 0, inputs);
    ASSERT_EQ(got.size(), inputs.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double expected = map.function(static_cast<double>(inputs[i]));
      EXPECT_NEAR(got[i], expected, 1e-6 * std::max(1.0, std::abs(expected)))
          << map.kind << " of " << inputs[i];
    }
  }
}

TEST(ImportTflite, WeightsOfBytesBecomeFloats) {
  TfliteFile file;
  const int x = file.Tensor("x", {1, 2});
  const int w =
      file.Quantized("w", {3, 2}, {10, -20, 30, 40, -128, 127}, {0.5f, 0.25f, 2.0f}, {0, 1, -1}, 0);
  const int y = file.Tensor("y", {1, 3});
  file.Operator(9, {x, w}, {y});
  ImportReport report;
  const Network network = ImportTflite(file.Bytes({x}, {y}), {}, &report);
  const Floats got = OutputOf(network, report, 0, {1.0f, 2.0f});
  ExpectNear(
      got, {0.5f * 10 + 2 * 0.5f * -20, 0.25f * 29 + 2 * 0.25f * 39, 2.0f * -127 + 2 * 2.0f * 128});
}

// What importing says; empty if it goes well. A file without a batch is no wrong file.
std::string Outcome(const std::vector<std::byte>& bytes) {
  try {
    ImportTflite(bytes);
    return "";
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool is_open =
        message.find("expected a dimension that is the batch") != std::string::npos;
    EXPECT_TRUE(error.code() == ErrorCode::kModelFile || is_open) << message;
    return message;
  }
}

TEST(ImportTflite, ListsAllThatNoLayerComputes) {
  TfliteFile file;
  const int x = file.Tensor("x", {1, 4});
  const int y = file.Tensor("y", {1, 4});
  const int z = file.Tensor("z", {1, 4});
  file.Operator(66, {x}, {y});   // sin
  file.Operator(108, {y}, {z});  // cos
  const std::string message = Outcome(file.Bytes({x}, {z}));
  EXPECT_NE(message.find("operator 66"), std::string::npos) << message;
  EXPECT_NE(message.find("operator 108"), std::string::npos) << message;
}

TEST(HostileTflite, EveryTruncationIsAnError) {
  const std::vector<std::byte> bytes = MobileModel().Bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(Outcome({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}), "")
        << size;
  }
}

TEST(HostileTflite, EveryChangedByteIsAnErrorOrANetwork) {
  const std::vector<std::byte> bytes = MobileModel().Bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF, 0x10}) {
      std::vector<std::byte> changed = bytes;
      changed[i] ^= static_cast<std::byte>(change);
      Outcome(changed);
    }
  }
}

// What is added to an image is made one, unless it has more dimensions.
TEST(HostileTflite, AConstantOfMoreDimensionsThanAnImageIsAnErrorOrANetwork) {
  const MobileModel model;
  TfliteFile file;
  const int image = file.Tensor("image", {1, 7, 7, 3});
  const int weights = file.Constant("w", {4, 3, 3, 3}, model.conv);
  const int bias = file.Constant("b", {4}, model.conv_bias);
  const int first = file.Tensor("first", {1, 4, 4, 4});
  file.Operator(3, {image, weights, bias}, {first}, {{1, 4, 2}, {2, 4, 2}, {3, 1, 3}});
  const int large = file.Constant("large", {1, 1, 1, 1, 4}, model.conv_bias);
  const int sum = file.Tensor("sum", {1, 1, 4, 4, 4});
  file.Operator(0, {first, large}, {sum});
  Outcome(file.Bytes({image}, {sum}));
}

TEST(HostileTflite, OtherFilesAreNamed) {
  EXPECT_NE(Outcome(std::vector<std::byte>(100)), "");
  const std::string text = "<!doctype html>";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_NE(Outcome({bytes.begin(), bytes.end()}).find("a web page"), std::string::npos);
}

}  // namespace
}  // namespace espalier
