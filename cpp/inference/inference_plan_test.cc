// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "inference/inference_run.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/reference_forward.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::NormalFloats;

// Folding and fusing change which roundings happen, not how many: a few units of 2^-24 a
// layer, over up to 150 layers.
constexpr double kTolerance = 1e-5;

// Values of a network with one input.
constexpr int kInput = 0;
constexpr int kFirstLayer = 1;

// What a layer of that name makes.
int ValueOf(const NetworkState& network, const std::string& name) {
  for (int value = 0; value < static_cast<int>(network.values.size()); ++value) {
    if (network.value_name(value) == name) return value;
  }
  ADD_FAILURE() << "no layer " << name;
  return 0;
}

std::int64_t Floats(const NetworkState& network, int value) {
  return network.value(value).shape.element_count();
}

std::vector<std::vector<float>> RunPlan(const NetworkState& network, const std::vector<int>& from,
                                        const std::vector<int>& to, std::int64_t batch,
                                        const std::vector<std::vector<float>>& inputs,
                                        PlanBorder border = PlanBorder::kOutside) {
  const InferencePlan plan(network, from, to, batch, {.border = border});
  const auto buffers = plan.MakeRun(1);
  std::vector<const float*> input_places;
  for (const std::vector<float>& input : inputs) {
    input_places.push_back(input.data());
  }
  std::vector<std::vector<float>> outputs;
  std::vector<float*> output_places;
  for (const int layer : to) {
    outputs.emplace_back(static_cast<std::size_t>(batch * Floats(network, layer)), -777.0f);
    output_places.push_back(outputs.back().data());
  }
  plan.Run(batch, input_places, output_places, *buffers);
  return outputs;
}

std::vector<int> HeadOutputs(const NetworkState& network) {
  std::vector<int> outputs;
  for (const GraphHead& head : network.heads) {
    outputs.push_back(network.logits(head));
  }
  return outputs;
}

void ExpectHeadsLikeReference(const Network& network, std::int64_t batch) {
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(batch * Floats(state, kInput), 5);
  const auto expected = testing::ReferenceForward(state, batch, inputs);
  const std::vector<int> outputs = HeadOutputs(state);
  const auto got = RunPlan(state, {}, outputs, batch, {inputs});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_LE(testing::RelativeNorm(got[i], expected[static_cast<std::size_t>(outputs[i])]),
              kTolerance)
        << state.value_name(outputs[i]);
  }
}

TEST(InferencePlan, EqualsLayerByLayer) {
  testing::ForEachCpuTarget([] {
    for (const std::int64_t batch : {1, 3, 17}) {
      ExpectHeadsLikeReference(testing::FusionNetwork(), batch);
    }
  });
}

TEST(InferencePlan, EqualsLayerByLayerOnResNet18) {
  testing::ForEachCpuTarget([] {
    Network network = Network::Build(testing::ResNet18(Shape::Image(3, 33, 31), 10, 8), 3);
    testing::Scatter(network);
    ExpectHeadsLikeReference(network, 2);
  });
}

TEST(InferencePlan, EqualsLayerByLayerOnMobileNetV2) {
  testing::ForEachCpuTarget([] {
    Network network = Network::Build(testing::MobileNetV2(Shape::Image(3, 40, 40), 10, 8), 3);
    testing::Scatter(network);
    ExpectHeadsLikeReference(network, 2);
  });
}

TEST(InferencePlan, TheTestWouldNoticeAWrongStatistic) {
  Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(Floats(state, kInput), 5);
  const auto expected = testing::ReferenceForward(state, 1, inputs);
  std::vector<float> mean = network.ReadParameter("norm1.running_mean");
  mean[0] += 0.01f;
  network.WriteParameter("norm1.running_mean", mean);
  const int output = HeadOutputs(state)[2];
  const auto got = RunPlan(state, {}, {output}, 1, {inputs});
  EXPECT_GT(testing::RelativeNorm(got[0], expected[static_cast<std::size_t>(output)]), kTolerance);
}

