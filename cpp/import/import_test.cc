// SPDX-License-Identifier: Apache-2.0
#include "espalier/import.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "testing/imported_network.h"
#include "testing/messages.h"
#include "testing/onnx_model.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

using Names = std::vector<std::string>;

void ExpectHas(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

void ExpectNear(const std::vector<float>& values, const std::vector<float>& expected,
                float tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], tolerance) << "element " << i;
  }
}

std::vector<float> Ramp(std::size_t count, float step, float start = 0.0f) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = start + step * static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
  }
  return values;
}

std::string MessageOfImport(const OnnxModel& model, const ImportOptions& options = {}) {
  try {
    ImportOnnx(BytesOf(model.Bytes()), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A convolution, a batch norm, a pool, and a product, named as PyTorch exports them.
OnnxModel SmallBackbone() {
  OnnxModel model;
  model.Input("image", {std::string("N"), 2, 4, 4});
  model.Floats("conv1.weight", {3, 2, 3, 3}, Ramp(54, 0.1f));
  model.Floats("conv1.bias", {3}, {0.1f, -0.2f, 0.3f});
  model.Floats("bn1.weight", {3}, {1.0f, 2.0f, 0.5f});
  model.Floats("bn1.bias", {3}, {0.0f, 0.1f, -0.1f});
  model.Floats("bn1.running_mean", {3}, {0.2f, 0.0f, -0.3f});
  model.Floats("bn1.running_var", {3}, {1.0f, 4.0f, 0.25f});
  model.Floats("fc.weight", {2, 12}, Ramp(24, 0.05f));
  model.Floats("fc.bias", {2}, {0.5f, -0.5f});
  model.Node("Conv", {"image", "conv1.weight", "conv1.bias"}, {"c"},
             {{"kernel_shape", Integers{3, 3}}, {"pads", Integers{1, 1, 1, 1}}}, "/conv1/Conv");
  model.Node("BatchNormalization",
             {"c", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"}, {"b"},
             {{"epsilon", 1e-5f}, {"momentum", 0.9f}}, "/bn1/BatchNormalization");
  model.Node("MaxPool", {"b"}, {"p"},
             {{"kernel_shape", Integers{2, 2}}, {"strides", Integers{2, 2}}}, "/pool/MaxPool");
  model.Node("Flatten", {"p"}, {"f"}, {{"axis", std::int64_t{1}}}, "/Flatten");
  model.Node("Gemm", {"f", "fc.weight", "fc.bias"}, {"logits"}, {{"transB", std::int64_t{1}}},
             "/fc/Gemm");
  model.Output("logits");
  return model;
}

// The same in plain loops.
std::vector<float> SmallBackboneReference(const std::vector<float>& image) {
  const std::vector<float> weight = Ramp(54, 0.1f);
  const std::vector<float> fc = Ramp(24, 0.05f);
  const float bias[] = {0.1f, -0.2f, 0.3f};
  const float scale[] = {1.0f, 2.0f, 0.5f};
  const float shift[] = {0.0f, 0.1f, -0.1f};
  const float mean[] = {0.2f, 0.0f, -0.3f};
  const float variance[] = {1.0f, 4.0f, 0.25f};
  const float fc_bias[] = {0.5f, -0.5f};
  std::vector<float> pooled(12, -1e30f);
  for (int o = 0; o < 3; ++o) {
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        double sum = bias[o];
        for (int c = 0; c < 2; ++c) {
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
              if (y + dy < 0 || y + dy > 3 || x + dx < 0 || x + dx > 3) continue;
              sum += weight[static_cast<std::size_t>(((o * 2 + c) * 3 + dy + 1) * 3 + dx + 1)] *
                     image[static_cast<std::size_t>((c * 4 + y + dy) * 4 + x + dx)];
            }
          }
        }
        const double normalized =
            scale[o] * (sum - mean[o]) / std::sqrt(variance[o] + 1e-5) + shift[o];
        float& best = pooled[static_cast<std::size_t>((o * 2 + y / 2) * 2 + x / 2)];
        best = std::max(best, static_cast<float>(normalized));
      }
    }
  }
  std::vector<float> logits;
  for (int o = 0; o < 2; ++o) {
    double sum = fc_bias[o];
    for (int i = 0; i < 12; ++i) {
      sum += static_cast<double>(fc[static_cast<std::size_t>(o * 12 + i)]) *
             pooled[static_cast<std::size_t>(i)];
    }
    logits.push_back(static_cast<float>(sum));
  }
  return logits;
}

