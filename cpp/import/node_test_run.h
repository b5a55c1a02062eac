// SPDX-License-Identifier: Apache-2.0
#pragma once

// One of ONNX's tests, run as an imported network would be used: with a batch where all of its
// inputs and outputs have one, else as one example; with all inputs as inputs of the network where
// that can be, else with all but the first as constants, as weights and shapes are, and then also
// with the batch as the second dimension, as LSTM and GRU have it; and where no network is left
// then, because nothing depends on data, by what folding makes of it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "espalier/import.h"
#include "espalier/predictor.h"
#include "import/folding.h"
#include "import/import.h"
#include "import/node_test_data.h"

namespace espalier::testing {

inline constexpr double kNodeTestRelative = 1e-3;  // ONNX's own
inline constexpr double kNodeTestAbsolute = 1e-7;

enum class NodeTestResult {
  kPassed,
  kFolded,
  kUnsupported,
  kUnreadable,  ///< of element types, or something else than arrays, that are not read
  kWrong,
};

struct NodeTestOutcome {
  NodeTestResult result = NodeTestResult::kUnsupported;
  std::string reason = {};
};

class NodeTestRun {
 public:
  explicit NodeTestRun(const NodeTestData& test) : test_(test) {}

  NodeTestOutcome Run() {
    try {
      inputs_ = test_.Inputs();
      outputs_ = test_.Outputs();
      ReadHalfFloats();
      if (std::any_of(outputs_.begin(), outputs_.end(), [](const ForeignTensor& output) {
            return output.type() == ForeignType::kBfloat16;
          })) {
        return {NodeTestResult::kUnsupported, "results are not rounded to bfloat16"};
      }
      if (DrawsNumbers()) return {NodeTestResult::kUnsupported, "draws random numbers of its own"};
    } catch (const Error& error) {
      return {NodeTestResult::kUnreadable, MessageOf(error)};
    }
    NodeTestOutcome outcome;
    for (const bool all_are_data : {true, false}) {
      for (const bool has_batch : {true, false}) {
        if (has_batch && !MayHaveBatch(all_are_data)) continue;
        outcome = Attempt({.has_batch = has_batch}, all_are_data ? inputs_.size() : 1);
        if (outcome.result != NodeTestResult::kUnsupported) return outcome;
      }
    }
    if (MayHaveBatchSecond()) {
      NodeTestOutcome second = Attempt({.batch_axes = {{test_.Graph().inputs()[0], 1}}}, 1);
      if (second.result != NodeTestResult::kUnsupported) return second;
    }
    NodeTestOutcome folded = FoldAll();
    return folded.result == NodeTestResult::kUnsupported ? outcome : folded;
  }

 private:
  // Values of bfloat16 are stored as if they were of uint16.
  void ReadHalfFloats() {
    const ForeignGraph graph = test_.Graph();
    const auto read = [](ForeignTensor& tensor, bool is_half_float) {
      if (!is_half_float || tensor.type() != ForeignType::kUint16) return;
      const auto bytes = tensor.bytes();
      tensor = ForeignTensor::OfBytes(ForeignType::kBfloat16, tensor.dimensions(),
                                      {bytes.begin(), bytes.end()});
    };
    for (std::size_t i = 0; i < inputs_.size() && i < graph.inputs().size(); ++i) {
      read(inputs_[i], graph.Value(graph.inputs()[i]).type == ForeignType::kBfloat16);
    }
    for (std::size_t i = 0; i < outputs_.size() && i < graph.outputs().size(); ++i) {
      const auto maker = graph.Producer(graph.outputs()[i].value);
      read(outputs_[i], maker != graph.nodes().end() && maker->Is("Cast") &&
                            ForeignTypeOfOnnx(maker->Integer("to", 0)) == ForeignType::kBfloat16);
    }
  }