TEST(InferencePlan, AnyLayerCanBeAnOutput) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::int64_t batch = 3;
  const std::vector<float> inputs = NormalFloats(batch * Floats(state, kInput), 6);
  const auto expected = testing::ReferenceForward(state, batch, inputs);
  std::vector<int> all;
  for (const GraphLayer& layer : state.layers) {
    all.push_back(layer.output);
    const auto got = RunPlan(state, {}, {layer.output}, batch, {inputs});
    EXPECT_LE(testing::RelativeNorm(got[0], expected[static_cast<std::size_t>(layer.output)]),
              kTolerance)
        << layer.name;
  }
  all.push_back(3);  // twice
  const auto together = RunPlan(state, {}, all, batch, {inputs});
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_LE(testing::RelativeNorm(together[i], expected[static_cast<std::size_t>(all[i])]),
              kTolerance)
        << state.value_name(all[i]);
  }
}

TEST(InferencePlan, PrefixThenRest) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::int64_t batch = 4;
  const std::vector<float> inputs = NormalFloats(batch * Floats(state, kInput), 7);
  const auto expected = testing::ReferenceForward(state, batch, inputs);
  const std::vector<int> heads = HeadOutputs(state);
  const int norm0 = ValueOf(state, "norm0");
  for (const std::string cut :
       {"conv1", "norm1", "dropout1", "sum", "pool", "grouped", "flatten1", "dense6", "norm7"}) {
    std::vector<int> features = {ValueOf(state, cut), norm0};
    if (cut == "sum") {
      features.push_back(ValueOf(state, "act2"));  // read beside it
    }
    std::vector<std::vector<float>> outside;
    for (const PlanBorder border : {PlanBorder::kOutside, PlanBorder::kInside}) {
      const auto values = RunPlan(state, {}, features, batch, {inputs}, border);
      const auto got = RunPlan(state, features, heads, batch, values, border);
      for (std::size_t i = 0; i < heads.size(); ++i) {
        EXPECT_LE(testing::RelativeNorm(got[i], expected[static_cast<std::size_t>(heads[i])]),
                  kTolerance)
            << "cut at " << cut << ", head " << state.heads[i].name;
      }
      if (border == PlanBorder::kOutside) outside = got;
      EXPECT_EQ(got, outside) << "cut at " << cut;
    }
  }
}

// Dense layers take the image as it lies: nothing is moved between the two.
TEST(InferencePlan, AFlattenBeforeDenseLayersIsNoOperation) {
  const Network network = NetworkBuilder(Shape::Image(2, 5, 4))
                              .Conv2d("conv1", 6, 3)
                              .Flatten()
                              .Dropout(0.5)
                              .Dense("dense1", 7)
                              .From("conv1")
                              .Head("image", LabelsTask({"a", "b"}))
                              .From("dense1")
                              .Head("vector", LabelsTask({"c"}))
                              .Build(1);
  const InferencePlan plan(*network.state(), {}, HeadOutputs(*network.state()), 3);
  EXPECT_EQ(plan.Describe(),
            "channels last\nconv1\ndense1\nheads.image.dense\nheads.vector.dense\n");
  ExpectHeadsLikeReference(network, 3);
  // As an output it is flattened as outside, whatever the border.
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(2 * Floats(state, kInput), 5);
  const int flatten = ValueOf(state, "flatten1");
  const auto expected = testing::ReferenceForward(state, 2, inputs);
  for (const PlanBorder border : {PlanBorder::kOutside, PlanBorder::kInside}) {
    const auto got = RunPlan(state, {}, {flatten}, 2, {inputs}, border);
    EXPECT_LE(testing::RelativeNorm(got[0], expected[static_cast<std::size_t>(flatten)]),
              kTolerance);
  }
}

