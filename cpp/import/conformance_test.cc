// SPDX-License-Identifier: Apache-2.0

// All tests of ONNX's own suite. What is not computed is listed by reason in
// cpp/testdata/onnx_node_tests.txt, and counted by operator in docs/operators.md: both are what the
// run gives, or the test fails. With ESPALIER_WRITE_CONFORMANCE set they are written.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "import/node_test_run.h"
#include "import/operators.h"

namespace espalier {
namespace {

using testing::NodeTestData;
using testing::NodeTestOutcome;
using testing::NodeTestResult;
using testing::NodeTestRun;

constexpr const char* kFolders[] = {"node", "simple", "pytorch-converted", "pytorch-operator"};

// Operators that the library means to compute, whatever version and attributes they have.
const std::set<std::string> kMeant = {
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "DynamicQuantizeLinear",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "GRU",
    "Gather",
    "GatherElements",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "Log",
    "LogSoftmax",
    "MatMul",
    "MatMulInteger",
    "Max",
    "MaxPool",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "PRelu",
    "Pad",
    "Pow",
    "QuantizeLinear",
    "Range",
    "Reciprocal",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Selu",
    "Shape",
    "Sigmoid",
    "Size",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
};

// Where libonnx-testdata is, or an empty path.
std::filesystem::path TestData() {
  const char* const named = std::getenv("ESPALIER_ONNX_TESTDATA");
  const std::filesystem::path path = named != nullptr ? named : ESPALIER_ONNX_TESTDATA;
  return std::filesystem::is_directory(path / "node") ? path : std::filesystem::path();
}

// Of a reason, its first line without what stands in quotes: what many nodes have in common.
std::string Brief(const std::string& reason) {
  const std::size_t node = reason.find("\n  '");
  std::string text = reason;
  if (node != std::string::npos) {
    const std::size_t kind = reason.find("(", node);
    text = reason.substr(kind, reason.find('\n', node + 1) - kind);
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

struct OperatorCount {
  int passed = 0;
  int all = 0;
};

struct Conformance {
  std::string list;                             // of what does not pass
  std::map<std::string, OperatorCount> counts;  // of tests of one operator alone
  OperatorCount meant;                          // of tests whose operators are all meant
  OperatorCount readable;                       // of them, of those whose types are read
  OperatorCount all;
  int wrong = 0;
};

std::set<std::string> OperatorsOf(const NodeTestData& test) {
  std::set<std::string> kinds;
  const ForeignGraph graph = test.Graph();
  for (const ForeignNode& node : graph.nodes()) {
    kinds.insert(node.domain.empty() ? node.kind : Concat(node.domain, ".", node.kind));
  }
  return kinds;
}

void Add(Conformance& result, const std::string& folder, const NodeTestData& test) {
  std::set<std::string> kinds;
  NodeTestOutcome outcome;
  try {
    kinds = OperatorsOf(test);
    outcome = NodeTestRun(test).Run();
  } catch (const Error& error) {
    outcome = {NodeTestResult::kUnsupported, MessageOf(error)};
  }
  const bool has_passed =
      outcome.result == NodeTestResult::kPassed || outcome.result == NodeTestResult::kFolded;
  const auto count = [&](OperatorCount& counts) {
    ++counts.all;
    if (has_passed) ++counts.passed;
  };
  count(result.all);
  const bool is_meant = folder == "node" && !kinds.empty() &&
                        std::all_of(kinds.begin(), kinds.end(),
                                    [](const auto& kind) { return kMeant.contains(kind); });
  if (is_meant) count(result.meant);
  if (is_meant && outcome.result != NodeTestResult::kUnreadable) count(result.readable);
  if (folder == "node" && kinds.size() == 1) count(result.counts[*kinds.begin()]);
  if (has_passed) return;
  const bool is_wrong = outcome.result == NodeTestResult::kWrong;
  if (is_wrong) ++result.wrong;
  result.list +=
      Concat(folder, "/", test.name(), is_wrong ? ": WRONG: " : ": ", Brief(outcome.reason), "\n");
}

// "7-22", "17 on".
std::string VersionsOf(const std::string& kind) {
  std::int64_t first = kNewestVersion;
  std::int64_t last = 0;
  for (const ForeignOperator& row : ForeignOperators()) {
    if (row.kind != kind || !row.domain.empty()) continue;
    first = std::min(first, row.first_version);
    last = std::max(last, row.last_version);
  }
  first = std::max(first, kLeastOnnxVersion);
  last = std::min(last, kGreatestOnnxVersion);
  return Concat(first, " to ", last);
}

std::string Table(const Conformance& result) {
  std::ostringstream text;
  text
      << "# Operators of ONNX\n\n"
         "What `ImportOnnx` makes of a node. Tests are those of ONNX 1.17 that have this operator\n"
         "alone (`cpp/import/conformance_test.cc`, which writes this page); "
      << result.readable.passed << " of the " << result.readable.all
      << " pass\nwhose operators are meant to, and whose element types are read. Why others do "
         "not:\n`cpp/testdata/onnx_node_tests.txt`.\n\n"
         "| operator | operator sets | tests passed |\n|---|---|---|\n";
  std::set<std::string> kinds;
  for (const ForeignOperator& row : ForeignOperators()) {
    if (row.domain.empty()) kinds.insert(std::string(row.kind));
  }
  for (const std::string& kind : kinds) {
    const auto found = result.counts.find(kind);
    text << "| " << kind << " | " << VersionsOf(kind) << " | ";
    if (found == result.counts.end()) {
      text << "none alone";
    } else {
      text << found->second.passed << " of " << found->second.all;
    }
    text << " |\n";
  }
  return text.str();
}

std::set<std::string> LinesOf(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

// Prints the lines in which they differ.
void ExpectText(const std::filesystem::path& path, const std::string& text) {
  if (std::getenv("ESPALIER_WRITE_CONFORMANCE") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string committed((std::istreambuf_iterator<char>(file)), {});
  if (text == committed) return;
  const std::set<std::string> now = LinesOf(text);
  const std::set<std::string> before = LinesOf(committed);
  std::vector<std::string> differences;
  for (const std::string& line : before) {
    if (!now.contains(line)) differences.push_back(Concat("- ", line));
  }
  for (const std::string& line : now) {
    if (!before.contains(line)) differences.push_back(Concat("+ ", line));
  }
  constexpr std::size_t kMost = 20;
  if (differences.size() > kMost) differences.resize(kMost);
  ADD_FAILURE() << path << " is not what the run gives:\n" << Join(differences, "\n");
}

TEST(Conformance, IsWhatTheListsSay) {
  const std::filesystem::path data = TestData();
  if (data.empty()) GTEST_SKIP() << "libonnx-testdata is not installed, nor named";
  Conformance result;
  for (const std::string folder : kFolders) {
    for (const NodeTestData& test : testing::NodeTestsIn(data / folder)) Add(result, folder, test);
  }
  const auto print = [](const char* what, const OperatorCount& count) {
    std::cout << what << ": " << count.passed << " of " << count.all << " pass, "
              << 100.0 * count.passed / std::max(1, count.all) << " %\n";
  };
  print("node tests of operators that are meant", result.meant);
  print("of them, of element types that are read", result.readable);
  print("all tests", result.all);
  EXPECT_EQ(result.wrong, 0);
  EXPECT_GE(100 * result.readable.passed, 95 * result.readable.all);
  const std::filesystem::path root = ESPALIER_TESTDATA;
  ExpectText(root / "onnx_node_tests.txt", result.list);
  ExpectText(root / ".." / ".." / "docs" / "operators.md", Table(result));
}

// Whole graphs of well-known networks; their weights are all one number, so that any image has the
// answer that is published. Weights that no file holds are folded up to a limit, which those of
// wide dense layers are past.
TEST(Conformance, LightModelsAnswerAsPublished) {
  const std::filesystem::path data = TestData();
  if (data.empty()) GTEST_SKIP() << "libonnx-testdata is not installed, nor named";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data / "light")) {
    if (entry.path().extension() != ".onnx") continue;
    SCOPED_TRACE(entry.path().filename().string());
    ImportReport report;
    std::optional<Network> imported;
    try {
      imported = ImportOnnx(entry.path().string(), {}, &report);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("expected a constant of at most"), std::string::npos)
          << error.what();
      continue;
    }
    const Network& network = *imported;
    const auto path = entry.path().parent_path() / (entry.path().stem().string() + "_output_0.pb");
    const auto bytes = testing::ReadBytes(path);
    const std::vector<float> expected = ReadOnnxTensor(ProtoMessage(*bytes), bytes).tensor.Floats();
    const NetworkSpec spec = network.Spec();
    ASSERT_EQ(spec.inputs.size(), 1u);
    const Shape& shape = spec.inputs[0].shape;
    std::vector<float> image(static_cast<std::size_t>(shape.element_count()));
    for (std::size_t i = 0; i < image.size(); ++i) {
      image[i] = static_cast<float>(i) / static_cast<float>(image.size());
    }
    const Predictor predictor(network, {.max_batch_size = 1, .layers = {report.outputs[0].layer}});
    std::vector<float> answers(static_cast<std::size_t>(predictor.output_size()));
    predictor.Predict(1, Inputs(image), answers);
    ASSERT_EQ(answers.size(), expected.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_NEAR(answers[i], expected[i], 1e-3 * std::abs(expected[i]) + 1e-7);
    }
    ++count;
  }
  EXPECT_GE(count, 6);
}

}  // namespace
}  // namespace espalier