  // Dropout in training mode, its third input, at a rate that is not 0.
  bool DrawsNumbers() const {
    const ForeignGraph graph = test_.Graph();
    const ForeignNode& node = graph.nodes().front();
    return node.Is("Dropout") && inputs_.size() == 3 && inputs_[1].FloatAt(0) != 0.0f &&
           inputs_[2].IntegerAt(0) != 0;
  }

  // The sizes of the first dimensions are one.
  bool MayHaveBatch(bool all_are_data) const {
    std::optional<std::int64_t> batch;
    const auto fits = [&](const ForeignTensor& tensor) {
      if (tensor.rank() < 1) return false;
      if (!batch.has_value()) batch = tensor.dimensions()[0];
      return *batch == tensor.dimensions()[0];
    };
    for (std::size_t i = 0;
         i < (all_are_data ? inputs_.size() : std::min<std::size_t>(1, inputs_.size())); ++i) {
      if (!fits(inputs_[i])) return false;
    }
    return batch.has_value() && std::all_of(outputs_.begin(), outputs_.end(), fits);
  }

  // [length, batch, width] becomes [1, batch, …], which is [batch, …] in the same order.
  bool MayHaveBatchSecond() const {
    return !inputs_.empty() && inputs_[0].rank() == 3 &&
           std::all_of(outputs_.begin(), outputs_.end(), [&](const ForeignTensor& output) {
             return output.rank() == 3 && output.dimensions()[0] == 1 &&
                    output.dimensions()[1] == inputs_[0].dimensions()[1];
           });
  }

  // The first input with the batch in front of it.
  std::vector<float> BatchFirst() const {
    const std::vector<float> values = inputs_[0].Floats();
    const auto dimensions = inputs_[0].dimensions();
    const auto length = static_cast<std::size_t>(dimensions[0]);
    const auto batch = static_cast<std::size_t>(dimensions[1]);
    const auto width = static_cast<std::size_t>(dimensions[2]);
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t position = i / width / batch;
      const std::size_t example = i / width % batch;
      result[(example * length + position) * width + i % width] = values[i];
    }
    return result;
  }

  // Inputs from `data` on become constants; integers are read as real numbers, as predictors give
  // no others.
  ForeignGraph Prepare(std::size_t data) const {
    ForeignGraph graph = test_.Graph();
    const std::vector<std::string> names = graph.inputs();
    if (names.size() < inputs_.size()) {
      Fail(ErrorCode::kModelFile, "expected ", inputs_.size(), " inputs, got ", names.size());
    }
    for (std::size_t i = data; i < inputs_.size(); ++i) {
      graph.RemoveInput(names[i]);
      graph.AddConstant(names[i], inputs_[i]);
    }
    return graph;
  }