// What a reshape made lies as outside: flattened, it is read as it lies, whatever reads it.
TEST(InferencePlan, AFlattenOfWhatLiesAsOutsideIsNoOperation) {
  const Network network =
      NetworkBuilder(Shape::Vector(12))
          .Layer(testing::Spec("reshape", {{"shape", std::vector<std::int64_t>{3, 2, 2}}}, "rows"))
          .Flatten()
          .Dropout(0.5)
          .Layer(testing::Spec("abs", {}, "absolute"))
          .From("flatten1")
          .Layer(testing::Spec("layer_norm", {}, "norm"))
          .From("flatten1")
          .Layer(testing::Spec("gelu", {}, "gelu"))
          .Add("sum", "flatten1", "norm")
          .Head("answer", LabelsTask({"a"}))
          .Build(1);
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(2 * Floats(state, kInput), 5);
  const auto expected = testing::ReferenceForward(state, 2, inputs);
  for (const char* name : {"absolute", "norm", "gelu", "sum", "flatten1", "dropout1"}) {
    for (const PlanBorder border : {PlanBorder::kOutside, PlanBorder::kInside}) {
      const int value = ValueOf(state, name);
      const auto got = RunPlan(state, {}, {value}, 2, {inputs}, border);
      EXPECT_LE(testing::RelativeNorm(got[0], expected[static_cast<std::size_t>(value)]),
                kTolerance)
          << name;
    }
  }
}

TEST(InferencePlan, AConvolutionEndsInTheMaximaOfPairs) {
  const auto conv = [](std::int64_t channels, std::int64_t kernel) {
    return Attributes{{"channels", channels}, {"kernel", kernel}};
  };
  const Attributes pairs = {{"window", std::int64_t{2}}};
  const Attributes overlapping = {{"window", std::int64_t{3}}, {"stride", std::int64_t{2}}};
  const Attributes padded = {{"window", std::int64_t{2}}, {"padding", std::string("same")}};
  NetworkBuilder builder(Shape::Image(3, 31, 27));
  builder.Layer(testing::Spec("conv2d", conv(17, 3), "conv1")).BatchNorm("norm1").Relu();
  builder.Layer(testing::Spec("max_pool2d", pairs, "pool1"));
  builder.Layer(testing::Spec("conv2d", conv(5, 5), "conv2"));
  builder.Layer(testing::Spec("max_pool2d", overlapping, "pool2"));
  builder.Layer(testing::Spec("conv2d", conv(9, 3), "conv3"));
  builder.Layer(testing::Spec("max_pool2d", padded, "pool3"));
  builder.Layer(testing::Spec("conv2d", conv(6, 3), "conv4"));
  builder.Layer(testing::Spec("tanh", "tanh4", {}));
  builder.Layer(testing::Spec("max_pool2d", pairs, "pool4"));
  builder.Head("image", LabelsTask({"a", "b"}));
  Network network = builder.Build(1);
  testing::Scatter(network);
  const InferencePlan plan(*network.state(), {}, HeadOutputs(*network.state()), 3);
  EXPECT_EQ(plan.Describe().find("channels last\nconv1 + norm1 + relu1 + pool1\nconv2\npool2\n"
                                 "conv3\npool3\n"),
            0u)
      << plan.Describe();
  testing::ForEachCpuTarget([&] { ExpectHeadsLikeReference(network, 3); });
}

// A sum of two results is formed where the later one is computed.
TEST(InferencePlan, SumsAreFormedByConvolutionsAndDenseLayers) {
  const auto conv = [](const char* name, const char* from, std::int64_t kernel) {
    return testing::Spec("conv2d",
                         {{"channels", std::int64_t{3}}, {"kernel", kernel}, {"bias", false}}, name,
                         {from});
  };
  NetworkBuilder builder(Shape::Image(3, 9, 11));
  builder.Normalize({0.1}, {2.0});
  builder.Layer(conv("conv1", "input", 3)).BatchNorm("norm1").Add("sum1", "norm1", "input").Relu();
  builder.Layer(conv("long", "relu1", 5)).Layer(conv("short", "relu1", 1));
  builder.Add("sum2", "long", "short").Layer(testing::Spec("gelu", "act2", {"sum2"}));
  builder.Layer(conv("conv3", "act2", 3)).Relu().Add("sum3", "relu2", "act2");  // too late
  builder.Layer(testing::Spec("depthwise_conv2d", {{"kernel", std::int64_t{3}}}, "deep", {"sum3"}));
  builder.Add("sum4", "deep", "sum3").Layer(conv("conv5", "sum4", 3));
  builder.Layer(testing::Spec("add", "sum5", {"conv5", "sum4", "act2"}));
  builder.Dense("dense6", 7).Dense("dense7", 7).Add("sum7", "dense6", "dense7").Relu();
  builder.Head("last", LabelsTask({"a", "b"}));
  Network network = builder.Build(1);
  testing::Scatter(network);
  const InferencePlan plan(*network.state(), {}, HeadOutputs(*network.state()), 3);
  EXPECT_EQ(plan.Describe(),
            "normalize\n"
            "conv1 + norm1 + sum1 + relu1\n"
            "long\n"
            "short + sum2 + act2\n"
            "conv3 + relu2\n"
            "sum3\n"
            "deep\n"
            "sum4\n"
            "conv5\n"
            "sum5\n"
            "dense6\n"
            "dense7 + sum7 + relu3\n"
            "heads.last.dense\n");
  testing::ForEachCpuTarget([&] {
    for (const std::int64_t batch : {1, 5}) ExpectHeadsLikeReference(network, batch);
  });
}

