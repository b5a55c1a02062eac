// SPDX-License-Identifier: Apache-2.0

// LSTM and GRU as ONNX defines them, in plain loops, against the layers that they become.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/import.h"
#include "testing/imported_network.h"
#include "testing/onnx_model.h"
#include "testing/small_backbone.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::int64_t kLength = 3;
constexpr std::int64_t kWidth = 2;
constexpr std::int64_t kHidden = 2;

struct CellProblem {
  std::string kind;
  std::int64_t gates;
  std::int64_t directions;
  std::vector<float> w, r, b;
  bool is_reverse = false;
  bool is_batch_second = false;
  bool resets_before = false;  // a GRU whose linear_before_reset is 0

  CellProblem(std::string cell, std::int64_t ways)
      : kind(std::move(cell)),
        gates(kind == "LSTM" ? 4 : 3),
        directions(ways),
        w(Ramp(static_cast<std::size_t>(ways * gates * kHidden * kWidth), 0.13f)),
        r(Ramp(static_cast<std::size_t>(ways * gates * kHidden * kHidden), -0.11f, 0.05f)),
        b(Ramp(static_cast<std::size_t>(ways * 2 * gates * kHidden), 0.07f, 0.02f)) {}

  OnnxModel Model(const std::vector<std::string>& outputs) const {
    OnnxModel model;
    if (is_batch_second) {
      model.Input("x", {kLength, std::string("N"), kWidth});
    } else {
      model.Input("x", {std::string("N"), kLength, kWidth});
    }
    model.Floats("w", {directions, gates * kHidden, kWidth}, w);
    model.Floats("r", {directions, gates * kHidden, kHidden}, r);
    model.Floats("b", {directions, 2 * gates * kHidden}, b);
    std::vector<OnnxAttribute> attributes = {{"hidden_size", kHidden}};
    if (is_reverse) attributes.push_back({"direction", std::string("reverse")});
    if (directions == 2) attributes.push_back({"direction", std::string("bidirectional")});
    if (kind == "GRU" && !resets_before) {
      attributes.push_back({"linear_before_reset", std::int64_t{1}});
    }
    if (!is_batch_second) model.Node("Transpose", {"x"}, {"turned"}, {{"perm", Integers{1, 0, 2}}});
    model.Node(kind, {is_batch_second ? "x" : "turned", "w", "r", "b"}, outputs, attributes,
               "cell");
    for (const std::string& output : outputs) {
      if (!output.empty()) model.Output(output);
    }
    return model;
  }

  // Of gate `gate`: W x + Wb, or R h + Rb.
  double Part(std::int64_t way, std::int64_t gate, std::int64_t unit, const double* values,
              std::int64_t width, const std::vector<float>& matrix, std::int64_t bias) const {
    const std::int64_t row = (way * gates + gate) * kHidden + unit;
    double sum =
        b[static_cast<std::size_t>((way * 2 + bias) * gates * kHidden + gate * kHidden + unit)];
    for (std::int64_t i = 0; i < width; ++i) {
      sum += static_cast<double>(matrix[static_cast<std::size_t>(row * width + i)]) * values[i];
    }
    return sum;
  }

