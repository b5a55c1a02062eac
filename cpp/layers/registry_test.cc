// SPDX-License-Identifier: Apache-2.0

// Every kind by its name and attributes, hostile ones included.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {
namespace {

using Ints = std::vector<std::int64_t>;
using Whole = std::int64_t;

// The least that each kind needs.
Attributes Required(const std::string& kind) {
  if (kind == "dense") return {{"units", Whole{3}}};
  if (kind == "conv1d" || kind == "conv2d" || kind == "conv_transpose2d") {
    return {{"channels", Whole{3}}, {"kernel", Whole{3}}};
  }
  if (kind == "depthwise_conv2d") return {{"kernel", Whole{3}}};
  if (kind == "group_norm") return {{"groups", Whole{1}}};
  if (kind == "cast") return {{"to", std::string("float32")}};
  if (kind == "constant") return {{"shape", Ints{20, 30, 40}}};
  if (kind == "expand") return {{"shape", Ints{2, -1, -1, -1}}};
  if (kind == "gather") return {{"indices", Ints{0, -1}}, {"axis", Whole{2}}};
  if (kind == "pad") return {{"before", Ints{0, 1, 1}}};
  if (kind == "reshape") return {{"shape", Ints{-1}}};
  if (kind == "slice") return {{"begin", Ints{0, 1, 1}}};
  if (kind == "transpose") return {{"order", Ints{1, 0, 2}}};
  if (kind == "unsqueeze") return {{"axes", Ints{0}}};
  if (kind == "resize") return {{"scale", 2.0}};
  if (kind == "attention") return {{"heads", Whole{4}}};
  if (kind == "top_k" || kind == "top_k_indices") return {{"k", Whole{3}}};
  if (kind == "gru" || kind == "lstm") return {{"hidden", Whole{3}}};
  if (kind == "embedding") return {{"count", Whole{9}}, {"width", Whole{4}}};
  if (kind == "position_embedding") return {{"max_length", Whole{1} << 20}};
  if (kind == "max_pool2d" || kind == "average_pool2d") return {{"window", Whole{2}}};
  return {};
}

// How many inputs of one shape a kind takes at least.
std::size_t InputsOf(const std::string& kind) {
  if (!TakesInputs(kind)) return 0;
  const bool is_joint = kind == "add" || kind == "concat" || kind == "sub" || kind == "mul" ||
                        kind == "div" || kind == "min" || kind == "max" || kind == "pow" ||
                        kind == "equal" || kind == "less" || kind == "greater" ||
                        kind == "remainder" || kind == "fmod" || kind == "matmul";
  if (kind == "where") return 3;
  return is_joint ? 2 : 1;
}

// What it can read that has the elements of an image.
std::vector<Shape> Inputs(const std::string& kind, const Shape& image) {
  const Shape tokens = {image[1], image[0] * image[2]};
  if (kind == "attention") return {tokens, tokens, tokens};
  if (kind == "embedding") return {Shape{image[0] * image[1] * image[2] / 4}};
  if (kind == "position_embedding" || kind == "class_token" || kind == "token_pool" ||
      kind == "gru" || kind == "lstm") {
    return {tokens};
  }
  if (kind == "conv1d") return {Shape{image[0], image[1] * image[2]}};
  if (kind == "matmul") return {image, Shape{image[0], image[2], image[1]}};
  return std::vector<Shape>(InputsOf(kind), image);
}

std::string ErrorOf(std::string_view kind, const Attributes& attributes) {
  try {
    MakeLayer(kind, attributes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
    return error.what();
  }
  return "no error";
}

std::string ErrorWith(const std::string& kind, const char* name, const AttributeValue& value) {
  Attributes attributes = Required(kind);
  attributes[name] = value;
  return ErrorOf(kind, attributes);
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Whatever a kind does, it does to each element once at least.
TEST(Registry, EachKindSaysHowLongItTakes) {
  const Shape image = Shape::Image(20, 30, 40);
  for (const std::string& kind : LayerKinds()) {
    const auto layer = MakeLayer(kind, Required(kind));
    const std::vector<Shape> inputs = Inputs(kind, image);
    std::int64_t elements = layer->OutputShape(inputs).element_count();
    for (const Shape& input : inputs) elements = std::max(elements, input.element_count());
    const std::int64_t work = layer->Work(inputs);
    EXPECT_GE(work, 16 * elements) << kind;
    EXPECT_LE(work, 20'000 * elements) << kind;
    if (!TakesInputs(kind)) continue;
    // Of more elements more, and of as many as there can be a number that has not wrapped.
    EXPECT_GE(layer->Work(Inputs(kind, Shape::Image(20, 60, 40))), 3 * work / 2) << kind;
    const bool is_plane_limited =
        kind == "max_pool2d" || kind == "average_pool2d" || kind == "global_max_pool2d";
    const Shape most = is_plane_limited ? Shape::Image(1 << 9, 1 << 15, 1 << 16)
                                        : Shape::Image(1, 1 << 18, 1 << 20);
    EXPECT_GE(layer->Work(Inputs(kind, most)), std::int64_t{1} << 40) << kind;
  }
}

TEST(Registry, WorkGrowsWithWindowsChannelsAndUnits) {
  const std::vector<Shape> image = {Shape::Image(16, 100, 100)};
  const auto work = [&](const std::string& kind, const char* name, Whole value) {
    Attributes attributes = Required(kind);
    attributes[name] = value;
    if (kind != "dense") attributes["padding"] = std::string("same");
    if (kind != "dense") attributes["stride"] = Whole{1};
    return MakeLayer(kind, attributes)->Work(image);
  };
  for (const char* kind : {"max_pool2d", "average_pool2d"}) {
    EXPECT_GE(work(kind, "window", 20), 50 * work(kind, "window", 2)) << kind;
  }
  for (const char* kind : {"conv2d", "depthwise_conv2d"}) {
    EXPECT_GE(work(kind, "kernel", 9), 5 * work(kind, "kernel", 3)) << kind;
  }
  EXPECT_GE(work("conv2d", "channels", 640), 5 * work("conv2d", "channels", 64));
  EXPECT_GE(work("dense", "units", 640), 5 * work("dense", "units", 64));
}

// The words in backquotes.
std::vector<std::string> Quoted(const std::string& text) {
  std::vector<std::string> words;
  std::size_t end = 0;
  for (std::size_t begin = text.find('`'); begin != std::string::npos;
       begin = text.find('`', end + 1)) {
    end = text.find('`', begin + 1);
    if (end == std::string::npos) break;
    words.push_back(text.substr(begin + 1, end - begin - 1));
  }
  return words;
}

TEST(Registry, EveryAttributeIsDocumented) {
  std::ifstream file(ESPALIER_TESTDATA "/../../docs/model_file.md");
  ASSERT_TRUE(file.good());
  std::map<std::string, std::set<std::string>> documented;
  bool is_there = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) is_there = line == "## Kinds of layers";
    if (!is_there || !line.starts_with("| `")) continue;
    const std::size_t bar = line.find(" | ");
    const std::vector<std::string> attributes =
        Quoted(line.substr(bar, line.find(" | ", bar + 3) - bar));
    for (const std::string& kind : Quoted(line.substr(0, bar))) {
      EXPECT_FALSE(documented.contains(kind)) << kind;
      documented[kind] = std::set<std::string>(attributes.begin(), attributes.end());
    }
  }
  EXPECT_EQ(documented.size(), LayerKinds().size());
  for (const std::string& kind : LayerKinds()) {
    std::set<std::string> attributes;
    for (const auto& [name, value] : MakeLayer(kind, Required(kind))->attributes()) {
      attributes.insert(name);
    }
    if (kind == "dense") attributes.insert("initializer_value");  // where it is "constant"
    if (kind == "resize") attributes.insert("size");              // in the place of the scale
    if (kind == "constant") attributes.insert("integers");        // where it is one of them
    if (kind == "dense" || kind == "layer_norm") attributes.insert("per_position");  // where true
    if (kind == "gru") attributes.insert("reset_after");                             // where false
    EXPECT_TRUE(documented.contains(kind)) << kind;
    EXPECT_EQ(documented[kind], attributes) << kind;
  }
}

TEST(Registry, AttributesMakeAnEqualLayer) {
  for (const std::string& kind : LayerKinds()) {
    const auto layer = MakeLayer(kind, Required(kind));
    EXPECT_EQ(layer->kind(), kind);
    const auto again = MakeLayer(kind, layer->attributes());
    EXPECT_EQ(again->kind(), kind);
    EXPECT_EQ(again->attributes(), layer->attributes()) << kind;
    EXPECT_EQ(layer->IsRandom(), kind == "dropout");
  }
  const Attributes all = {{"channels", Whole{6}},
                          {"kernel", Ints{3, 5}},
                          {"stride", Ints{2, 1}},
                          {"padding", Ints{1, 2, 3, 4}},
                          {"dilation", Ints{1, 2}},
                          {"groups", Whole{3}},
                          {"bias", false},
                          {"initializer", "constant"},
                          {"initializer_value", 0.25}};
  EXPECT_EQ(MakeLayer("conv2d", all)->attributes(), all);
}

TEST(Registry, PaddingHasSeveralForms) {
  const auto padding = [](const AttributeValue& value) {
    return MakeLayer("max_pool2d", {{"window", Whole{9}}, {"padding", value}})
        ->attributes()
        .at("padding");
  };
  EXPECT_EQ(padding("same"), AttributeValue("same"));
  EXPECT_EQ(padding("valid"), AttributeValue(Ints{0, 0, 0, 0}));
  EXPECT_EQ(padding(Whole{2}), AttributeValue(Ints{2, 2, 2, 2}));
  EXPECT_EQ(padding(Ints{3}), AttributeValue(Ints{3, 3, 3, 3}));
  EXPECT_EQ(padding(Ints{1, 2}), AttributeValue(Ints{1, 1, 2, 2}));
  EXPECT_EQ(padding(Ints{1, 2, 3, 4}), AttributeValue(Ints{1, 2, 3, 4}));
}

TEST(Registry, DefaultsArePyTorchsOrTheDocumentedOnes) {
  const Attributes conv = MakeLayer("conv2d", Required("conv2d"))->attributes();
  EXPECT_EQ(conv.at("padding"), AttributeValue("same"));
  EXPECT_EQ(conv.at("stride"), AttributeValue(Ints{1, 1}));
  const Attributes pool = MakeLayer("average_pool2d", {{"window", Ints{2, 3}}})->attributes();
  EXPECT_EQ(pool.at("stride"), AttributeValue(Ints{2, 3}));
  EXPECT_EQ(pool.at("padding"), AttributeValue(Ints{0, 0, 0, 0}));
  EXPECT_EQ(pool.at("count_include_pad"), AttributeValue(true));
  const Attributes norm = MakeLayer("batch_norm", {})->attributes();
  EXPECT_EQ(norm.at("momentum"), AttributeValue(0.1));
  EXPECT_EQ(norm.at("epsilon"), AttributeValue(1e-5));
  EXPECT_EQ(MakeLayer("layer_norm", {})->attributes().at("epsilon"), AttributeValue(1e-5));
  const Attributes group = MakeLayer("group_norm", Required("group_norm"))->attributes();
  EXPECT_EQ(group.at("epsilon"), AttributeValue(1e-5));
  EXPECT_EQ(group.at("affine"), AttributeValue(true));
  EXPECT_EQ(MakeLayer("instance_norm", {})->attributes().at("affine"), AttributeValue(false));
  EXPECT_EQ(MakeLayer("resize", Required("resize"))->attributes().at("mode"),
            AttributeValue("nearest"));
  EXPECT_EQ(MakeLayer("rms_norm", {})->attributes().at("epsilon"), AttributeValue(1e-6));
  EXPECT_EQ(MakeLayer("leaky_relu", {})->attributes().at("slope"), AttributeValue(0.01));
  EXPECT_EQ(MakeLayer("elu", {})->attributes().at("alpha"), AttributeValue(1.0));
  EXPECT_EQ(MakeLayer("dropout", {})->attributes().at("rate"), AttributeValue(0.5));
  const Attributes gru = MakeLayer("gru", Required("gru"))->attributes();
  EXPECT_EQ(gru.at("bidirectional"), AttributeValue(false));
  EXPECT_EQ(gru.at("bias"), AttributeValue(true));
  EXPECT_EQ(gru.at("return_sequence"), AttributeValue(true));
  EXPECT_FALSE(gru.contains("reset_after"));
  EXPECT_EQ(MakeLayer("gru", {{"hidden", Whole{3}}, {"reset_after", true}})->attributes(), gru);
  EXPECT_EQ(MakeLayer("gru", {{"hidden", Whole{3}}, {"reset_after", false}})
                ->attributes()
                .at("reset_after"),
            AttributeValue(false));
}

TEST(Registry, UnknownNamesListTheKnown) {
  EXPECT_TRUE(Has(ErrorOf("", {}), "known are abs, add, "));
  EXPECT_TRUE(Has(ErrorOf("conv2", {}), "did you mean 'conv2d'")) << ErrorOf("conv2", {});
  EXPECT_EQ(ErrorWith("dense", "unit", Whole{3}),
            "INVALID_ARGUMENT: dense: unknown attribute 'unit', known are units, bias, "
            "initializer, per_position; did you mean 'units'?");
  EXPECT_EQ(ErrorWith("relu", "slope", 0.1),
            "INVALID_ARGUMENT: relu: expected no attributes, got 'slope'");
  EXPECT_EQ(ErrorOf("dense", {}), "INVALID_ARGUMENT: dense: attribute 'units' is missing");
  EXPECT_TRUE(Has(ErrorWith("dense", "initializer", "he"), "unknown initializer 'he'"));
}

TEST(Registry, WrongTypesAreErrors) {
  EXPECT_EQ(ErrorWith("dense", "units", 3.0),
            "INVALID_ARGUMENT: dense units: expected a whole number from 1 to 1048576, got 3");
  EXPECT_EQ(ErrorWith("dense", "bias", Whole{1}),
            "INVALID_ARGUMENT: dense bias: expected true or false, got 1");
  EXPECT_EQ(ErrorWith("dense", "per_position", "yes"),
            "INVALID_ARGUMENT: dense per_position: expected true or false, got \"yes\"");
  EXPECT_TRUE(Has(ErrorWith("layer_norm", "per_position", Whole{1}), "true or false"));
  EXPECT_TRUE(Has(ErrorWith("attention", "causal", Whole{1}), "true or false"));
  EXPECT_TRUE(Has(ErrorWith("attention", "packed", 0.5), "true or false"));
  EXPECT_TRUE(Has(ErrorWith("token_pool", "pool", true), "expected a text"));
  EXPECT_TRUE(Has(ErrorWith("dense", "initializer", true), "expected a text, got true"));
  EXPECT_TRUE(Has(ErrorWith("softmax", "axis", Whole{0}), "expected a text"));
  EXPECT_TRUE(Has(ErrorWith("prelu", "per_channel", Whole{1}), "true or false"));
  EXPECT_TRUE(
      Has(ErrorWith("global_average_pool2d", "keep_dimensions", Whole{1}), "true or false"));
  EXPECT_EQ(ErrorWith("log_softmax", "axis", "first"),
            "INVALID_ARGUMENT: log_softmax axis: expected \"last\" or \"channels\", got \"first\"");
  EXPECT_TRUE(Has(ErrorWith("dropout", "rate", "half"), "expected a number"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "kernel", Ints{3}), "got [3]"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "kernel", Ints{3, 3, 3}), "got [3, 3, 3]"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "padding", "full"), "got \"full\""));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "padding", Ints{1, 2, 3}), "got [1, 2, 3]"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "padding", Ints{}), "got []"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "padding", 1.0), "expected \"same\""));
  EXPECT_TRUE(Has(ErrorWith("reshape", "shape", "flat"), "expected a list of at most 8"));
  EXPECT_TRUE(Has(ErrorWith("reduce", "reduction", "product"), "got \"product\""));
  EXPECT_TRUE(Has(ErrorWith("cast", "to", "float64"), "got \"float64\""));
  EXPECT_TRUE(Has(ErrorWith("matmul", "transpose_first", Whole{1}), "expected true or false"));
  for (const char* kind : {"gru", "lstm"}) {
    EXPECT_TRUE(Has(ErrorWith(kind, "hidden", 3.0), "expected a whole number")) << kind;
    for (const char* name : {"bidirectional", "bias", "return_sequence"}) {
      EXPECT_TRUE(Has(ErrorWith(kind, name, Whole{1}), "true or false")) << kind << " " << name;
    }
  }
  EXPECT_TRUE(Has(ErrorWith("gru", "reset_after", Whole{0}), "true or false"));
  EXPECT_TRUE(Has(ErrorWith("lstm", "reset_after", false), "unknown attribute 'reset_after'"));
}