// What would leave the cache before it is read is computed in strips of rows.
TEST(InferencePlan, LargeImagesGoThroughConvolutionsInStrips) {
  const auto point = [](const char* name, std::int64_t channels) {
    return testing::Spec(
        "conv2d", {{"channels", channels}, {"kernel", std::int64_t{1}}, {"bias", false}}, name, {});
  };
  const auto deep = [](const char* name, std::int64_t stride) {
    return testing::Spec("depthwise_conv2d",
                         {{"kernel", std::int64_t{3}}, {"stride", stride}, {"bias", false}}, name,
                         {});
  };
  NetworkBuilder builder(Shape::Image(3, 93, 67));
  builder.Layer(point("expand1", 20)).BatchNorm("norm1").Relu();
  builder.Layer(deep("deep1", 1)).BatchNorm("norm2").Relu().Layer(point("project1", 3));
  builder.Add("sum1", "project1", "input");
  builder.Layer(point("expand2", 18)).Layer(testing::Spec("relu6", "act2", {}));
  builder.Layer(deep("deep2", 2)).Layer(point("project2", 5));
  builder.Layer(testing::Spec("global_average_pool2d", "pool", {}));
  builder.Head("head", ClassesTask(4));
  Network network = builder.Build(1);
  testing::Scatter(network);
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, HeadOutputs(state), 3);
  EXPECT_EQ(plan.Describe(),
            "channels last\n"
            "expand1 + norm1 + relu1 > deep1 + norm2 + relu2 > project1 + sum1\n"
            "expand2 + act2 > deep2\n"
            "project2\n"
            "pool\n"
            "heads.head.dense\n");
  testing::ForEachCpuTarget([&] { ExpectHeadsLikeReference(network, 2); });
  // A result that is asked for is a place where strips end, and changes no bit.
  const int act2 = ValueOf(state, "act2");
  const int head = state.heads[0].output;
  const InferencePlan cut(state, {}, {act2, head}, 3);
  EXPECT_NE(cut.Describe().find("\nexpand2 + act2\ndeep2\n"), std::string::npos) << cut.Describe();
  const std::vector<float> inputs = NormalFloats(3 * Floats(state, kInput), 5);
  EXPECT_EQ(RunPlan(state, {}, {act2, head}, 3, {inputs})[1],
            RunPlan(state, {}, {head}, 3, {inputs})[0]);
}

TEST(InferencePlan, LayerNormOfAnImage) {
  Network network = NetworkBuilder(Shape::Image(3, 4, 5))
                        .Conv2d("conv1", 6, 3)
                        .Layer(testing::Spec("layer_norm", "norm1", {}))
                        .Conv2d("conv2", 4, 3)
                        .Head("sizes", ValuesTask({"a"}))
                        .Build(1);
  Random random({.seed = 4});
  for (const char* path : {"norm1.weight", "norm1.bias"}) {
    std::vector<float> values(6 * 4 * 5);
    for (float& value : values) value = static_cast<float>(random.NextNormal());
    network.WriteParameter(path, values);
  }
  ExpectHeadsLikeReference(network, 3);
}

