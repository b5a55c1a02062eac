// SPDX-License-Identifier: Apache-2.0

// What exported files hold. That their models answer as the networks do is tried in ONNX Runtime,
// by OnnxExportTest.java, and by import here.

#include "espalier/export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "espalier/builder.h"
#include "espalier/import.h"
#include "espalier/predictor.h"
#include "export/onnx_graph.h"
#include "import/onnx_schema.h"
#include "network/int8_weights.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

using protozero::pbf_reader;
using testing::MessageOf;
using testing::Spec;
using Ints = std::vector<std::int64_t>;

// From each of which on something is written otherwise, and the last one.
constexpr int kOperatorSets[] = {17, 18, 20, 21, 22};

// A file of a test, gone afterwards.
class OnnxExport : public ::testing::Test {
 protected:
  OnnxExport() { std::filesystem::create_directories(folder_); }
  ~OnnxExport() override { std::filesystem::remove_all(folder_); }

  std::string Bytes() const {
    std::ifstream stream(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  // No temporary file is left.
  std::size_t FileCount() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                                  std::filesystem::directory_iterator()));
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      (std::string("espalier_export_") +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string file_ = (folder_ / "network.onnx").string();
};

struct Node {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string operation;
};

struct Graph {
  std::vector<Node> nodes;
  std::set<std::string> tensors;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

std::string NameIn(pbf_reader message, onnx::Field field) {
  std::string name;
  while (message.next()) {
    if (message.tag() == field) {
      name = message.get_string();
    } else {
      message.skip();
    }
  }
  return name;
}

Node ReadNode(pbf_reader message) {
  Node node;
  while (message.next()) {
    switch (message.tag()) {
      case onnx::Node::kInputs:
        node.inputs.push_back(message.get_string());
        break;
      case onnx::Node::kOutputs:
        node.outputs.push_back(message.get_string());
        break;
      case onnx::Node::kOperator:
        node.operation = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  return node;
}

Graph ReadGraph(const std::string& bytes) {
  Graph graph;
  pbf_reader model(bytes);
  EXPECT_TRUE(model.next(onnx::Model::kGraph));
  pbf_reader message = model.get_message();
  while (message.next()) {
    switch (message.tag()) {
      case onnx::Graph::kNodes:
        graph.nodes.push_back(ReadNode(message.get_message()));
        break;
      case onnx::Graph::kInitializers:
        graph.tensors.insert(NameIn(message.get_message(), onnx::Tensor::kName));
        break;
      case onnx::Graph::kInputs:
        graph.inputs.push_back(NameIn(message.get_message(), onnx::ValueInfo::kName));
        break;
      case onnx::Graph::kOutputs:
        graph.outputs.push_back(NameIn(message.get_message(), onnx::ValueInfo::kName));
        break;
      default:
        message.skip();
    }
  }
  return graph;
}

std::map<std::string, int> OperationsOf(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[node.operation];
  return counts;
}

// Each value has one maker, which stands before its readers.
void ExpectSound(const Graph& graph) {
  std::set<std::string> known(graph.inputs.begin(), graph.inputs.end());
  for (const std::string& tensor : graph.tensors)
    EXPECT_TRUE(known.insert(tensor).second) << tensor;
  for (const Node& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      EXPECT_TRUE(input.empty() || known.contains(input)) << input;
    }
    for (const std::string& output : node.outputs) {
      EXPECT_TRUE(output.empty() || known.insert(output).second) << output;
    }
  }
  for (const std::string& output : graph.outputs) EXPECT_TRUE(known.contains(output)) << output;
}

testing::BertSizes Small() {
  return {.length = 13,
          .vocabulary = 30,
          .positions = 16,
          .layers = 2,
          .width = 24,
          .heads = 3,
          .feed_forward = 40};
}

Network SmallBert() {
  Network network = testing::Bert(Small()).Head("x", LabelsTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  return network;
}

TEST_F(OnnxExport, GraphsAreSound) {
  const Network networks[] = {testing::FusionNetwork(), SmallBert()};
  for (const Network& network : networks) {
    for (const bool is_logits : {false, true}) {
      ExportOnnx(network, file_, {.logits = is_logits});
      const Graph graph = ReadGraph(Bytes());
      ExpectSound(graph);
      EXPECT_EQ(graph.inputs.size(), network.Spec().inputs.size());
      EXPECT_EQ(graph.outputs.size(), network.Spec().heads.size());
      for (const HeadSpec& head : network.Spec().heads) {
        EXPECT_EQ(std::count(graph.outputs.begin(), graph.outputs.end(), head.name), 1);
      }
    }
  }
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(OnnxExport, HoldsWhatItsOutputsNeedAlone) {
  const Network network = testing::FusionNetwork();
  ExportOnnx(network, file_, {.heads = {"colour"}});
  const Graph graph = ReadGraph(Bytes());
  EXPECT_EQ(graph.outputs, std::vector<std::string>{"colour"});
  EXPECT_FALSE(OperationsOf(graph).contains("Conv"));
  EXPECT_EQ(graph.tensors.count("conv1.weight"), 0u);
  ExportOnnx(network, file_, {.layers = {"norm7", "act3"}});
  EXPECT_EQ(ReadGraph(Bytes()).outputs, (std::vector<std::string>{"norm7", "act3"}));
  ExpectSound(ReadGraph(Bytes()));
}

// Names of layers may be those of parts, parameters and heads.
TEST_F(OnnxExport, NamesAreUnique) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Dense("a", 3).Dense("a.weight", 3).Layer(Spec("gelu", "x", {}));
  builder.Head("x", ValuesTask({"v"})).Head("a", ValuesTask({"v"}));
  ExportOnnx(builder.Build(1), file_);
  const Graph graph = ReadGraph(Bytes());
  ExpectSound(graph);
  EXPECT_EQ(graph.outputs, (std::vector<std::string>{"x", "a"}));
  NetworkBuilder other({{.name = "size", .shape = Shape::Vector(3)}});
  other.Dense("a", 3).Head("size", ValuesTask({"v"}));
  const Network network = other.Build(1);
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument, [&] { ExportOnnx(network, file_); })
                .find("got 'size' twice"),
            std::string::npos);
}

TEST_F(OnnxExport, WritesQueriesKeysAndValuesApart) {
  ExportOnnx(SmallBert(), file_);
  const std::map<std::string, int> operations = OperationsOf(ReadGraph(Bytes()));
  EXPECT_EQ(operations.at("MatMul"), 2 * (3 + 2 + 3));
  EXPECT_EQ(operations.at("Softmax"), 2);
  EXPECT_EQ(operations.at("LayerNormalization"), 1 + 2 * 2);
}

// Products of 8 bits: at positions, of queries, keys and values at once, of an example, and at each
// pixel; and a table.
Network NetworkForBytes(bool has_images) {
  NetworkBuilder images(Shape::Image(64, 3, 3));
  images
      .Layer(Spec("conv2d", {{"channels", std::int64_t{80}}, {"kernel", std::int64_t{1}}}, "pixel"))
      .BatchNorm("norm")
      .Relu()
      .Dense("wide", 70)
      .Head("x", LabelsTask({"a", "b"}));
  testing::BertSizes sizes = Small();
  sizes.vocabulary = 90;
  sizes.width = 96;
  sizes.feed_forward = 130;
  Network network = has_images ? images.Build(3)
                               : testing::Bert(sizes).Head("x", LabelsTask({"a", "b"})).Build(3);
  testing::Scatter(network);
  return network;
}

// Bytes and scales of all rows of 8 bits: those of products side by side come one by one.
std::set<std::pair<std::string, float>> RowsOf(const Network& network) {
  std::set<std::pair<std::string, float>> all;
  const NetworkState& state = *network.state();
  for (int i = 0; i < static_cast<int>(state.layers.size()); ++i) {
    if (!HasInt8Weights(state, i)) continue;
    const Int8Rows rows = QuantizeRows(state, i);
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      all.insert({std::string(rows.row(row), rows.row(row) + rows.columns), rows.scales[row]});
    }
  }
  return all;
}

TEST_F(OnnxExport, WeightsOfBytesComeBackAsTheyAre) {
  for (const bool has_images : {true, false}) {
    const Network network = NetworkForBytes(has_images);
    ExportOnnx(network, file_, {.logits = true});
    const std::size_t float_bytes = Bytes().size();
    ExportOnnx(network, file_, {.logits = true, .int8_weights = true});
    const std::string file = Bytes();
    ExpectSound(ReadGraph(file));
    EXPECT_LT(file.size(), float_bytes / 2);
    EXPECT_EQ(OperationsOf(ReadGraph(file)).at("DequantizeLinear"),
              has_images ? 2 : 2 * (3 + 1 + 2));
    ImportReport report;
    const ImportOptions sizes = {.dimensions = {{"length", Small().length}}};
    const ImportOptions import = has_images ? ImportOptions() : sizes;
    const Network read = ImportOnnx(file_, import, &report);
    const std::string text = report.ToString();
    EXPECT_NE(text.find("layers are bytes with a scale for each output"), std::string::npos)
        << text;
    const auto rows = RowsOf(network);
    EXPECT_GT(rows.size(), 100u);
    EXPECT_TRUE(RowsOf(read) == rows);
  }
}

TEST_F(OnnxExport, IsTheSameFileEachTime) {
  const Network network = SmallBert();
  ExportOnnx(network, file_);
  const std::string first = Bytes();
  ExportOnnx(network, file_);
  EXPECT_EQ(Bytes(), first);
}

TEST_F(OnnxExport, WhatFailsLeavesTheFormerFile) {
  const Network network = testing::FusionNetwork();
  ExportOnnx(network, file_);
  const std::string before = Bytes();
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument,
                      [&] { ExportOnnx(network, file_, {.layers = {"conv"}}); })
                .find("conv1"),
            std::string::npos);
  EXPECT_EQ(Bytes(), before);
  const std::string nowhere = (folder_ / "none" / "network.onnx").string();
  EXPECT_NE(MessageOf(ErrorCode::kIo, [&] { ExportOnnx(network, nowhere); }).find(nowhere),
            std::string::npos);
  EXPECT_EQ(FileCount(), 1u);
}