  // [length, directions, hidden]
  std::vector<float> Reference(const std::vector<float>& x) const {
    std::vector<float> result(static_cast<std::size_t>(kLength * directions * kHidden));
    const auto sigmoid = [](double z) { return 1.0 / (1.0 + std::exp(-z)); };
    for (std::int64_t way = 0; way < directions; ++way) {
      double h[kHidden] = {};
      double c[kHidden] = {};
      for (std::int64_t step = 0; step < kLength; ++step) {
        const std::int64_t position = way == 0 && !is_reverse ? step : kLength - 1 - step;
        double values[kWidth];
        for (std::int64_t i = 0; i < kWidth; ++i) {
          values[i] = x[static_cast<std::size_t>(position * kWidth + i)];
        }
        double next[kHidden];
        for (std::int64_t unit = 0; unit < kHidden; ++unit) {
          const auto in = [&](std::int64_t gate) {
            return Part(way, gate, unit, values, kWidth, w, 0);
          };
          const auto back = [&](std::int64_t gate) {
            return Part(way, gate, unit, h, kHidden, r, 1);
          };
          if (kind == "LSTM") {  // i o f c
            c[unit] = sigmoid(in(2) + back(2)) * c[unit] +
                      sigmoid(in(0) + back(0)) * std::tanh(in(3) + back(3));
            next[unit] = sigmoid(in(1) + back(1)) * std::tanh(c[unit]);
          } else {  // z r h
            const double z = sigmoid(in(0) + back(0));
            double reset[kHidden];
            for (std::int64_t i = 0; i < kHidden; ++i) {
              reset[i] = h[i] * sigmoid(Part(way, 1, i, values, kWidth, w, 0) +
                                        Part(way, 1, i, h, kHidden, r, 1));
            }
            const double product = resets_before ? Part(way, 2, unit, reset, kHidden, r, 1)
                                                 : sigmoid(in(1) + back(1)) * back(2);
            const double n = std::tanh(in(2) + product);
            next[unit] = (1.0 - z) * n + z * h[unit];
          }
        }
        for (std::int64_t unit = 0; unit < kHidden; ++unit) {
          h[unit] = next[unit];
          result[static_cast<std::size_t>((position * directions + way) * kHidden + unit)] =
              static_cast<float>(h[unit]);
        }
      }
    }
    return result;
  }
};

void ExpectNear(const std::vector<float>& values, const std::vector<float>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6f) << i;
}

TEST(RecurrentOperators, ComputeWhatOnnxSays) {
  const std::vector<float> x = Ramp(kLength * kWidth, 0.4f, 0.1f);
  for (const char* kind : {"LSTM", "GRU"}) {
    for (const std::int64_t directions : {1, 2}) {
      SCOPED_TRACE(std::string(kind) + " " + std::to_string(directions));
      const CellProblem problem(kind, directions);
      const std::vector<float> all = problem.Reference(x);
      // Forward that at the last position, back that at the first.
      const auto row = directions * kHidden;
      std::vector<float> last(all.end() - row, all.end() - row + kHidden);
      if (directions == 2) last.insert(last.end(), all.begin() + kHidden, all.begin() + row);
      ImportReport report;
      const Network both = ImportOnnx(BytesOf(problem.Model({"y", "y_h"}).Bytes()), {}, &report);
      ExpectNear(OutputOf(both, report, 0, x), all);
      ExpectNear(OutputOf(both, report, 1, x), last);
      const Network one = ImportOnnx(BytesOf(problem.Model({"", "y_h"}).Bytes()), {}, &report);
      ExpectNear(OutputOf(one, report, 0, x), last);
    }
  }
}

// linear_before_reset is 0 where nothing is said.
TEST(RecurrentOperators, ResetTheStateBeforeTheProductOrAfterIt) {
  const std::vector<float> x = Ramp(kLength * kWidth, 0.4f, 0.1f);
  for (const std::int64_t directions : {1, 2}) {
    CellProblem problem("GRU", directions);
    const std::vector<float> after = problem.Reference(x);
    problem.resets_before = true;
    const std::vector<float> before = problem.Reference(x);
    EXPECT_GT(std::abs(after.back() - before.back()) + std::abs(after[2] - before[2]), 1e-4f);
    ImportReport report;
    const Network network = ImportOnnx(BytesOf(problem.Model({"y", "y_h"}).Bytes()), {}, &report);
    ExpectNear(OutputOf(network, report, 0, x), before);
  }
}

TEST(RecurrentOperators, GoBackAlone) {
  const std::vector<float> x = Ramp(kLength * kWidth, 0.4f, 0.1f);
  for (const char* kind : {"LSTM", "GRU"}) {
    SCOPED_TRACE(kind);
    CellProblem problem(kind, 1);
    problem.is_reverse = true;
    const std::vector<float> all = problem.Reference(x);
    const std::vector<float> last(all.begin(), all.begin() + kHidden);  // at the first position
    ImportReport report;
    const Network both = ImportOnnx(BytesOf(problem.Model({"y", "y_h"}).Bytes()), {}, &report);
    ExpectNear(OutputOf(both, report, 0, x), all);
    ExpectNear(OutputOf(both, report, 1, x), last);
    const Network one = ImportOnnx(BytesOf(problem.Model({"", "y_h"}).Bytes()), {}, &report);
    ExpectNear(OutputOf(one, report, 0, x), last);
  }
}