TEST(InferencePlan, NormalizedInputCanBeBothEnds) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(2 * Floats(state, kInput), 8);
  const auto normalized = RunPlan(state, {}, {kInput}, 2, {inputs});
  EXPECT_NEAR(normalized[0][0], (inputs[0] - 0.1f) / 0.5f, 1e-6);
  EXPECT_NEAR(normalized[0][70], (inputs[70] - 0.2f) / 2.0f, 1e-6);
  const std::vector<int> heads = HeadOutputs(state);
  EXPECT_EQ(RunPlan(state, {kInput}, heads, 2, normalized), RunPlan(state, {}, heads, 2, {inputs}));
}

TEST(InferencePlan, InputsMustSuffice) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  // The "colour" head stands on norm0, which the flattened features do not give.
  testing::MessageOf(ErrorCode::kInvalidArgument, [&] {
    const InferencePlan plan(state, {ValueOf(state, "pool")}, HeadOutputs(state), 1);
  });
  testing::MessageOf(ErrorCode::kInvalidArgument,
                     [&] { const InferencePlan plan(state, {}, {10'000}, 1); });
  testing::MessageOf(ErrorCode::kInvalidArgument,
                     [&] { const InferencePlan plan(state, {}, {0}, 0); });
}

TEST(InferencePlan, FusesWhatItSays) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, HeadOutputs(state), 1);
  EXPECT_EQ(plan.Describe(),
            "normalize\n"
            "norm0\n"
            "silu0\n"
            "conv1 + norm1 + relu1\n"
            "deep + norm2 + act2\n"
            "shared\n"
            "norm3\n"
            "sum + act3\n"
            "both\n"
            "pool\n"
            "act4\n"
            "grouped\n"
            "flatten1\n"
            "norm5 + act5\n"
            "dense6 + norm6 + act6\n"
            "norm7\n"
            "heads.colour.dense\n"
            "heads.attributes.dense + heads.kind.dense + heads.size.dense\n"
            "copy of heads.attributes.dense\n"
            "copy of heads.kind.dense\n"
            "copy of heads.size.dense\n");
}

TEST(InferencePlan, SideBySideAreTheBitsOfSeparateOutputs) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::vector<int> heads = HeadOutputs(state);
  ASSERT_EQ(heads.size(), 4u);
  const int image = ValueOf(state, "pool");
  const int norm = ValueOf(state, "norm7");
  // In the order of their product and not, with and without all of its columns, twice, an image,
  // what can't be written between others, the network's own input.
  const std::vector<std::vector<int>> lists = {heads,
                                               {heads[3], heads[2], heads[1], heads[0]},
                                               {heads[2]},
                                               {heads[1], heads[3]},
                                               {heads[0], heads[0], image, heads[2], heads[2]},
                                               {image},
                                               {norm, heads[1]},
                                               {kInput, heads[0]}};
  for (const std::vector<int>& outputs : lists) {
    for (const std::int64_t batch : {1, 3}) {
      const std::vector<float> input = NormalFloats(batch * Floats(state, kInput), 5);
      const auto separate = RunPlan(state, {}, outputs, batch, {input});
      const InferencePlan plan(state, {}, outputs, batch, {.outputs = PlanOutputs::kSideBySide});
      std::int64_t width = 0;
      for (const int output : outputs) width += Floats(state, output);
      std::vector<float> rows(static_cast<std::size_t>(batch * width), -777.0f);
      const float* from = input.data();
      float* to = rows.data();
      plan.Run(batch, {&from, 1}, {&to, 1}, *plan.MakeRun(1));
      std::vector<float> expected;
      for (std::int64_t i = 0; i < batch; ++i) {
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          const std::int64_t floats = Floats(state, outputs[o]);
          const auto first = separate[o].begin() + i * floats;
          expected.insert(expected.end(), first, first + floats);
        }
      }
      EXPECT_EQ(rows, expected) << plan.Describe();
    }
  }
}