std::vector<std::string> NamesOf(const Network& network) {
  std::vector<std::string> names;
  for (const LayerDescription& layer : network.Describe()) names.push_back(layer.name);
  return names;
}

TEST(ImportOnnx, ComputesWhatTheModelDoes) {
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(SmallBackbone().Bytes()), {}, &report);
  const std::vector<float> first = Ramp(32, 0.3f);
  const std::vector<float> second = Ramp(32, -0.2f, 0.4f);
  std::vector<float> both = first;
  both.insert(both.end(), second.begin(), second.end());
  std::vector<float> expected = SmallBackboneReference(first);
  const std::vector<float> of_second = SmallBackboneReference(second);
  expected.insert(expected.end(), of_second.begin(), of_second.end());
  ExpectNear(OutputOf(network, report, 0, both), expected, 1e-5f);
}

TEST(ImportOnnx, NamesLayersAfterTheirParameters) {
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(SmallBackbone().Bytes()), {}, &report);
  EXPECT_EQ(NamesOf(network), (Names{"conv1", "bn1", "pool.MaxPool", "Flatten", "fc"}));
  ASSERT_EQ(report.inputs.size(), 1u);
  EXPECT_EQ(report.inputs[0].layer, "image");
  EXPECT_EQ(report.inputs[0].shape, (Shape{2, 4, 4}));
  ASSERT_EQ(report.outputs.size(), 1u);
  EXPECT_EQ(report.outputs[0].name, "logits");
  EXPECT_EQ(report.outputs[0].layer, "fc");
  ExpectHas(report.ToString(), "output 'logits': 'fc' [2] of float32");
}

TEST(ImportOnnx, IsCutAtAnyValue) {
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(SmallBackbone().Bytes()), {.outputs = {"p"}}, &report);
  EXPECT_EQ(report.outputs[0].layer, "pool.MaxPool");
  EXPECT_EQ(report.outputs[0].shape, (Shape{3, 2, 2}));
  ExpectHas(MessageOfImport(SmallBackbone(), {.outputs = {"logit"}}),
            "the model has no value 'logit'; did you mean 'logits'?");
}

TEST(ImportOnnx, TransfersToAHead) {
  const Network network = ImportOnnx(BytesOf(SmallBackbone().Bytes()));
  TransferSpec spec;
  spec.drop_from = {"fc"};
  spec.freeze = {{.pattern = "Flatten", .through = true}};
  HeadSpec head;
  head.name = "new";
  head.task.labels = {"a", "b", "c"};
  spec.heads = {head};
  const Network transferred = network.Transfer(spec, 1);
  EXPECT_EQ(transferred.ReadParameter("conv1.weight"), Ramp(54, 0.1f));
}

// An encoder's shape arithmetic: the batch is read from the input, and comes back in a Reshape.
TEST(ImportOnnx, FoldsShapesWithTheBatchInThem) {
  OnnxModel model;
  model.Input("x", {std::string("batch"), std::string("length"), 6});
  model.Integers("zero", {}, {0}).Integers("one", {}, {1});
  model.Integers("axis", {1}, {0}).Integers("heads", {1}, {2}).Integers("width", {1}, {3});
  model.Node("Shape", {"x"}, {"shape"});
  model.Node("Gather", {"shape", "zero"}, {"batch"});
  model.Node("Gather", {"shape", "one"}, {"length"});
  model.Node("Unsqueeze", {"batch", "axis"}, {"batch1"});
  model.Node("Unsqueeze", {"length", "axis"}, {"length1"});
  model.Node("Concat", {"batch1", "length1", "heads", "width"}, {"split"},
             {{"axis", std::int64_t{0}}});
  model.Node("Reshape", {"x", "split"}, {"r"});
  model.Node("Transpose", {"r"}, {"t"}, {{"perm", Integers{0, 2, 1, 3}}}, "turn");
  model.Output("t");
  ExpectHas(MessageOfImport(model), "expected a size for each dimension, got none for 'length'");
  ImportReport report;
  const Network network =
      ImportOnnx(BytesOf(model.Bytes()), {.dimensions = {{"length", 2}}}, &report);
  EXPECT_EQ(NamesOf(network), (Names{"reshape", "turn"}));
  EXPECT_EQ(report.folded, 6);
  std::vector<float> x(12);
  std::iota(x.begin(), x.end(), 0.0f);
  ExpectNear(OutputOf(network, report, 0, x), {0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11}, 1e-5f);
}

