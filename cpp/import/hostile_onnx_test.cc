// SPDX-License-Identifier: Apache-2.0

// Files that are damaged, or made to ask for too much: an error each, whatever it is.

#include <gtest/gtest.h>

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

// What importing says; empty if it goes well. A file that leaves a dimension open is no wrong file.
std::string Outcome(const std::string& bytes, const ImportOptions& options = {}) {
  try {
    ImportOnnx(BytesOf(bytes), options);
    return "";
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool is_open =
        message.find("expected a size for each dimension") != std::string::npos ||
        message.find("expected a dimension that is the batch") != std::string::npos;
    EXPECT_TRUE(error.code() == ErrorCode::kModelFile || is_open) << message;
    return message;
  }
}

void ExpectRefused(const OnnxModel& model, const std::string& part) {
  const std::string message = Outcome(model.Bytes());
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(HostileOnnx, EveryTruncationIsAnError) {
  const std::string bytes = SmallBackbone().Bytes();
  // The operator set is the last field, so that nothing shorter is whole.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(Outcome(bytes.substr(0, size)), "") << size;
  }
}

TEST(HostileOnnx, EveryChangedByteIsAnErrorOrANetwork) {
  const std::string bytes = SmallBackbone().Bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF, 0x10}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      Outcome(changed);
    }
  }
}

TEST(HostileOnnx, FilesOfOtherKindsAreNamed) {
  EXPECT_NE(Outcome("<!DOCTYPE html><html>").find("it seems to be a web page"), std::string::npos);
  EXPECT_NE(Outcome("").find("an empty file"), std::string::npos);
}

TEST(HostileOnnx, TensorsAreAsLongAsTheySay) {
  const std::vector<float> values = {1, 2, 3};
  const auto data = std::as_bytes(std::span(values));
  const auto with = [&](const Integers& dimensions, std::int64_t type) {
    return OnnxModel().Add(OnnxModel::Tensor("w", type, dimensions, data));
  };
  ExpectRefused(with({4}, 1), "tensor 'w': expected 16 bytes for [4] of float32, got 12");
  ExpectRefused(with({-1}, 1), "expected dimensions of at least 0, got -1");
  ExpectRefused(with({1 << 30, 1 << 30, 1 << 30}, 1), "expected at most 2147483648 elements");
  ExpectRefused(with({1, 1, 1, 1, 1, 1, 1, 1, 3}, 1), "at most 8 dimensions");
  ExpectRefused(with({3}, 8), "expected numbers, got ONNX's element type 8");
  ExpectRefused(OnnxModel().Add(OnnxModel::Tensor("w", 1, {3}, data).Integer(14, 1)),
                "expected all data in the model's file, got some in ''");
  ExpectRefused(OnnxModel().Floats("", {3}, values), "expected names of values");
  ExpectRefused(OnnxModel().Floats("w", {3}, values).Floats("w", {3}, values),
                "expected one maker of each value, got another of 'w'");
}

TEST(HostileOnnx, GraphsAreInOrder) {
  OnnxModel loop;
  loop.Input("x", {1, 3}).Node("Identity", {"y"}, {"z"}).Node("Identity", {"z"}, {"y"});
  ExpectRefused(loop, "reads 'y': expected what an earlier node makes");
  OnnxModel twice;
  twice.Input("x", {1, 3}).Node("Identity", {"x"}, {"y", "y"});
  ExpectRefused(twice, "expected one maker of each value, got another of 'y'");
  ExpectRefused(OnnxModel().Input("x", {1, 3}).Output("y"), "output 'y': expected a node");
}

TEST(HostileOnnx, OperatorSetsAreThoseKnown) {
  ExpectRefused(OnnxModel(6), "expected an operator set of version 7 to 22, got 6");
  ExpectRefused(OnnxModel(23), "expected an operator set of version 7 to 22, got 23");
}

TEST(HostileOnnx, LimitsHoldBeforeAnythingIsRead) {
  const std::string bytes = SmallBackbone().Bytes();
  EXPECT_NE(Outcome(bytes, {.file_bytes = 100}).find("expected a file of at most 100 bytes"),
            std::string::npos);
  EXPECT_NE(Outcome(bytes, {.nodes = 4}).find("expected at most 4 nodes"), std::string::npos);
  EXPECT_NE(Outcome(bytes, {.limits = {.layers = 3}}).find("3"), std::string::npos);
}

// A few bytes that say how often to repeat a number.
TEST(HostileOnnx, ConstantsThatGrowAreLeftAlone) {
  OnnxModel model;
  model.Input("x", {1, 3}).Floats("one", {1}, {1.0f});
  model.Integers("many", {2}, {1 << 16, 1 << 15}).Integers("more", {1}, {1 << 30});
  model.Node("Expand", {"one", "many"}, {"a"}).Node("Expand", {"one", "more"}, {"b"});
  model.Node("ConstantOfShape", {"more"}, {"c"});
  model.Output("a").Output("b").Output("c");
  EXPECT_NE(Outcome(model.Bytes()), "");
}

TEST(HostileOnnx, WeightsThatDoNotFitTakeNoMemory) {
  OnnxModel model;
  model.Input("x", {1, 1 << 20, 8, 8}).Floats("w", {1 << 10, 1, 1, 1}, Ramp(1 << 10, 0.1f));
  model.Node("Conv", {"x", "w"}, {"y"}).Output("y");
  ExpectRefused(model, "expected at most");
}

TEST(HostileOnnx, GraphsWithinNodesAreNotRead) {
  OnnxModel model;
  model.Input("x", {1, 3}).Node("Loop", {"x"}, {"y"}, {}, "loop").Output("y");
  ExpectRefused(model, "'loop' (Loop, operator set 17): no layer here computes it");
}

}  // namespace
}  // namespace espalier