TEST(InferencePlan, CopiesOnlyOutputsThatNoStepCanWriteInPlace) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::vector<int> heads = HeadOutputs(state);
  const auto copies = [&](const std::vector<int>& outputs, PlanOutputs form) {
    const std::string steps = InferencePlan(state, {}, outputs, 1, {.outputs = form}).Describe();
    int count = 0;
    for (std::size_t at = 0; (at = steps.find("copy of ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const int attributes = heads[0];
  const int colour = heads[1];
  const int kind = heads[2];
  const int size = heads[3];
  // All but colour come from one product.
  EXPECT_EQ(copies({attributes, kind, size, colour}, PlanOutputs::kSideBySide), 0);
  EXPECT_EQ(copies({attributes, kind, size, colour}, PlanOutputs::kSeparate), 3);
  EXPECT_EQ(copies({attributes, colour, kind, size}, PlanOutputs::kSideBySide), 3);
  EXPECT_EQ(copies({colour}, PlanOutputs::kSeparate), 0);
  EXPECT_EQ(copies({colour, colour}, PlanOutputs::kSideBySide), 2);
}

TEST(InferencePlan, ARequestedIntermediateIsNotFusedAway) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const int conv1 = ValueOf(state, "conv1");
  const InferencePlan plan(state, {}, {conv1, ValueOf(state, "relu1")}, 1);
  EXPECT_EQ(plan.Describe(),
            "normalize\nnorm0 + silu0\nconv1\nnorm1 + relu1\n"
            "channels first\nchannels first\n");
}

TEST(InferencePlan, CopiesAllWeights) {
  Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const std::vector<float> inputs = NormalFloats(Floats(state, kInput), 9);
  const std::vector<int> heads = HeadOutputs(state);
  const InferencePlan plan(state, {}, heads, 1);
  const auto buffers = plan.MakeRun(1);
  const auto run = [&] {
    std::vector<std::vector<float>> outputs;
    std::vector<float*> places;
    for (const int head : heads) {
      outputs.emplace_back(static_cast<std::size_t>(Floats(state, head)));
    }
    for (std::vector<float>& output : outputs) {
      places.push_back(output.data());
    }
    const float* input = inputs.data();
    plan.Run(1, {&input, 1}, places, *buffers);
    return outputs;
  };
  const auto before = run();
  for (const ParameterDescription& parameter : network.Parameters()) {
    network.WriteParameter(
        parameter.path,
        std::vector<float>(static_cast<std::size_t>(parameter.shape.element_count()), 9.0f));
  }
  EXPECT_EQ(run(), before);
  EXPECT_GT(plan.NativeBytes(), 0);
}

TEST(InferencePlan, BuffersShareMemory) {
  const Network network = Network::Build(testing::ResNet18(Shape::Image(3, 32, 32), 10, 16), 3);
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, HeadOutputs(state), 1);
  std::int64_t all = 0;
  for (const GraphLayer& layer : state.layers) {
    all += layer.output_shape.element_count();
  }
  EXPECT_LT(plan.floats_per_example(), all / 4);
}

TEST(InferencePlan, RefusesABatchThatItIsNotFor) {
  const Network network = testing::FusionNetwork();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, {kFirstLayer}, 4);
  const auto run = plan.MakeRun(1, 2);
  const std::vector<float> inputs(static_cast<std::size_t>(4 * Floats(state, kInput)));
  std::vector<float> outputs(static_cast<std::size_t>(4 * Floats(state, kFirstLayer)));
  const float* input = inputs.data();
  float* output = outputs.data();
  for (const std::int64_t batch : {1, 2, 3, 4}) {
    EXPECT_NO_THROW(plan.Run(batch, {&input, 1}, {&output, 1}, *run));
  }
  for (const std::int64_t batch : {0, -1, 5}) {
    testing::MessageOf(ErrorCode::kInvalidArgument,
                       [&] { plan.Run(batch, {&input, 1}, {&output, 1}, *run); });
  }
  testing::MessageOf(ErrorCode::kInvalidArgument, [&] { plan.Run(1, {}, {&output, 1}, *run); });
  testing::MessageOf(ErrorCode::kInvalidArgument, [&] { plan.Run(1, {&input, 1}, {}, *run); });
}

}  // namespace
}  // namespace espalier