  static void ReadAsFloats(ForeignGraph& graph, const std::vector<ForeignTensor>& expected) {
    const auto outputs = graph.outputs();
    graph.ClearOutputs();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const bool is_real = i >= expected.size() || IsFloatType(expected[i].type());
      std::string value = outputs[i].value;
      if (!is_real) {
        ForeignNode cast = {.kind = "Cast", .version = 13, .inputs = {value}};
        cast.attributes["to"] = std::int64_t{1};
        value = graph.NewName("real");
        cast.outputs = {value};
        graph.Append(std::move(cast));
      }
      graph.AddOutput(outputs[i].name, value);
    }
  }

  NodeTestOutcome Attempt(const ImportOptions& options, std::size_t data) {
    try {
      for (const ForeignTensor& output : outputs_) {
        if (output.element_count() == 0) Fail(ErrorCode::kModelFile, "an output without elements");
      }
      ForeignGraph graph = Prepare(data);
      ReadAsFloats(graph, outputs_);
      ImportReport report;
      const Network network = NetworkOf(std::move(graph), options, report);
      std::vector<std::vector<float>> values = Predict(network, report, options, data);
      return Compare(values);
    } catch (const Error& error) {
      return {NodeTestResult::kUnsupported, MessageOf(error)};
    }
  }

  std::vector<std::vector<float>> Predict(const Network& network, const ImportReport& report,
                                          const ImportOptions& options, std::size_t data) const {
    const bool is_batch_second = !options.batch_axes.empty();
    const std::int64_t batch =
        options.has_batch ? inputs_[0].dimensions()[is_batch_second ? 1 : 0] : 1;
    std::vector<std::vector<float>> floats(data);
    std::vector<std::vector<std::int32_t>> integers(data);
    std::vector<InputData> given;
    const std::vector<InputSpec> specs = network.Spec().inputs;
    for (std::size_t i = 0; i < data && i < specs.size(); ++i) {
      if (specs[i].type == ElementType::kFloat32) {
        floats[i] = is_batch_second ? BatchFirst() : inputs_[i].Floats();
        given.emplace_back(std::span<const float>(floats[i]));
      } else {
        for (const std::int64_t value : inputs_[i].Integers()) {
          if (value != static_cast<std::int32_t>(value)) {
            Fail(ErrorCode::kModelFile, "an integer past int32");
          }
          integers[i].push_back(static_cast<std::int32_t>(value));
        }
        given.emplace_back(std::span<const std::int32_t>(integers[i]));
      }
    }
    std::vector<std::vector<float>> results;
    for (const ImportReport::Value& output : report.outputs) {
      if (results.size() == outputs_.size()) break;
      const auto input = std::find_if(specs.begin(), specs.end(), [&](const InputSpec& spec) {
        return spec.name == output.layer;
      });
      if (input != specs.end()) {
        results.push_back(inputs_[static_cast<std::size_t>(input - specs.begin())].Floats());
        continue;
      }
      const Predictor predictor(network, {.max_batch_size = batch, .layers = {output.layer}});
      results.emplace_back(static_cast<std::size_t>(batch * predictor.output_size()));
      predictor.Predict(batch, Inputs(given), results.back());
    }
    return results;
  }

  NodeTestOutcome Compare(const std::vector<std::vector<float>>& results) const {
    if (results.size() != outputs_.size()) {
      return {NodeTestResult::kWrong,
              Concat("expected ", outputs_.size(), " outputs, got ", results.size())};
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::vector<float> expected = outputs_[i].Floats();
      if (expected.size() != results[i].size()) {
        return {NodeTestResult::kWrong, Concat("output ", i, ": expected ", expected.size(),
                                               " elements, got ", results[i].size())};
      }
      for (std::size_t k = 0; k < expected.size(); ++k) {
        if (!IsClose(results[i][k], expected[k])) {
          return {NodeTestResult::kWrong, Concat("output ", i, ", element ", k, ": expected ",
                                                 expected[k], ", got ", results[i][k])};
        }
      }
    }
    return {NodeTestResult::kPassed};
  }

  static bool IsClose(float value, float expected) {
    if (std::isnan(expected)) return std::isnan(value);
    if (std::isinf(expected)) return value == expected;
    const double difference = std::abs(static_cast<double>(value) - static_cast<double>(expected));
    return difference <=
           kNodeTestAbsolute + kNodeTestRelative * std::abs(static_cast<double>(expected));
  }

  NodeTestOutcome FoldAll() {
    try {
      ForeignGraph graph = Prepare(0);
      ImportReport report;
      Fold(graph, report);
      std::vector<std::vector<float>> values;
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        const ForeignTensor* const constant = graph.Constant(graph.outputs()[i].value);
        if (constant == nullptr) return {};
        values.push_back(constant->Floats());
        if (constant->dimensions() != outputs_[i].dimensions()) {
          return {NodeTestResult::kWrong, Concat("output ", i, " has another shape")};
        }
      }
      NodeTestOutcome outcome = Compare(values);
      if (outcome.result == NodeTestResult::kPassed) outcome.result = NodeTestResult::kFolded;
      return outcome;
    } catch (const Error& error) {
      return {NodeTestResult::kUnsupported, MessageOf(error)};
    }
  }

  const NodeTestData& test_;
  std::vector<ForeignTensor> inputs_;
  std::vector<ForeignTensor> outputs_;
};

}  // namespace espalier::testing