TEST(Registry, WholeNumbersAreRealOnes) {
  EXPECT_EQ(MakeLayer("leaky_relu", {{"slope", Whole{1}}})->attributes().at("slope"),
            AttributeValue(1.0));
}

TEST(Registry, HostileValuesAreErrors) {
  const Whole hostile[] = {0,
                           -1,
                           498444555,
                           1610637938,
                           1LL << 31,
                           (1LL << 32) + 1,
                           std::numeric_limits<Whole>::max(),
                           std::numeric_limits<Whole>::min()};
  for (const Whole value : hostile) {
    SCOPED_TRACE(value);
    EXPECT_TRUE(Has(ErrorWith("dense", "units", value), "expected a whole number"));
    for (const char* name : {"channels", "groups"}) {
      EXPECT_TRUE(Has(ErrorWith("conv2d", name, value), name)) << name;
    }
    for (const char* name : {"channels", "groups", "kernel", "stride", "dilation"}) {
      EXPECT_TRUE(Has(ErrorWith("conv1d", name, value), name)) << name;
      EXPECT_TRUE(Has(ErrorWith("conv_transpose2d", name, value), name)) << name;
    }
    for (const char* name : {"kernel", "stride", "dilation"}) {
      EXPECT_TRUE(Has(ErrorWith("conv2d", name, value), name)) << name;
      EXPECT_TRUE(Has(ErrorWith("depthwise_conv2d", name, Ints{1, value}), name)) << name;
    }
    for (const char* name : {"window", "stride"}) {
      EXPECT_TRUE(Has(ErrorWith("max_pool2d", name, value), name)) << name;
      EXPECT_TRUE(Has(ErrorWith("average_pool2d", name, Ints{value, 1}), name)) << name;
    }
    EXPECT_TRUE(Has(ErrorWith("depthwise_conv2d", "multiplier", value), "multiplier"));
    if (value != 0) {
      EXPECT_TRUE(Has(ErrorWith("conv2d", "padding", Ints{0, value}), "padding"));
      EXPECT_TRUE(Has(ErrorWith("conv1d", "padding", Ints{0, value}), "padding"));
      EXPECT_TRUE(Has(ErrorWith("conv_transpose2d", "padding", value), "padding"));
      EXPECT_TRUE(Has(ErrorWith("conv_transpose2d", "output_padding", value), "output_padding"));
      EXPECT_TRUE(Has(ErrorWith("max_pool2d", "padding", value), "padding"));
      EXPECT_TRUE(Has(ErrorWith("dropout", "rate", value), "rate"));
      EXPECT_TRUE(Has(ErrorWith("batch_norm", "momentum", value), "momentum"));
    }
    EXPECT_TRUE(Has(ErrorWith("batch_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("layer_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("group_norm", "groups", value), "groups"));
    EXPECT_TRUE(Has(ErrorWith("instance_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("resize", "scale", value), "scale"));
    EXPECT_TRUE(Has(ErrorWith("resize", "size", Ints{1, value}), "size"));
    EXPECT_TRUE(Has(ErrorWith("rms_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("attention", "heads", value), "heads"));
    EXPECT_TRUE(Has(ErrorWith("gru", "hidden", value), "gru hidden"));
    EXPECT_TRUE(Has(ErrorWith("lstm", "hidden", value), "lstm hidden"));
    for (const char* name : {"count", "width"}) {
      EXPECT_TRUE(Has(ErrorWith("embedding", name, value), name)) << name;
    }
    EXPECT_TRUE(Has(ErrorWith("position_embedding", "max_length", value), "max_length"));
    if (value != 0) {
      EXPECT_TRUE(Has(ErrorWith("attention", "scale", value), "scale"));
    }
    if (value < -1 || value > 0) {
      EXPECT_TRUE(Has(ErrorWith("embedding", "padding_id", value), "padding_id"));
    }
  }
  EXPECT_TRUE(Has(ErrorWith("embedding", "padding_id", Whole{9}), "from -1 to 8, got 9"));
  EXPECT_TRUE(Has(ErrorWith("token_pool", "pool", "sum"), "got \"sum\""));
  for (const Ints& list : {Ints{std::numeric_limits<Whole>::min()}, Ints(9, 1), Ints{-2}}) {
    EXPECT_TRUE(Has(ErrorWith("reshape", "shape", list), "reshape shape")) << list.size();
    EXPECT_TRUE(Has(ErrorWith("expand", "shape", list), "expand shape")) << list.size();
    EXPECT_TRUE(Has(ErrorWith("transpose", "order", list), "transpose order")) << list.size();
  }
  for (const Ints& list : {Ints{-9}, Ints{8}, Ints(9, 1), Ints{1LL << 32}}) {
    for (const char* kind : {"reduce", "squeeze", "unsqueeze"}) {
      EXPECT_TRUE(Has(ErrorWith(kind, "axes", list), "axes")) << kind;
    }
  }
  for (const char* kind : {"arg_max", "concat", "gather"}) {
    EXPECT_TRUE(Has(ErrorWith(kind, "axis", Whole{8}), "axis")) << kind;
    EXPECT_TRUE(Has(ErrorWith(kind, "axis", Whole{-9}), "axis")) << kind;
  }
  for (const Whole end : Ints{-(1LL << 41), 1LL << 41, std::numeric_limits<Whole>::min()}) {
    EXPECT_TRUE(Has(ErrorWith("slice", "begin", Ints{end}), "begin"));
    EXPECT_TRUE(Has(ErrorWith("slice", "end", Ints{0, 0, end}), "end"));
    EXPECT_TRUE(Has(ErrorWith("slice", "step", Ints{1, 1, end}), "step"));
    EXPECT_TRUE(Has(ErrorWith("gather", "indices", Ints{0, end}), "indices"));
    EXPECT_TRUE(Has(ErrorWith("pad", "before", Ints{0, end}), "before"));
    EXPECT_TRUE(Has(ErrorWith("pad", "after", Ints{0, 0, end}), "after"));
  }
  EXPECT_TRUE(Has(ErrorWith("pad", "after", Ints{1, 1}), "3 numbers, as many as before"));
  EXPECT_TRUE(Has(ErrorWith("pad", "mode", "wrap"), "got \"wrap\""));
  for (const Ints& shape : {Ints{}, Ints{0}, Ints{-1, 2}, Ints(9, 1), Ints(3, 1LL << 20)}) {
    EXPECT_TRUE(Has(ErrorWith("constant", "shape", shape), "shape: expected")) << shape.size();
  }
  EXPECT_TRUE(Has(ErrorWith("constant", "initializer_value", 1e31), "initializer_value"));
  for (const double value : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(), -1e300, 1e300}) {
    EXPECT_TRUE(Has(ErrorWith("dropout", "rate", value), "rate"));
    EXPECT_TRUE(Has(ErrorWith("leaky_relu", "slope", value), "slope"));
    EXPECT_TRUE(Has(ErrorWith("elu", "alpha", value), "alpha"));
    EXPECT_TRUE(Has(ErrorWith("batch_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("group_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("resize", "scale", value), "scale"));
    EXPECT_TRUE(Has(ErrorWith("pad", "value", value), "pad value"));
    EXPECT_TRUE(Has(ErrorWith("rms_norm", "epsilon", value), "epsilon"));
    EXPECT_TRUE(Has(ErrorWith("attention", "scale", value), "scale"));
  }
  EXPECT_TRUE(Has(ErrorWith("dropout", "rate", Whole{1}), "rate"));
  EXPECT_TRUE(Has(ErrorWith("conv2d", "groups", Whole{2}), "a divisor of channels 3"));
}

TEST(Registry, HugeShapesAreErrorsNotOverflows) {
  const Shape wide[] = {Shape{Whole{1} << 39}};
  const auto dense = MakeLayer("dense", {{"units", Whole{1} << 20}});
  EXPECT_THROW(dense->OutputShape(wide), Error);
  const Shape image[] = {Shape::Image(Whole{1} << 20, 4, 4)};
  const auto multiplied =
      MakeLayer("depthwise_conv2d", {{"kernel", Whole{1}}, {"multiplier", Whole{1} << 20}});
  EXPECT_NO_THROW(multiplied->OutputShape(std::vector<Shape>{Shape::Image(1, 1, 1)}));
  EXPECT_THROW(multiplied->OutputShape(image), Error);
  const Shape plane[] = {Shape::Image(1, Whole{1} << 16, Whole{1} << 16)};
  EXPECT_THROW(MakeLayer("max_pool2d", {{"window", Whole{2}}})->OutputShape(plane), Error);
}

TEST(Registry, LayersOfOneInputOrNoneRefuseMore) {
  const std::vector<Shape> two = {Shape::Image(3, 8, 8), Shape::Image(3, 8, 8)};
  for (const std::string& kind : LayerKinds()) {
    const auto layer = MakeLayer(kind, Required(kind));
    if (InputsOf(kind) > 0) {
      EXPECT_THROW(layer->OutputShape({}), Error) << kind;
    }
    if (InputsOf(kind) > 1) continue;
    EXPECT_THROW(layer->OutputShape(two), Error) << kind;
  }
}

}  // namespace
}  // namespace espalier