TEST(OnnxGraph, HasNoMoreThanAFileMay) {
  OnnxGraph graph(kLeastOnnxOperatorSet);
  graph.Reserve(1000);
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument, [&] { graph.Reserve(OnnxGraph::kMaxBytes); })
                .find("at most 2147483647 bytes"),
            std::string::npos);
}

TEST_F(OnnxExport, WantsSomethingToAnswer) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Dense("features", 3).Layer(Spec("arg_max", "place", {}));
  const Network network = builder.Build(1);
  EXPECT_THROW(ExportOnnx(network, file_), Error);
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument,
                      [&] { ExportOnnx(network, file_, {.layers = {"place"}}); })
                .find("makes integers"),
            std::string::npos);
  EXPECT_NO_THROW(ExportOnnx(network, file_, {.layers = {"features"}}));
}

// The versions of a model's operator set and format.
std::pair<int, int> VersionsOf(const std::string& bytes) {
  std::pair<int, int> versions;
  pbf_reader model(bytes);
  while (model.next()) {
    if (model.tag() == onnx::Model::kOperatorSets) {
      pbf_reader set = model.get_message();
      EXPECT_TRUE(set.next(onnx::OperatorSet::kVersion));
      versions.first = static_cast<int>(set.get_int64());
    } else if (model.tag() == onnx::Model::kIrVersion) {
      versions.second = static_cast<int>(model.get_int64());
    } else {
      model.skip();
    }
  }
  return versions;
}