TEST(RecurrentOperators, TakeTheBatchAsTheSecondDimension) {
  const std::vector<float> x = Ramp(kLength * kWidth, 0.4f, 0.1f);
  CellProblem problem("LSTM", 2);
  problem.is_batch_second = true;
  const auto file = problem.Model({"y", "y_h"}).Bytes();
  const ImportOptions given[] = {
      {.batch_axes = {{"x", 1}}},
      {.input_shapes = {{"x", Shape{kLength, kWidth}}}, .batch_axes = {{"x", 1}}},
  };
  for (const ImportOptions& options : given) {
    ImportReport report;
    const Network network = ImportOnnx(BytesOf(file), options, &report);
    EXPECT_EQ(report.inputs[0].shape, (Shape{kLength, kWidth}));
    ExpectNear(OutputOf(network, report, 0, x), problem.Reference(x));
  }
}

TEST(RecurrentOperators, RefuseAxesOfTheBatchThatAreNone) {
  const auto file = CellProblem("LSTM", 1).Model({"y"}).Bytes();
  const auto message_of = [&](const ImportOptions& options) -> std::string {
    try {
      ImportOnnx(BytesOf(file), options);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(message_of({.batch_axes = {{"x", 3}}}),
            "INVALID_ARGUMENT: input 'x': expected an axis of the batch from 0 to 2, got 3");
  EXPECT_EQ(message_of({.batch_axes = {{"x", -1}}}),
            "INVALID_ARGUMENT: input 'x': expected an axis of the batch from 0 to 2, got -1");
  EXPECT_EQ(
      message_of({.has_batch = false, .batch_axes = {{"x", 1}}}),
      "INVALID_ARGUMENT: input 'x': expected no axis of the batch where there is no batch, got 1");
  EXPECT_NE(message_of({.batch_axes = {{"y", 1}}}).find("there is no input 'y'"),
            std::string::npos);
}

// PyTorch's exports make the first state from the batch that they read off the input.
TEST(RecurrentOperators, BeginWithStatesOfZeros) {
  const CellProblem problem("GRU", 1);
  OnnxModel model;
  model.Input("x", {std::string("N"), kLength, kWidth});
  model.Floats("w", {1, 6, kWidth}, problem.w).Floats("r", {1, 6, kHidden}, problem.r);
  model.Floats("b", {1, 12}, problem.b);
  model.Integers("zero", {1}, {0}).Integers("one", {1}, {1}).Integers("hidden", {1}, {kHidden});
  model.Node("Shape", {"x"}, {"shape"}).Node("Gather", {"shape", "zero"}, {"batch"});
  model.Node("Concat", {"one", "batch", "hidden"}, {"sizes"}, {{"axis", std::int64_t{0}}});
  model.Node("ConstantOfShape", {"sizes"}, {"state"}, {}, "state");
  model.Node("Transpose", {"x"}, {"turned"}, {{"perm", Integers{1, 0, 2}}});
  model.Node("GRU", {"turned", "w", "r", "b", "", "state"}, {"y"},
             {{"hidden_size", kHidden}, {"linear_before_reset", std::int64_t{1}}}, "cell");
  model.Output("y");
  ImportReport report;
  const Network network = ImportOnnx(BytesOf(model.Bytes()), {}, &report);
  const std::vector<float> x = Ramp(kLength * kWidth, 0.4f, 0.1f);
  ExpectNear(OutputOf(network, report, 0, x), problem.Reference(x));
  for (const LayerDescription& layer : network.Describe()) EXPECT_NE(layer.name, "state");
}

TEST(RecurrentOperators, RefuseWhatTheLayersAreNot) {
  const CellProblem problem("LSTM", 1);
  try {
    ImportOnnx(BytesOf(problem.Model({"y", "", "y_c"}).Bytes()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what())
                  .find("'cell' (LSTM, operator set 17): expected nobody to "
                        "read the last state of the cell"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace espalier
