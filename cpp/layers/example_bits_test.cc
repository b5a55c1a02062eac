// SPDX-License-Identifier: Apache-2.0

// What a layer makes of an example depends neither on its place in a batch nor on the others.

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::Floats;
using testing::LayerValues;

using Ints = std::vector<std::int64_t>;
using Whole = std::int64_t;

struct Case {
  std::string kind;
  Attributes attributes;
  std::vector<Shape> inputs;
};

std::vector<Case> Cases() {
  const Shape image = Shape::Image(12, 9, 7);
  const Attributes convolution = {
      {"channels", Whole{17}}, {"kernel", Whole{3}}, {"stride", Whole{2}}};
  return {
      {"group_norm", {{"groups", Whole{4}}, {"epsilon", 1e-5}}, {image}},
      {"instance_norm", {}, {image}},
      {"global_max_pool2d", {}, {image}},
      {"resize", {{"scale", 1.7}, {"mode", "bilinear"}}, {image}},
      {"conv2d", convolution, {image}},
      {"conv_transpose2d", convolution, {image}},
      {"conv_transpose2d", {{"channels", Whole{16}}, {"kernel", Whole{3}}}, {image}},
      {"conv1d", convolution, {Shape{12, 63}}},
      {"reduce", {{"reduction", "l2"}, {"axes", Ints{0, 2}}}, {image}},
      {"reduce", {{"reduction", "mean"}, {"axes", Ints{1, 2}}}, {image}},
      {"matmul", {{"transpose_second", true}, {"transpose_first", false}}, {image, image}},
      {"transpose", {{"order", Ints{2, 0, 1}}}, {image}},
      {"pad", {{"before", Ints{0, 2, 2}}, {"mode", "reflect"}}, {image}},
      {"where", {}, {Shape{9, 1}, image, Shape{7}}},
      {"concat", {{"axis", Whole{1}}}, {image, image}},
  };
}

LayerValues Example(const LayerValues& values, std::size_t example) {
  LayerValues one = values;
  one.batch = 1;
  for (std::size_t i = 0; i < one.inputs.size(); ++i) {
    const auto size = static_cast<std::ptrdiff_t>(values.input_shapes[i].element_count());
    const auto begin = values.inputs[i].begin() + static_cast<std::ptrdiff_t>(example) * size;
    one.inputs[i] = Doubles(begin, begin + size);
  }
  return one;
}

TEST(ExampleBits, DependOnTheExampleAlone) {
  constexpr std::size_t kBatch = 5;
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.kind);
    const auto layer = MakeLayer(c.kind, c.attributes);
    const LayerValues values =
        testing::MakeLayerValues(*layer, c.inputs, kBatch, Mode::kEvaluation, 4);
    const auto outputs = static_cast<std::size_t>(values.output_shape.element_count());
    testing::ForEachCpuTarget([&] {
      const auto all = RunLayer(*layer, values, Doubles(kBatch * outputs, 1.0), 3);
      for (std::size_t example = 0; example < kBatch; ++example) {
        const auto alone = RunLayer(*layer, Example(values, example), Doubles(outputs, 1.0), 1);
        const auto begin = all.output.begin() + static_cast<std::ptrdiff_t>(example * outputs);
        const Floats among(begin, begin + static_cast<std::ptrdiff_t>(outputs));
        EXPECT_TRUE(testing::SameBits(alone.output, among)) << "example " << example;
      }
    });
  }
}

}  // namespace
}  // namespace espalier