TEST_F(OnnxExport, IsOfTheOperatorSetAskedFor) {
  NetworkBuilder builder(Shape::Image(4, 3, 3));
  builder.Layer(Spec("mish", "mish", {})).Layer(Spec("gelu", "gelu", {}));
  builder.Layer(Spec("group_norm", {{"groups", std::int64_t{2}}}, "norm"));
  builder.Layer(Spec("reduce", {{"reduction", std::string("max")}}, "most"));
  const Network network = builder.Head("x", ValuesTask({"v"})).Build(1);
  const std::map<int, int> formats = {{17, 8}, {18, 8}, {19, 9}, {20, 9}, {21, 10}, {22, 10}};
  for (const auto& [set, format] : formats) {
    ExportOnnx(network, file_, {.operator_set = set});
    EXPECT_EQ(VersionsOf(Bytes()), std::pair(set, format));
    const Graph graph = ReadGraph(Bytes());
    ExpectSound(graph);
    const std::map<std::string, int> operations = OperationsOf(graph);
    EXPECT_EQ(operations.contains("Mish"), set >= 18) << set;
    EXPECT_EQ(operations.contains("Gelu"), set >= 20) << set;
    EXPECT_EQ(operations.contains("GroupNormalization"), set >= 21) << set;
    EXPECT_EQ(graph.tensors.contains("most/axes"), set >= 18) << set;
  }
  for (const int set : {-1, 16, 23}) {
    const std::string message = MessageOf(
        ErrorCode::kInvalidArgument, [&] { ExportOnnx(network, file_, {.operator_set = set}); });
    EXPECT_NE(message.find("from 17 to 22, got " + std::to_string(set)), std::string::npos)
        << message;
  }
}