// PyTorch's attention of [length, batch, width]: batch and heads become one dimension.
TEST(ImportOnnx, FollowsTheBatchWhereverItStands) {
  OnnxModel model;
  model.Input("x", {std::string("batch"), 2, 4});
  model.Integers("split", {3}, {2, -1, 2}).Integers("joined", {3}, {2, -1, 4});
  model.Node("Transpose", {"x"}, {"turned"}, {{"perm", Integers{1, 0, 2}}});
  model.Node("Reshape", {"turned", "split"}, {"heads"});
  model.Node("Transpose", {"heads"}, {"queries"}, {{"perm", Integers{1, 0, 2}}});
  model.Node("Transpose", {"heads"}, {"keys"}, {{"perm", Integers{1, 2, 0}}});
  model.Node("MatMul", {"queries", "keys"}, {"scores"}, {}, "scores");
  model.Node("MatMul", {"scores", "queries"}, {"mixed"}, {}, "mixed");
  model.Node("Transpose", {"mixed"}, {"back"}, {{"perm", Integers{1, 0, 2}}});
  model.Node("Reshape", {"back", "joined"}, {"rows"});
  model.Node("Transpose", {"rows"}, {"y"}, {{"perm", Integers{1, 0, 2}}}, "y");
  model.Output("y");
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(model.Bytes()), {}, &report);
  const std::vector<float> x = Ramp(16, 0.5f);
  std::vector<float> expected(16);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t head = 0; head < 2; ++head) {
      const auto at = [&](std::size_t i, std::size_t c) { return (n * 2 + i) * 4 + head * 2 + c; };
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t c = 0; c < 2; ++c) {
          float sum = 0.0f;
          for (std::size_t j = 0; j < 2; ++j) {
            const float score = x[at(i, 0)] * x[at(j, 0)] + x[at(i, 1)] * x[at(j, 1)];
            sum += score * x[at(j, c)];
          }
          expected[at(i, c)] = sum;
        }
      }
    }
  }
  ExpectNear(OutputOf(network, report, 0, x), expected, 1e-4f);
}

TEST(ImportOnnx, ReadsModelsTracedWithABatchOfOne) {
  OnnxModel model;
  model.Input("x", {1, 2, 3});
  model.Integers("flat", {2}, {1, -1}).Integers("again", {3}, {1, 3, 2});
  model.Node("Reshape", {"x", "flat"}, {"f"}, {}, "f");
  model.Node("Reshape", {"f", "again"}, {"y"}, {}, "y");
  model.Output("y");
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(model.Bytes()), {}, &report);
  EXPECT_EQ(report.outputs[0].shape, (Shape{3, 2}));
  ExpectNear(OutputOf(network, report, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1e-5f);
}

TEST(ImportOnnx, NamesAllThatItCannotDo) {
  OnnxModel model(13);
  model.Input("x", {std::string("N"), 3});
  model.Floats("w", {3, 3}, Ramp(9, 0.1f));
  model.Node("NonZero", {"x"}, {"a"}, {}, "first");
  model.Node("MatMul", {"a", "w"}, {"b"}, {}, "cascade");
  model.Node("Magic", {"x"}, {"c"}, {}, "second", "com.example");
  model.Node("Transpose", {"x"}, {"d"}, {{"perm", Integers{0, 0}}}, "third");
  model.Output("b").Output("c").Output("d");
  const std::string message = MessageOfImport(model);
  ExpectHas(message, "MODEL_FILE: expected nodes that layers compute, got 3");
  ExpectHas(message, "'first' (NonZero, operator set 13): no layer here computes it");
  ExpectHas(message, "'second' (com.example.Magic, operator set 0)");
  ExpectHas(message, "'third' (Transpose, operator set 13): perm: expected each of 2");
  EXPECT_EQ(message.find("cascade"), std::string::npos) << message;
}

TEST(ImportOnnx, RefusesOptionsThatTheModelDoesNotHave) {
  ExpectHas(MessageOfImport(SmallBackbone(), {.dimensions = {{"M", 3}}}),
            "INVALID_ARGUMENT: the inputs have no dimension 'M'");
  ExpectHas(MessageOfImport(SmallBackbone(), {.dimensions = {{"N", 3}}}),
            "expected none that is the batch");
  ExpectHas(MessageOfImport(SmallBackbone(), {.input_shapes = {{"picture", Shape{1}}}}),
            "there is no input 'picture'");
  ExpectHas(MessageOfImport(SmallBackbone(), {.input_shapes = {{"image", Shape{2, 4}}}}),
            "input 'image': expected 3 dimensions, got [2, 4]");
}

}  // namespace
}  // namespace espalier
