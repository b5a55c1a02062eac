// SPDX-License-Identifier: Apache-2.0
#include "espalier/import.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "testing/imported_network.h"
#include "testing/onnx_model.h"
#include "testing/small_backbone.h"

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

std::string MessageOfImport(const OnnxModel& model, const ImportOptions& options = {}) {
  try {
    ImportOnnx(BytesOf(model.Bytes()), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
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

// What the tests in Java, and the fuzzer, begin with.
TEST(ImportOnnx, TheModelIsTheFileOfTheTests) {
  std::ifstream file(std::string(ESPALIER_TESTDATA) + "/small_backbone.onnx", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(bytes == SmallBackbone().Bytes());
  ImportReport report;
  const std::string path = std::string(ESPALIER_TESTDATA) + "/small_backbone.onnx";
  const Network network = ImportOnnx(path, {}, &report);
  EXPECT_EQ(report.producer, "test");
  ExpectNear(OutputOf(network, report, 0, Ramp(32, 0.3f)), SmallBackboneReference(Ramp(32, 0.3f)),
             1e-5f);
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

// Rows of all positions of all examples, as PyTorch multiplies them.
TEST(ImportOnnx, FollowsTheBatchBehindPositions) {
  OnnxModel model;
  model.Input("x", {std::string("batch"), 2, 3});
  model.Floats("w", {2, 3}, {1, 0, 0, 0, 1, 1}).Integers("rows", {2}, {-1, 3});
  model.Integers("apart", {3}, {2, -1, 2});
  model.Node("Transpose", {"x"}, {"turned"}, {{"perm", Integers{1, 0, 2}}});
  model.Node("Reshape", {"turned", "rows"}, {"r"});
  model.Node("Gemm", {"r", "w"}, {"products"}, {{"transB", std::int64_t{1}}}, "products");
  model.Node("Reshape", {"products", "apart"}, {"a"});
  model.Node("Transpose", {"a"}, {"y"}, {{"perm", Integers{1, 0, 2}}});
  model.Output("y");
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(model.Bytes()), {}, &report);
  ExpectNear(OutputOf(network, report, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
             {1, 5, 4, 11, 7, 17, 10, 23}, 1e-5f);
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
  model.Node("NonZero", {"x"}, {"a", ""}, {}, "first");
  model.Node("MatMul", {"a", "w"}, {"b"}, {}, "cascade");
  model.Node("Magic", {"x"}, {"c"}, {}, "second", "com.example");
  model.Node("Transpose", {"x", ""}, {"d"}, {{"perm", Integers{0, 0}}}, "third");
  model.Output("b").Output("c").Output("d");
  const std::string message = MessageOfImport(model);
  ExpectHas(message, "MODEL_FILE: expected nodes that layers compute, got 3");
  ExpectHas(message, "'first' (NonZero, operator set 13): no layer here computes it");
  ExpectHas(message, "'second' (com.example.Magic, operator set 0)");
  ExpectHas(message, "'third' (Transpose, operator set 13): perm: expected each of 2");
  EXPECT_EQ(message.find("cascade"), std::string::npos) << message;
}

TEST(ImportOnnx, SaysWhatDoesNotTrainAsInTheModel) {
  OnnxModel model;
  model.Input("x", {std::string("N"), 3}).Floats("w", {3, 3}, Ramp(9, 0.1f));
  model.Node("MatMul", {"x", "w"}, {"a"}, {}, "first");
  model.Node("MatMul", {"a", "w"}, {"b"}, {}, "second");
  model.Node("ArgMax", {"b"}, {"c"}, {{"axis", std::int64_t{1}}}, "best");
  model.Output("c");
  ImportReport report;
  ImportOnnx(BytesOf(model.Bytes()), {}, &report);
  const std::string text = report.ToString();
  ExpectHas(text, "layer 'best': no gradient passes through it");
  ExpectHas(text, "layer 'second': has its own copy of 'w'");
}

TEST(ImportOnnx, TakesAWholeRunForAnExample) {
  OnnxModel model;
  model.Input("x", {2, 3}).Floats("w", {3, 1}, {1, 2, 3});
  model.Node("MatMul", {"x", "w"}, {"y"}, {}, "product").Output("y");
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(model.Bytes()), {.has_batch = false}, &report);
  EXPECT_EQ(report.inputs[0].shape, (Shape{2, 3}));
  EXPECT_EQ(report.outputs[0].shape, (Shape{2, 1}));
  ExpectNear(OutputOf(network, report, 0, {1, 1, 1, 0, 0, 2}), {6, 6}, 1e-5f);
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

TEST(ImportReport, HasTheFirstRenamingsAsText) {
  ImportReport report;
  for (int i = 0; i < 20; ++i) {
    report.renamed.push_back({.from = "/a" + std::to_string(i), .to = "a" + std::to_string(i)});
  }
  const std::string text = report.ToString();
  ExpectHas(text, "renamed: '/a7' to 'a7'\nrenamed: 12 more alike\n");
  EXPECT_EQ(text.find("/a8"), std::string::npos) << text;
}

}  // namespace
}  // namespace espalier