// Logits of all heads, from the network and from what is imported of its export.
void ExpectSameAfterImport(const Network& network, const std::string& file, int operator_set,
                           const ImportOptions& options, std::span<const InputData> data,
                           std::int64_t batch) {
  ExportOnnx(network, file, {.logits = true, .operator_set = operator_set});
  ImportReport report;
  const Network imported = ImportOnnx(file, options, &report);
  std::vector<std::string> layers;
  for (const ImportReport::Value& output : report.outputs) layers.push_back(output.layer);
  const Predictor before(network, {.max_batch_size = batch, .logits = true});
  const Predictor after(imported, {.max_batch_size = batch, .layers = layers});
  ASSERT_EQ(after.output_size(), before.output_size());
  std::vector<float> expected(static_cast<std::size_t>(batch * before.output_size()));
  std::vector<float> got = expected;
  before.Predict(batch, Inputs(data), expected);
  after.Predict(batch, Inputs(data), got);
  EXPECT_LE(testing::RelativeNorm(got, expected), 1e-5) << report.ToString();
}

TEST_F(OnnxExport, IsImportedWithEqualAnswers) {
  const Network network = testing::FusionNetwork();
  const std::vector<float> images = testing::NormalFloats(3 * 3 * 9 * 7, 4);
  const std::vector<InputData> data = {std::span<const float>(images)};
  for (const int set : kOperatorSets) ExpectSameAfterImport(network, file_, set, {}, data, 3);
}

TEST_F(OnnxExport, OfATransformerIsImportedWithEqualAnswers) {
  const std::vector<std::int32_t> lengths = {13, 5, 1};
  std::vector<std::int32_t> ids, types;
  for (std::int32_t i = 0; i < 3 * 13; ++i) {
    ids.push_back(i * 7 % 30);
    types.push_back(i / 3 % 2);
  }
  const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                       std::span<const std::int32_t>(types),
                                       std::span<const std::int32_t>(lengths)};
  const Network network = SmallBert();
  for (const int set : kOperatorSets) {
    ExpectSameAfterImport(network, file_, set, {.dimensions = {{"length", 13}}}, data, 3);
  }
}

}  // namespace
}  // namespace espalier
